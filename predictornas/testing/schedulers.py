"""Checks that a scheduler keeps every rule of the `Scheduler` protocol."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from predictornas.history import History
from predictornas.schedulers.base import Plan, Scheduler
from predictornas.spaces.base import SearchSpace
from predictornas.testing.conformance import attempt, copied, require, require_array, require_described, require_rows

_BATCH = 12
_BATCHES = 4


def check_scheduler(scheduler: Scheduler, space: SearchSpace, *, rng: np.random.Generator) -> None:
    """Checks every rule of `Scheduler`, on searches of random architectures with random values.

    Args:
        scheduler: the scheduler, of two levels or more.
        space: where the architectures are from; 100 of them or more.
        rng: the only source of randomness.

    Raises:
        ConformanceError: a rule is broken; names the rule, the architecture and the remedy.
    """
    check_levels(scheduler)
    nothing = History.empty(space.num_genes)
    check_plan(_planned(scheduler, nothing, "an empty history"), scheduler, space, nothing)
    require_described(scheduler, "a scheduler")
    check_search(scheduler, space, rng, failing=0.0)
    check_search(scheduler, space, rng, failing=0.3)


def check_levels(scheduler: Any) -> None:
    """Levels ascend, and newcomers enter at one of them."""
    require(
        isinstance(scheduler, Scheduler), "a scheduler has levels, entry and promotions()", type(scheduler).__name__,
        "add them",
    )  # fmt: skip
    levels = scheduler.levels
    good = isinstance(levels, tuple) and len(levels) > 0 and all(isinstance(level, int) for level in levels)
    good = good and levels[0] >= 1 and all(low < high for low, high in pairwise(levels))
    require(good, "levels are a tuple of whole epochs, at least 1, ascending", levels, "sort them")
    require(scheduler.entry in levels, "entry is one of the levels", scheduler.entry, f"take one of {levels}")


def check_plan(plan: Any, scheduler: Scheduler, space: SearchSpace, history: History) -> None:
    """A plan trains some of those evaluated, each once, to a level that is above all it has reached."""
    require(isinstance(plan, Plan), "promotions() returns a Plan", type(plan).__name__, "see schedulers.base.Plan")
    genes, keys = plan.genes, plan.keys
    require_array(genes, np.int8, (len(keys), space.num_genes), "Plan.genes")
    require_array(keys, np.uint64, (len(genes),), "Plan.keys")
    require(plan.epochs in scheduler.levels, "a plan trains to a level", plan.epochs, f"take one of {scheduler.levels}")
    require_rows(space.keys(genes) == keys, space, genes, "Plan.keys are the keys of Plan.genes", "keep them together")
    known = np.isin(keys, history.keys)
    require_rows(known, space, genes, "who is promoted was evaluated before", "promote rows of the history")
    distinct = np.isin(np.arange(len(keys)), np.unique(keys, return_index=True)[1])
    require_rows(distinct, space, genes, "a plan trains each architecture once", "drop repeated keys")
    reached = np.array([history.epochs[history.keys == key].max(initial=0) for key in keys], np.int64)
    rule, remedy = "who is promoted was trained less before", "leave out who has reached the level of the plan"
    require_rows(reached < plan.epochs, space, genes, rule, remedy)


def check_search(scheduler: Scheduler, space: SearchSpace, rng: np.random.Generator, *, failing: float) -> None:
    """Batches of newcomers are promoted until the scheduler has done, also in halves, as a killed run goes on.

    Args:
        scheduler: the scheduler.
        space: where newcomers are from.
        rng: the only source of randomness.
        failing: share of the trainings that fail, whose value is NaN.
    """
    newcomers = space.sample(_BATCH * _BATCHES, rng)
    history = History.empty(space.num_genes)
    for iteration, batch in enumerate(np.array_split(newcomers, _BATCHES)):
        history = _evaluated(history, space, batch, scheduler.entry, iteration, rng, failing)
        # each plan that passes brings somebody to a higher level, so there comes an end
        while len(plan := _checked_plan(scheduler, space, history)):
            some = plan.genes[: max(1, len(plan) // 2)]
            history = _evaluated(history, space, some, plan.epochs, iteration, rng, failing)


def _checked_plan(scheduler: Scheduler, space: SearchSpace, history: History) -> Plan:
    before = copied(history)
    plan: Plan = _planned(scheduler, history, f"a history of {len(history)} evaluations")
    check_plan(plan, scheduler, space, history)
    same = all(np.array_equal(new, old, equal_nan=True) for new, old in zip(copied(history), before, strict=True))
    require(same, "promotions() leaves the history as it is", "altered arrays", "work on copies")
    scheduler.promotions(History.empty(space.num_genes))
    again = scheduler.promotions(History(*before))
    rule = "promotions() is a function of the history alone, whatever was asked before"
    same = np.array_equal(plan.keys, again.keys) and plan.epochs == again.epochs
    require(same, rule, "another plan for the same evaluations", "keep no state, draw no random numbers")
    return plan


def _planned(scheduler: Scheduler, history: History, what: str) -> Any:
    return attempt(f"promotions() takes {what}", "see Scheduler.promotions", scheduler.promotions, history)


def _evaluated(
    history: History, space: SearchSpace, genes: Any, epochs: int, iteration: int, rng: Any, failing: float
) -> History:
    values = np.where(rng.random(len(genes)) < failing, np.nan, rng.random(len(genes)))
    lengths = np.full(len(genes), epochs)
    return history.extended(keys=space.keys(genes), genes=genes, epochs=lengths, values=values, iteration=iteration)
