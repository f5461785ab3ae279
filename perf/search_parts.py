"""Where a predictor-based search spends its seconds in one iteration: training, pool, scoring, by method.

    python perf/search_parts.py [CSV]

Mauch et al. 2020 say that pools need considerably less computation than the whole space. NAS-Bench-101, the paper's GCN
on 100 and on 300 random cells, one thread. Seconds of the processor, the least of a few in turn, because other work on
the machine makes wall time longer; training is measured once. "whole space, dense" scores it in batches, as
the paper would, without the index of shared neighbourhoods; the index is opened once in a run, and was made before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import torch

from predictornas.history import History
from predictornas.predictors.gcn import GCN
from predictornas.predictors.graph_predictor import GraphPredictor
from predictornas.samplers.base import Pool, Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.likelihood import Likelihood
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space

METHODS: dict[str, tuple[Sampler, int]] = {
    "whole space": (Exhaustive(), 0),
    **{f"uniform-{n}": (Uniform(), n) for n in (100, 1000, 10_000)},
    **{f"evolutionary-{n}": (Evolutionary(), n) for n in (100, 1000)},
    **{f"likelihood-{n}": (Likelihood(), n) for n in (100, 1000)},
}
TRAININGS = {"training, 500 steps": 500, "training, 2000 steps": 2000}
EVALUATED = (100, 300)
ROUNDS = 3
DENSE = None
"""How many cells are scored in batches; the whole space where it is None."""


def main() -> None:
    torch.set_num_threads(1)
    space = get_space("nasbench101")
    rows = [row for count in EVALUATED for row in parts_of(space, count)]
    for row in rows:
        print(f"{row['method']:20} {row['part']:22} {row['evaluated']:4} {row['seconds']:9.4f} s", flush=True)
    if len(sys.argv) > 1:
        pl.DataFrame(rows).with_columns(pl.col("seconds").round(5)).write_csv(Path(sys.argv[1]))


def parts_of(space: SearchSpace, evaluated: int) -> list[dict[str, object]]:
    """Seconds of every part after this many evaluations."""
    history = history_of(space, evaluated)
    rows: list[tuple[str, str, float]] = []
    predictors = {part: GCN(training_epochs=steps) for part, steps in TRAININGS.items()}
    for part, predictor in predictors.items():
        rows.append(("all", part, seconds_of(partial(fitted, predictor, space, history), rounds=1)))
    predictor = predictors["training, 2000 steps"]
    whole = partial(predictor.predict, space.enumerate())
    rows.append(("all", "index, opened", seconds_of(whole, rounds=1)))
    for name, (sampler, size) in METHODS.items():
        draw = partial(pool_of, sampler, space, size, history, predictor)
        rows.append((name, "pool", seconds_of(draw)))
        rows.append((name, "scoring", seconds_of(partial(predictor.predict, draw().genes))))
    dense = replace(predictor, engine="dense")
    dense.space_, dense.network_ = predictor.space_, predictor.network_
    batches = partial(dense.predict, space.enumerate()[:DENSE])
    rows.append(("whole space, dense", "scoring", seconds_of(batches, rounds=1)))
    return [
        {"method": method, "part": part, "evaluated": evaluated, "seconds": seconds} for method, part, seconds in rows
    ]


def seconds_of(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Least processor time of one run."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def fitted(predictor: GCN, space: SearchSpace, history: History) -> GraphPredictor:
    return predictor.fit(space, history.genes, history.values, rng=fresh())


def pool_of(sampler: Sampler, space: SearchSpace, size: int, history: History, predictor: GCN) -> Pool:
    return sampler.propose(space, size, history, predictor, fresh())


def fresh() -> np.random.Generator:
    return np.random.default_rng(0)


def history_of(space: SearchSpace, count: int) -> History:
    rng = np.random.default_rng(7)
    genes = space.sample(count, rng)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(count), values=rng.random(count), iteration=0
    )


if __name__ == "__main__":
    main()
