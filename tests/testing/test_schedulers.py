from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from predictornas.history import History
from predictornas.schedulers.base import Plan
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing import ConformanceError, check_scheduler
from predictornas.testing.schedulers import check_levels

SPACE = NASBench201()
LEVELS = (1, 3, 9)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [Fraction(1, 3), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_our_schedulers_keep_every_rule(name: str, ratio: Fraction, rng: np.random.Generator) -> None:
    check_scheduler(SCHEDULERS[name].make(levels=LEVELS, ratio=ratio), SPACE, rng=rng)


Change = Callable[["Broken", Plan, History], Any]


@dataclass
class Broken:
    """Promotes whoever waits on the lowest level with anybody, best first; `change` breaks it."""

    change: str = "nothing"
    levels: Any = LEVELS
    entry: int = 1
    calls: list[int] = field(default_factory=list, init=False)

    def promotions(self, history: History) -> Any:
        plan = Plan(history.genes[:0], np.empty(0, np.uint64), 9)
        for level, above in ((1, 3), (3, 9)):
            here = np.flatnonzero(history.epochs == level)
            rows = here[~np.isin(history.keys[here], history.keys[history.epochs == above])]
            if len(rows):
                rows = rows[np.argsort(-np.nan_to_num(history.values[rows], nan=-1.0), kind="stable")]
                plan = Plan(history.genes[rows], history.keys[rows], above)
                break
        self.calls.append(len(history))
        return CHANGES[self.change](self, plan, history)


def with_first(plan: Plan, genes: np.ndarray, keys: np.ndarray) -> Plan:
    if not len(plan):
        return plan
    return replace(plan, genes=np.concatenate([genes, plan.genes[1:]]), keys=np.concatenate([keys, plan.keys[1:]]))


def unchecked(plan: Plan, name: str, column: np.ndarray) -> Plan:
    """With a column that the types of these tests would refuse."""
    plan = replace(plan)
    object.__setattr__(plan, name, column)
    return plan


def stranger(self: Broken, plan: Plan, history: History) -> Plan:
    unseen = SPACE.enumerate()[~np.isin(SPACE.enumerated_keys(), history.keys)][:1]
    return with_first(plan, unseen, SPACE.keys(unseen))


def for_nothing(self: Broken, plan: Plan, history: History) -> Plan:
    return Plan(SPACE.enumerate()[:1], SPACE.enumerated_keys()[:1], 3) if not len(history) else plan


def altering(self: Broken, plan: Plan, history: History) -> Plan:
    history.values[:1] += 1
    return plan


def counting(self: Broken, plan: Plan, history: History) -> Plan:
    return replace(plan, genes=plan.genes[1:], keys=plan.keys[1:]) if len(self.calls) % 4 < 2 else plan


def drawing(self: Broken, plan: Plan, history: History) -> Plan:
    order = np.random.default_rng().permutation(len(plan))
    return replace(plan, genes=plan.genes[order], keys=plan.keys[order])


def best_alone(self: Broken, plan: Plan, history: History) -> Plan:
    if np.isnan(history.values).any():
        raise ArithmeticError("a value is missing")
    return plan


def again(self: Broken, plan: Plan, history: History) -> Plan:
    done = history.epochs == 9
    return Plan(history.genes[done][:1], history.keys[done][:1], 9) if done.any() and not len(plan) else plan


CHANGES: dict[str, Callable[[Broken, Plan, History], Any]] = {
    "nothing": lambda self, plan, history: plan,
    "no plan": lambda self, plan, history: plan.keys,
    "floats": lambda self, plan, history: unchecked(plan, "genes", plan.genes.astype(float)),
    "signed keys": lambda self, plan, history: unchecked(plan, "keys", plan.keys.astype(np.int64)),
    "between levels": lambda self, plan, history: replace(plan, epochs=5),
    "others' keys": lambda self, plan, history: replace(plan, keys=plan.keys[::-1]),
    "strangers": stranger,
    "twice": lambda self, plan, history: with_first(plan, plan.genes[-1:], plan.keys[-1:]),
    "to the top again": again,
    "for nothing": for_nothing,
    "alters": altering,
    "counts its calls": counting,
    "draws": drawing,
    "fails with failures": best_alone,
}

BROKEN = {
    "no plan": r"promotions\(\) returns a Plan",
    "floats": "Plan.genes is an array of int8",
    "signed keys": "Plan.keys is an array of uint64",
    "between levels": "a plan trains to a level",
    "others' keys": "are the keys of Plan.genes",
    "strangers": "who is promoted was evaluated before",
    "twice": "a plan trains each architecture once",
    "to the top again": "who is promoted was trained less before",
    "for nothing": "was evaluated before",
    "alters": "leaves the history as it is",
    "counts its calls": "is a function of the history alone",
    "draws": "is a function of the history alone",
    "fails with failures": r"takes a history of \d+ evaluations. Met: ArithmeticError: a value is missing",
}


@pytest.mark.slow
def test_a_right_one_passes(rng: np.random.Generator) -> None:
    check_scheduler(Broken(), SPACE, rng=rng)
    assert set(CHANGES) == {"nothing", *BROKEN}


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_found_and_named(what: str, rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=BROKEN[what]):
        check_scheduler(Broken(what), SPACE, rng=rng)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (Broken(levels=[1, 3, 9]), "levels are a tuple"),
        (Broken(levels=()), "levels are a tuple"),
        (Broken(levels=(0, 3, 9)), "at least 1, ascending"),
        (Broken(levels=(1, 9, 3)), "at least 1, ascending"),
        (Broken(levels=(1, 3.5, 9)), "levels are a tuple of whole epochs"),
        (Broken(entry=2), "entry is one of the levels"),
    ],
)
def test_levels_that_are_none(scheduler: Any, message: str, rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_scheduler(scheduler, SPACE, rng=rng)


def test_what_is_no_scheduler_lacks_something() -> None:
    with pytest.raises(ConformanceError, match=r"a scheduler has levels, entry and promotions\(\). Met: dict"):
        check_levels({})


@dataclass
class Holding(Broken):
    """Holds what has no name."""

    order: Any = field(default_factory=lambda: lambda values: values)


def test_a_scheduler_can_be_described(rng: np.random.Generator) -> None:
    with pytest.raises(ConformanceError, match=r"a scheduler can be described. Met: ConfigurationError"):
        check_scheduler(Holding(), SPACE, rng=rng)
