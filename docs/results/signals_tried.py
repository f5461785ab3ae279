"""What each part of how signals pass adds to the Gaussian process, on cells apart from the draws of the leaderboard.

    python docs/results/signals_tried.py signals wires
    predictornas proxies --benchmark nasbench101 --sample 1600 --proxies gradient_norm,synflow --out FOLDER
    python docs/results/signals_tried.py FOLDER/scores.csv

Renews the rows of what is asked for in `predictors/signals-tried.csv`: Kendall's tau on 2,000 other cells of a sample
of 4,000, paired over draws. *signals*: columns of `signal_features` on NAS-Bench-101. *wires*: cells of NAS-Bench-201
without their skip connections. The scores of proxies, which are of the first cells of another sample: what the norm of
real gradients adds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import CORRELATION, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.normal_scores import normal_scores
from predictornas.predictors.process.description import without_weights
from predictornas.predictors.process.graph_views import STRUCTURE, RawViews, Scaling, raw_views
from predictornas.predictors.process.identities import wired
from predictornas.predictors.process.matern import Regression, tuned
from predictornas.predictors.process.signal_propagation import signal_features
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.studies.tidy_tables import write_table

TARGET = Path(__file__).parent / "predictors" / "signals-tried.csv"
SAMPLE, JUDGED = 4000, 2000
DRAWS = {100: 10, 424: 5}

ENERGIES, DEPTHS = [0, 1, 2, 3], [4, 5, 6, 7, 8]
SQUARED = [column + 9 for column in (*ENERGIES, *DEPTHS)]
PARTS: dict[str, list[int]] = {
    "energies, by variance": ENERGIES,
    "energies and depths of gradients, by variance": ENERGIES + DEPTHS,
    "the same, by mean square": SQUARED,
    "both": ENERGIES + DEPTHS + SQUARED,
    "depths of the signal and number of weights": [18, 19, 20, 21, 22],
    "number of weights": [22],
    "all": list(range(23)),
}


def tau_of(views: RawViews, values: np.ndarray, draw: int, size: int) -> float:
    """Kendall's tau of a process that sees these views."""
    order = np.random.default_rng(draw).permutation(len(values))
    learned, judged = order[:size], order[size : size + JUDGED]

    def seen(rows: np.ndarray) -> RawViews:
        return RawViews(views.structure[rows], views.flow[rows], views.subtrees[:, rows])

    training = seen(learned)
    scaling = Scaling(training)
    inputs, targets = scaling(training), normal_scores(values[learned])
    hyperparameters = tuned(inputs, targets, relevant=(STRUCTURE,))
    scores = Regression(inputs, targets, hyperparameters, degrees_of_freedom=4.0).mean(scaling(seen(judged)))
    return float(kendalltau(scores, values[judged]).statistic)


def with_columns(views: RawViews, added: np.ndarray) -> RawViews:
    """Some more counts."""
    return replace(views, structure=np.concatenate([views.structure, added], axis=1).astype(np.float32))


def with_subtrees(views: RawViews, added: np.ndarray) -> RawViews:
    """Some more subtrees."""
    return replace(views, subtrees=np.concatenate([views.subtrees, added]))


def measured(
    sample: str,
    table: str,
    column: str,
    count: int,
    parts: Callable[[RawViews, SearchSpace, Genes], dict[str, RawViews]],
) -> pl.DataFrame:
    """What each part adds to the plain views of some cells of a table."""
    benchmark = open_benchmark(table)
    genes = benchmark.space.sample(count, rng_for(0, 0, "sample"))
    values = benchmark.values(column)[benchmark.rows(benchmark.space.keys(genes))]
    plain = raw_views(benchmark.space, genes, width=64)
    seen = {"none": plain, **parts(plain, benchmark.space, genes)}
    rows: list[dict[str, object]] = []
    for size, draws in DRAWS.items():
        for draw in range(draws):
            found = {name: tau_of(views, values, draw, size) for name, views in seen.items()}
            rows.extend(
                {"sample": sample, "part": name, "size": size, "tau": tau, "more": tau - found["none"]}
                for name, tau in found.items()
            )
    return pl.DataFrame(rows)


def signals() -> pl.DataFrame:
    """Columns of `signal_features`."""

    def parts(plain: RawViews, space: SearchSpace, genes: Genes) -> dict[str, RawViews]:
        features = signal_features(space.graphs(genes), space.convolution_areas)  # type: ignore[attr-defined]
        return {name: with_columns(plain, features[:, columns]) for name, columns in PARTS.items()}

    return measured("signals", "nasbench101", "test_accuracy_108_mean", SAMPLE, parts)


def wires() -> pl.DataFrame:
    """Counts and subtrees of cells without their skip connections, beside those with them and in their place."""

    def parts(plain: RawViews, space: SearchSpace, genes: Genes) -> dict[str, RawViews]:
        counts, subtrees = without_weights(wired(space, space.graphs(genes)))
        with_counts = with_columns(plain, counts)
        return {
            "counts": with_counts,
            "subtrees": with_subtrees(plain, subtrees),
            "both": with_subtrees(with_counts, subtrees),
            "both, in the place of those of the cell": replace(plain, structure=counts, subtrees=subtrees),
        }

    return measured("wires", "nasbench201-full-cifar10", "valid_accuracy_200_mean", SAMPLE, parts)


def proxies(path: str) -> pl.DataFrame:
    """Scores of networks that were run."""
    scores = pl.read_csv(path, infer_schema_length=None)
    of_proxy = {str(name): own["score"].to_numpy() for (name,), own in scores.group_by("proxy", maintain_order=True)}

    def parts(plain: RawViews, _space: SearchSpace, _genes: Genes) -> dict[str, RawViews]:
        normal = {name: normal_scores(np.nan_to_num(score))[:, None] for name, score in of_proxy.items()}
        return {name: with_columns(plain, score) for name, score in normal.items()}

    count = len(next(iter(of_proxy.values())))
    return measured("proxies", "nasbench101", "test_accuracy_108_mean", count, parts)


def main(*asked: str) -> None:
    """Measures what is asked for."""
    known = {"signals": signals, "wires": wires}
    table = pl.concat([known[name]() if name in known else proxies(name) for name in asked])
    keys = ["sample", "part", "size"]
    tau = over_seeds(table, keys, "tau", bounds=CORRELATION)
    more = over_seeds(table, keys, "more").select(*keys, more="mean", more_low="low", more_high="high")
    new = tau.join(more, on=keys, maintain_order="left")
    kept = pl.read_csv(TARGET).filter(~pl.col("sample").is_in(new["sample"].unique().to_list()))
    write_table(TARGET, pl.concat([kept, new]))


if __name__ == "__main__":
    main(*sys.argv[1:])
