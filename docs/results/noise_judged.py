"""How often the intervals of the process with signals hold what judges, as it says and with its own noise.

    python docs/results/noise_judged.py

Writes `predictors/noise-judged.csv`, a row a draw, in five minutes of a core. *left_out_std* is the standard deviation
of what each training architecture's value is off the prediction of all others, in standard deviations of it: 1 where
the process is as sure as it may be of what it will be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.rank_quality import calibration
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.normal_scores import normal_scores
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
        posterior, noise = process.regression_, process.regression_.hyperparameters.noise
        # a value less what all others predict is this entry of the inverse times the values, over its diagonal
        off = posterior.solve(normal_scores(known[learned])) / np.sqrt(np.diag(posterior.solve(np.eye(size))))
        mean, std = process.predict(genes[judged]).astype(np.float64), process.predict_std(genes[judged])
        told = {"table": table, "trained_on": trained_on, "judged_on": judged_on, "size": size, "draw": draw}
        told |= {"left_out_std": float(off.std())}
        for name, unsure in (("", std), ("with_noise_", np.sqrt(std**2 + noise))):
            found = calibration(mean, unsure, truth[judged])
            told |= {f"{name}coverage": found.coverage, f"{name}sharpness": found.sharpness}
        yield told


if __name__ == "__main__":
    asked = [(*columns, size) for *columns, sizes in ASKED for size in sizes]
    write_table(TARGET, pl.DataFrame([row for each in asked for row in measured(*each)]))
