"""What a level 0 does for RANK-NOSH, and how much a pair with an untrained architecture should count in it.

    python docs/results/nosh_level_zero.py OUT [SEEDS]

Resumes what OUT has. A run ends with 100 evaluations, at whatever level. Weights are for the network alone: a process
learns one number an architecture.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from predictornas import Evolutionary, Named, PredictorSearch, Study
from predictornas.predictors.fidelity import WithUntrained
from predictornas.predictors.studied import fast_gp, gcn
from predictornas.schedulers.nosh import NOSH
from predictornas.search.scheduled import FromLevelZero, Scheduled, ZeroCost
from predictornas.studies.gain.execution import run_epoch_study

TABLE, LEVELS = "nasbench201-full-cifar10", (12, 200)
RULES = {
    "fast-gp": {
        "level 0": WithUntrained(),
        "level 0 without scores": WithUntrained(by_score=False),
    },
    "fast-gcn": {
        **{
            f"level 0 weight {float(weight):g}": WithUntrained(weight=weight)
            for weight in map(Fraction, ("1/10", "3/10", "1"))
        },
        "level 0 without scores": WithUntrained(by_score=False),
    },
}
BUDGET = 10_000


def methods(share: Fraction = Fraction(1, 2)) -> tuple[Named, ...]:
    """Of each predictor one without a level 0, and one of each rule."""
    scheduler, zero_cost = NOSH(LEVELS, share), ZeroCost()
    pool: dict[str, Any] = {"sampler": Evolutionary(), "pool_size": 1000, "initial": 10, "batch": 10}
    made = []
    for name, predictor in {"fast-gp": fast_gp(), "fast-gcn": gcn()}.items():
        made.append(Named(f"{name} no level 0", Scheduled(PredictorSearch(predictor, **pool), scheduler, zero_cost)))
        for rule_name, rule in RULES[name].items():
            search = FromLevelZero(replace(predictor, fidelity_pairs=rule), **pool, zero_cost=zero_cost)
            made.append(Named(f"{name} {rule_name}", Scheduled(search, scheduler, zero_cost)))
    return tuple(made)


def main(out: str, seeds: str = "20") -> None:
    """Runs what OUT lacks and writes tables and figures there."""
    study = Study(benchmark=TABLE, methods=methods(), budget=100, budget_epochs=BUDGET, seeds=tuple(range(int(seeds))))
    run_epoch_study(study, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
