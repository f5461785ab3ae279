"""Searches on simulated clusters: whether workers that never wait find better architectures in the same time.

    python perf/cluster.py FOLDER [SEEDS]

Runs every search in FOLDER, one file each; stopped, it goes on where it was. Writes docs/results/asynchronous/
trainings.parquet, one row a training: `table`, `method`, `workers`, `synchronous`, `seed`, `order` (of ending), `begun`
and `ended` (seconds), and `error` on the evaluation column. `python docs/results/regenerate.py asynchronous` makes the
other tables and the figure of it. Both ways of a search have the same strategy, whose batch is the number of workers,
and the same initial set. An ask takes a second, more than any here took. Random search says how busy many workers are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.files import write_json, writing_file
from predictornas.oracles.tabular import TabularOracle
from predictornas.predictors.studied import fast_gp
from predictornas.samplers.uniform import Uniform
from predictornas.search.building import bayesian_optimisation
from predictornas.search.loop import Search
from predictornas.search.simulated import Cluster
from predictornas.search.strategies import PredictorSearch, RandomSearch, Strategy
from predictornas.studies.provenance import surroundings

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "asynchronous"

ASKING = 1.0
"""Seconds that an ask takes."""

EVALUATIONS = {1: 64, 4: 80, 16: 112}
"""Of each search, by the number of workers."""

RANDOM = {workers: 6 * workers for workers in (4, 16, 64)}
"""Of each random search."""

METHODS = {"nasbench201-cifar10": "bayesian-optimisation", "nasbench101-val30k": "uniform-300"}

SEEDS, RANDOM_SEEDS = 20, 6


@dataclass(frozen=True)
class Case:
    """One search."""

    table: str
    method: str
    workers: int
    synchronous: bool
    seed: int

    @property
    def strategy(self) -> Strategy:
        """Its strategy, which gives a batch for all workers."""
        batch, initial = self.workers, max(10, self.workers)
        if self.method == "random":
            return RandomSearch(initial, batch)
        if self.method == "bayesian-optimisation":
            return bayesian_optimisation(initial, batch)
        return PredictorSearch(fast_gp(), Uniform(), 300, initial, batch, exploration=1.0, smoothed=True)

    @property
    def evaluations(self) -> int:
        """In all."""
        return (RANDOM if self.method == "random" else EVALUATIONS)[self.workers]

    @property
    def file(self) -> str:
        """What its file is called."""
        way = "synchronous" if self.synchronous else "asynchronous"
        return f"{self.table}-{self.method}-{self.workers}-{way}-{self.seed}.parquet"


def cases(seeds: int) -> Iterator[Case]:
    """Every search, whole seeds first, so that an early look compares. One worker alone has nobody to wait for."""
    for seed in range(seeds):
        for table, method in METHODS.items():
            for name, evaluations in ((method, EVALUATIONS), ("random", RANDOM)):
                for workers in evaluations if name == method or seed < RANDOM_SEEDS else ():
                    for synchronous in (False, True)[: 1 if workers == 1 else 2]:
                        yield Case(table, name, workers, synchronous, seed)


def run(case: Case) -> pl.DataFrame:
    """Its trainings."""
    benchmark = open_benchmark(case.table)
    search = Search(benchmark.space, case.strategy, seed=case.seed)
    cluster = Cluster(case.workers, synchronous=case.synchronous, asking=ASKING)
    trainings = cluster.run(search, TabularOracle(benchmark), case.evaluations)
    keys = np.array([training.key for training in trainings], np.uint64)
    errors = benchmark.costs(benchmark.evaluation)[benchmark.rows(keys)]
    return pl.DataFrame(
        {
            "order": pl.Series(range(len(trainings)), dtype=pl.Int32),
            "begun": pl.Series([training.begun for training in trainings], dtype=pl.Float32),
            "ended": pl.Series([training.ended for training in trainings], dtype=pl.Float32),
            "error": pl.Series(errors, dtype=pl.Float32),
        }
    ).select(*(pl.lit(value).alias(name) for name, value in vars(case).items()), pl.all())


def main(folder: Path, seeds: int = SEEDS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases(seeds):
        path = folder / case.file
        if not path.exists():
            found = run(case)
            with writing_file(path) as temporary:
                found.write_parquet(temporary)
    RESULTS.mkdir(exist_ok=True)
    trainings = pl.concat(pl.read_parquet(folder / case.file) for case in cases(seeds))
    with writing_file(RESULTS / "trainings.parquet") as temporary:
        trainings.write_parquet(temporary)
    facts = {"command": "python perf/cluster.py FOLDER", "seeds": list(range(seeds)), "asking_seconds": ASKING}
    write_json(RESULTS / "manifest.json", {**facts, "evaluations": EVALUATIONS, "made_with": [surroundings()]})


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
