"""What each part of `signal_features` adds to the Gaussian process, on cells apart from the draws of the leaderboard.

    predictornas proxies --benchmark nasbench101 --sample 1600 --proxies gradient_norm,synflow --out FOLDER
    python docs/results/signals_tried.py [FOLDER/scores.csv]

Writes `predictors/signals-tried.csv`: Kendall's tau on 2,000 other cells of a sample of 4,000, paired over draws. With
the scores of proxies, which are of the first cells of another sample, also what the norm of real gradients adds.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import CORRELATION, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.normal_scores import normal_scores
from predictornas.predictors.process.graph_views import STRUCTURE, RawViews, Scaling, raw_views
from predictornas.predictors.process.matern import Regression, tuned
from predictornas.predictors.process.signal_propagation import signal_features
from predictornas.seeding import rng_for
from predictornas.studies.tidy_tables import write_table

TARGET = Path(__file__).parent / "predictors" / "signals-tried.csv"
COLUMN = "test_accuracy_108_mean"
SAMPLE, JUDGED = 4000, 2000
DRAWS = {100: 10, 424: 5}

ENERGIES, DEPTHS = [0, 1, 2, 3], [4, 5, 6, 7, 8]
SQUARED = [column + 9 for column in (*ENERGIES, *DEPTHS)]
PARTS: dict[str, list[int]] = {
    "none": [],
    "energies, by variance": ENERGIES,
    "energies and depths of gradients, by variance": ENERGIES + DEPTHS,
    "the same, by mean square": SQUARED,
    "both": ENERGIES + DEPTHS + SQUARED,
    "depths of the signal and number of weights": [18, 19, 20, 21, 22],
    "number of weights": [22],
    "all": list(range(23)),
}


def tau_of(views: RawViews, values: np.ndarray, added: np.ndarray, draw: int, size: int) -> float:
    """Kendall's tau of a process that sees some more columns."""
    order = np.random.default_rng(draw).permutation(len(values))
    learned, judged = order[:size], order[size : size + JUDGED]

    def seen(rows: np.ndarray) -> RawViews:
        structure = np.concatenate([views.structure[rows], added[rows]], axis=1).astype(np.float32)
        return replace(views, structure=structure, flow=views.flow[rows], subtrees=views.subtrees[:, rows])

    training = seen(learned)
    scaling = Scaling(training)
    inputs, targets = scaling(training), normal_scores(values[learned])
    hyperparameters = tuned(inputs, targets, relevant=(STRUCTURE,))
    scores = Regression(inputs, targets, hyperparameters, degrees_of_freedom=4.0).mean(scaling(seen(judged)))
    return float(kendalltau(scores, values[judged]).statistic)


def main() -> None:
    """Measures all parts."""
    benchmark = open_benchmark("nasbench101")
    space = benchmark.space
    rows: list[dict[str, object]] = []

    def measure(sample: str, parts: dict[str, np.ndarray], genes: np.ndarray) -> None:
        values = benchmark.values(COLUMN)[benchmark.rows(space.keys(genes))]
        views = raw_views(space, genes, width=64)
        for size, draws in DRAWS.items():
            for draw in range(draws):
                found = {name: tau_of(views, values, added, draw, size) for name, added in parts.items()}
                rows.extend(
                    {"sample": sample, "part": name, "size": size, "tau": tau, "more": tau - found["none"]}
                    for name, tau in found.items()
                )

    genes = space.sample(SAMPLE, rng_for(0, 0, "sample"))
    features = signal_features(space.graphs(genes), space.convolution_areas)  # type: ignore[attr-defined]
    measure("signals", {name: features[:, columns] for name, columns in PARTS.items()}, genes)
    if len(sys.argv) > 1:
        scores = pl.read_csv(sys.argv[1], infer_schema_length=None)
        of_proxy = {name: own["score"].to_numpy() for (name,), own in scores.group_by("proxy", maintain_order=True)}
        count = len(next(iter(of_proxy.values())))
        genes = space.sample(count, rng_for(0, 0, "sample"))
        columns = {str(name): normal_scores(np.nan_to_num(score))[:, None] for name, score in of_proxy.items()}
        parts = {"none": np.zeros((count, 0)), **columns}
        measure("proxies", parts, genes)
    table = pl.DataFrame(rows)
    keys = ["sample", "part", "size"]
    tau = over_seeds(table, keys, "tau", bounds=CORRELATION)
    more = over_seeds(table, keys, "more").select(*keys, more="mean", more_low="low", more_high="high")
    write_table(TARGET, tau.join(more, on=keys, maintain_order="left"))


if __name__ == "__main__":
    main()
