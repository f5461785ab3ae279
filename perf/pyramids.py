"""What a predictor learns from a pyramid of trainings: rules for pairs, raw values, and a level 0 with a weight.

    python perf/pyramids.py [PREDICTOR [TABLE]]

Draws cells at random, ten at a time, trains them as NOSH says (r = 1/2) on a table, fits a predictor on what that
gives, and compares its scores with the evaluation of 2,000 other cells. Kendall's tau and its 95 % t interval over the
draws go to docs/results/nosh/pyramids/pyramids.csv, one row for each table, predictor, number of cells and way:

`full`: as many cells as the same epochs train to the end, and nothing else. `raw`: every architecture once with its
last accuracy, however long it was trained. `common`, `level`: pairs by these rules. `zero-W`: `common` with 90 other
cells at level 0, which have a synflow score and no training, at weight W. Draws are the same for all of them, and those
that are in draws.csv already are not made again. A predictor or a table limits what is made in one call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.files import write_json
from predictornas.history import History
from predictornas.oracles.tabular import TabularOracle
from predictornas.predictors.base import Predictor, fresh
from predictornas.predictors.fidelity import WithUntrained
from predictornas.predictors.registry import get_predictor
from predictornas.schedulers.nosh import NOSH
from predictornas.search.loop import Search, iterate
from predictornas.search.scheduled import Scheduled, ZeroCost
from predictornas.search.strategies import RandomSearch
from predictornas.seeding import rng_for
from predictornas.studies.provenance import surroundings
from predictornas.studies.tidy_tables import write_table
from predictornas.threads import one_thread

OUT = Path(__file__).parents[1] / "docs" / "results" / "nosh" / "pyramids"

TABLES = ("nasbench201-full-cifar10", "nasbench101-val30k")
PREDICTORS = {"fast-gp": 100, "fast-gcn": 30}
"""Cells in the pyramid, by predictor."""

WEIGHTS = (Fraction(1, 10), Fraction(3, 10), Fraction(1))
UNTRAINED = 90
JUDGED = 2000
DRAWS = 10


def main(only: str | None = None, table: str | None = None) -> None:
    """Makes the draws that are missing, then the summary."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "draws.csv"
    rows = pl.read_csv(path).to_dicts() if path.exists() else []
    keys = ["table", "predictor", "cells", "learned"]
    done = {tuple(row[name] for name in (*keys, "seed")) for row in rows}
    for draw, name, (predictor, cells) in product(range(DRAWS), TABLES, PREDICTORS.items()):
        if only in (None, predictor) and table in (None, name):
            wanted = [way for way in _ways(predictor) if (name, predictor, cells, way, draw) not in done]
            for way, tau in _measured(name, predictor, cells, draw, wanted):
                facts = dict(zip(keys, (name, predictor, cells, way), strict=True))
                rows.append({**facts, "seed": draw, "tau": tau})
            write_table(path, pl.DataFrame(rows))
    summary = over_seeds(pl.DataFrame(rows), keys, "tau", bounds=(-1.0, 1.0))
    write_table(OUT / "pyramids.csv", summary.rename({"mean": "tau"}))
    write_json(OUT / "manifest.json", {"command": "python perf/pyramids.py", "made_with": [surroundings()]})


def _ways(predictor: str) -> list[str]:
    """Ways to learn; a process learns one number an architecture, which has no weights of pairs."""
    weights = (Fraction(1),) if predictor == "fast-gp" else WEIGHTS
    return ["full", "raw", "common", "level", *(f"zero-{float(weight):g}" for weight in weights)]


def _measured(table: str, name: str, cells: int, seed: int, ways: list[str]) -> Iterator[tuple[str, float]]:
    """Kendall's tau of a predictor after each way to learn."""
    if not ways:
        return
    benchmark, predictor = open_benchmark(table), get_predictor(name)
    history = _pyramid(benchmark, cells, seed)
    space, rng = benchmark.space, rng_for(seed, 0, "judged")
    judged = space.sample(JUDGED, rng)
    judged = judged[~np.isin(space.keys(judged), history.keys)]
    truth = benchmark.lookup(judged, benchmark.evaluation)
    for way in ways:
        with one_thread():
            fitted = _fitted(benchmark, predictor, history, way, seed)
            yield way, float(kendalltau(fitted.predict(judged), truth).statistic)


def _pyramid(benchmark: Benchmark, cells: int, seed: int) -> History:
    """Random cells after the promotions of NOSH."""
    oracle = TabularOracle(benchmark)
    search = Search(benchmark.space, Scheduled(RandomSearch(), NOSH(oracle.levels)), seed=seed)
    came_in, before = 0, search.history
    for step in iterate(search, oracle, budget=10 * cells):
        came_in += len(step.evaluations) if step.evaluations.epochs[0] == oracle.levels[0] else 0
        if came_in > cells:
            break
        before = search.history
    return before


def _fitted(benchmark: Benchmark, predictor: Predictor, history: History, way: str, seed: int) -> Predictor:
    space, rng = benchmark.space, rng_for(seed, 1, "fit")
    if way == "full":
        last = int(history.epochs.max())
        count = max(2, int(history.epochs.sum()) // last)
        genes = space.sample(count, rng_for(seed, 0, "full"))
        return fresh(predictor).fit(space, genes, benchmark.lookup(genes, benchmark.signal), rng=rng)
    if way == "raw":
        once = history.latest()
        return fresh(predictor).fit(space, once.genes, once.values, rng=rng)
    if way.startswith("zero"):
        pool, scores = ZeroCost(pool=1).level_zero(space, UNTRAINED, seed=seed + DRAWS)
        unseen = ~np.isin(pool.keys, history.keys)
        history = history.extended(
            keys=pool.keys[unseen],
            genes=pool.genes[unseen],
            epochs=np.zeros(int(unseen.sum()), np.int64),
            values=scores[unseen],
            iteration=0,
        )
        predictor.fidelity_pairs = WithUntrained(weight=Fraction(way.removeprefix("zero-")))  # type: ignore[attr-defined]
    else:
        predictor.fidelity_pairs = way  # type: ignore[attr-defined]
    return fresh(predictor).fit(space, history.genes, history.values, epochs=history.epochs, rng=rng)


if __name__ == "__main__":
    main(*sys.argv[1:])
