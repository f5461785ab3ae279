"""What might keep the default search from settling too early, and what it costs elsewhere; a pilot.

    python perf/wider_pools.py FOLDER

Writes `pilot.csv` (failures on generated tables that no committed run has seen) and `cost.csv` (paired differences on
two tables, seeds 100 to 109) into docs/results/robustness. It goes on where it stopped; about ten minutes of a core.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from predictornas import Evolutionary, History, PredictorSearch, Study, Uniform
from predictornas.analysis.regret import anytime_regret, incumbent_curves, oracle_errors
from predictornas.analysis.statistics import paired_difference
from predictornas.files import writing_file
from predictornas.predictors.base import Predictor
from predictornas.predictors.studied import fast_gp
from predictornas.samplers.base import Pool
from predictornas.search.named import Named
from predictornas.search.strategies import Proposal, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.robustness_study import RobustnessStudy, run_robustness_study
from predictornas.studies.tasks import Execution

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "robustness"

DEFAULT = "bayesian-optimisation"

NEAR = Evolutionary(mutants=1.0, rate=0.2)
"""The sampler of the default."""


@dataclass(frozen=True)
class HalfUniform:
    """Mutants of the best, and as many uniform draws."""

    name: str = "half-uniform"

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        near = NEAR.propose(space, n // 2, history, predictor, rng)
        far = Uniform().propose(space, n - n // 2, history, predictor, rng)
        new = ~np.isin(far.keys, near.keys)
        genes, keys = np.concatenate([near.genes, far.genes[new]]), np.concatenate([near.keys, far.keys[new]])
        return replace(near, genes=genes, keys=keys)


@dataclass(frozen=True)
class SomeUniform:
    """Two of each batch at random, the others as the default."""

    initial: int = 10
    batch: int = 10

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        base = PredictorSearch(fast_gp(), NEAR, 300, 10, 10, exploration=1.0, smoothed=True)
        chosen = base.propose(space, history, n - 2, seed=seed, iteration=iteration)
        drawn = propose_uniformly(space, history, 7, rng_for(seed, iteration, "uniform"), by="uniform")
        new = np.flatnonzero(~np.isin(drawn.keys, chosen.keys))[:2]
        genes, keys = np.concatenate([chosen.genes, drawn.genes[new]]), np.concatenate([chosen.keys, drawn.keys[new]])
        return Proposal(genes, keys, proposed_by="some-uniform")


def half_uniform(exploration: float) -> PredictorSearch:
    """The default with such pools."""
    return PredictorSearch(fast_gp(), HalfUniform(), 300, 10, 10, exploration=exploration, smoothed=True)


VARIANTS: tuple[str | Named, ...] = (
    DEFAULT,
    Named("half", half_uniform(1.0)),
    Named("half-3", half_uniform(3.0)),
    Named("some", SomeUniform()),
)


def failures(folder: Path) -> pl.DataFrame:
    """How many runs of each variant fail, by kind of table."""
    kinds = ("all-convolutions", "deceptive")
    study = RobustnessStudy(methods=VARIANTS, kinds=kinds, tables=(4, 5), seeds=tuple(range(5)))
    found = run_robustness_study(study, folder / "failures").filter(pl.col("kind").is_in(kinds), trace="best")
    return found.select("kind", pl.col("method").replace(DEFAULT, "default").alias("variant"), "runs", "behind")


def costs(folder: Path, table: str) -> pl.DataFrame:
    """What the widest variant loses to the default, by trace: anytime regret, and the error at the end."""
    opened = open_study(Study(table, VARIANTS[:3:2], 100, tuple(range(100, 110))))
    advance_study(opened, folder / table, Execution())
    benchmark, (history, _) = opened.benchmark, collected(opened, folder / table)
    errors = [benchmark.costs(column) for column in (benchmark.signal, benchmark.evaluation)]
    curves = incumbent_curves(history, benchmark.quantities)
    regrets, ends = anytime_regret(curves, oracle_errors(*errors)), curves.filter(evaluations=100)
    rows = []
    for trace in ("best", "chosen", "recommended"):
        for quantity, frame, column in (("regret", regrets.filter(trace=trace), "regret"), ("final", ends, trace)):
            wide, default = (frame.filter(method=name).sort("seed")[column].to_numpy() for name in ("half-3", DEFAULT))
            label = {"table": table, "variant": "half-3", "trace": trace, "quantity": quantity}
            rows.append(label | vars(paired_difference(wide, default)))
    return pl.DataFrame(rows)


def main(folder: Path) -> None:
    tables = {
        "pilot.csv": failures(folder),
        "cost.csv": pl.concat(costs(folder, table) for table in ("nasbench101", "nasbench201-cifar100")),
    }
    for name, table in tables.items():
        with writing_file(RESULTS / name) as temporary:
            table.write_csv(temporary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
