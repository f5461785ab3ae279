"""How often the intervals of the process with signals hold what judges, as it says and with its own noise.

    python docs/results/noise_judged.py

Writes `predictors/noise-judged.csv` in five minutes of a core: coverage and sharpness of 90 % intervals over draws, as
`predict_std` has them and with the variance of the noise that the process was tuned to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.rank_quality import calibration
from predictornas.analysis.statistics import SHARE, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.predictors.gaussian_process import SignalProcess
from predictornas.studies.tidy_tables import write_table

TARGET = Path(__file__).parent / "predictors" / "noise-judged.csv"
MEAN, OWN, REST = (f"test_accuracy_108_{runs}" for runs in ("mean", "run0", "rest"))
VALID = "valid_accuracy_200_mean"
ASKED = (
    ("nasbench101", MEAN, MEAN, (100, 424)),
    ("nasbench101", OWN, OWN, (100, 424)),
    ("nasbench101", OWN, REST, (100, 424)),
    ("nasbench201-full-cifar10", VALID, VALID, (156, 781, 1563)),
)
"""Table, column that is learned, column that judges, training architectures."""
DRAWS, JUDGED = range(7200, 7205), 2000


def measured(table: str, trained_on: str, judged_on: str, size: int) -> Iterator[dict[str, object]]:
    """The draws of one size."""
    benchmark = open_benchmark(table)
    space, genes = benchmark.space, benchmark.space.enumerate()
    rows = benchmark.rows(space.enumerated_keys())
    known, truth = (benchmark.values(column)[rows] for column in (trained_on, judged_on))
    for draw in DRAWS:
        order = np.random.default_rng(draw).permutation(len(genes))
        learned, judged = order[:size], order[size : size + JUDGED]
        process = SignalProcess().fit(space, genes[learned], known[learned], rng=np.random.default_rng(0))
        noise = process.regression_.hyperparameters.noise
        mean, std = process.predict(genes[judged]).astype(np.float64), process.predict_std(genes[judged])
        label = {"table": table, "trained_on": trained_on, "judged_on": judged_on, "size": size, "draw": draw}
        for sure_of, unsure in (("the function", std), ("and its noise", np.sqrt(std**2 + noise))):
            found = calibration(mean, unsure, truth[judged])
            yield label | {"of": sure_of, "coverage": found.coverage, "sharpness": found.sharpness}


if __name__ == "__main__":
    asked = [(*columns, size) for *columns, sizes in ASKED for size in sizes]
    draws = pl.DataFrame([row for each in asked for row in measured(*each)])
    by = ["table", "trained_on", "judged_on", "size", "of"]
    told = [
        over_seeds(draws, by, quantity, bounds=bounds).with_columns(quantity=pl.lit(quantity))
        for quantity, bounds in (("coverage", SHARE), ("sharpness", None))
    ]
    write_table(TARGET, pl.concat(told).drop("std"))
