"""What a search saves that knows how others ranked: another data set, training-free scores, and a useless source.

    python perf/transfer.py FOLDER [SEEDS]

Runs every search in FOLDER, one file each; stopped, it goes on where it was. Writes docs/results/asynchronous/
transfer.parquet, one row an evaluation: `table`, `source`, `share` (of the initial set that the source chooses),
`seed`, `order` and `error` on the evaluation column. A search without a source has the source "none". `python
docs/results/regenerate.py asynchronous` makes the other tables of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.files import write_json, writing_file
from predictornas.oracles.tabular import TabularOracle
from predictornas.predictors.transferring import Prior
from predictornas.search.building import bayesian_optimisation
from predictornas.search.loop import Search, run
from predictornas.search.scheduled import ZeroCost
from predictornas.search.strategies import Strategy
from predictornas.search.transfer import TransferSearch
from predictornas.seeding import rng_for
from predictornas.studies.provenance import surroundings

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "asynchronous"

SEEDS = 20
EVALUATIONS = {"nasbench201-cifar10": 60, "nasbench101": 100}

SOURCES = {
    "nasbench201-cifar10": ("none", "cifar100", "cifar100, shuffled"),
    "nasbench101": ("none", "parameters", "parameters, shuffled", "synflow"),
}
SHARES = {"nasbench201-cifar10": (0.0, 0.3, 0.5), "nasbench101": (0.3,)}

TRIALS = {"cifar100": 50, "parameters": 20_000, "synflow": 1000}
"""Random architectures that a source knows; those of the zero-cost scores are the same for all seeds."""


@dataclass(frozen=True)
class Case:
    """One search."""

    table: str
    source: str
    share: float
    seed: int

    @property
    def file(self) -> str:
        """What its file is called."""
        return f"{self.table}-{self.source.replace(', ', '-')}-{self.share}-{self.seed}.parquet"


def cases(seeds: int) -> Iterator[Case]:
    """Every search, whole seeds first, so that an early look compares."""
    for seed in range(seeds):
        for table, sources in SOURCES.items():
            for source in sources:
                for share in (0.0,) if source == "none" else SHARES[table]:
                    yield Case(table, source, share, seed)


def strategy_of(case: Case) -> Strategy:
    """Bayesian optimisation, with what its source knows."""
    search = bayesian_optimisation(10, 10)
    if case.source == "none":
        return search
    name, shuffled = case.source.split(",")[0], case.source.endswith("shuffled")
    source = source_of(name, case.seed if name == "cifar100" else 0)
    if shuffled:
        source = Prior(source.genes, rng_for(case.seed, 0, "shuffled").permutation(source.values))
    return TransferSearch(search, (source,), case.share)


@cache
def source_of(name: str, seed: int) -> Prior:
    """Random trials of another data set, or random cells with a score that needs no training."""
    rng = rng_for(seed, 0, f"trials of {name}")
    if name == "cifar100":
        table = open_benchmark("nasbench201-cifar100")
        genes = table.space.sample(TRIALS[name], rng)
        return Prior(genes, TabularOracle(table).evaluate(genes, None, rng).value)
    table = open_benchmark("nasbench101")
    genes = table.space.sample(TRIALS[name], rng)
    scores = ZeroCost().scores(table.space, genes, rng) if name == "synflow" else table.lookup(genes, "parameters")
    return Prior(genes, np.asarray(scores, np.float64))


def searched(case: Case) -> pl.DataFrame:
    """Its evaluations."""
    table = open_benchmark(case.table)
    history = run(Search(table.space, strategy_of(case), seed=case.seed), TabularOracle(table), EVALUATIONS[case.table])
    errors = table.costs(table.evaluation)[table.rows(history.keys)]
    orders = pl.Series("order", range(len(errors)), dtype=pl.Int32)
    frame = pl.DataFrame([orders, pl.Series("error", errors, dtype=pl.Float32)])
    return frame.select(*(pl.lit(value).alias(name) for name, value in vars(case).items()), pl.all())


def main(folder: Path, seeds: int = SEEDS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases(seeds):
        path = folder / case.file
        if not path.exists():
            found = searched(case)
            with writing_file(path) as temporary:
                found.write_parquet(temporary)
    RESULTS.mkdir(exist_ok=True)
    evaluations = pl.concat(pl.read_parquet(folder / case.file) for case in cases(seeds))
    with writing_file(RESULTS / "transfer.parquet") as temporary:
        evaluations.write_parquet(temporary)
    facts = {"command": "python perf/transfer.py FOLDER", "seeds": list(range(seeds)), "trials": TRIALS}
    write_json(RESULTS / "transfer.json", {**facts, "evaluations": EVALUATIONS, "made_with": [surroundings()]})


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
