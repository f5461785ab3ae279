from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.history import History, Pending
from predictornas.schedulers import NOSH, ASHALike, Scheduler

from .conftest import Rehearsal, Values, cost, key_of

LEVELS = (1, 3, 5, 9)
RATIOS = [Fraction(3, 10), Fraction(1, 2), Fraction(7, 10)]


def random_values(seed: int, drift: float = 0.0, failures: float = 0.0) -> Values:
    """Coarse values, so that there are ties; some trainings fail, and later architectures can be better."""

    def value(number: int, epochs: int) -> float:
        rng = np.random.default_rng([seed, number, epochs])
        return float("nan") if rng.random() < failures else float(np.round(drift * number + rng.normal(), 1))

    return value


def pseudo_code(batches: list[int], ratio: Fraction, values: Values) -> list[tuple[int, int]]:
    """The rule to the letter, one sweep an update: (number, epochs) of all trainings in their order."""
    reached: list[list[int]] = [[] for _ in LEVELS]  # n[i] = len(reached[i])
    trained: list[tuple[int, int]] = []

    def place(number: int, level: int) -> tuple[float, int]:
        return (-values(number, LEVELS[level]), key_of(number))

    def train(numbers: list[int], level: int) -> None:
        trained.extend((number, LEVELS[level]) for number in numbers)
        reached[level].extend(numbers)

    for count in batches:
        train(list(range(len(reached[0]), len(reached[0]) + count)), 0)
        for i in range(len(LEVELS) - 1):
            m = int(ratio * len(reached[i])) - len(reached[i + 1])
            alive = [number for number in reached[i] if not np.isnan(values(number, LEVELS[i]))]
            waiting = sorted(set(alive) - set(reached[i + 1]), key=lambda number, i=i: place(number, i))
            train(waiting[: max(0, m)], i + 1)
    return trained


def trainings(rehearsal: Rehearsal) -> list[tuple[int, int]]:
    numbers = rehearsal.history.genes[:, 0].astype(int) * 100 + rehearsal.history.genes[:, 1]
    return list(zip(numbers.tolist(), rehearsal.history.epochs.tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize(("batch", "times"), [(1, 60), (4, 30), (100, 5)])
def test_asking_until_nothing_is_left_is_one_sweep_of_the_rule(batch: int, times: int, ratio: Fraction) -> None:
    values = random_values(0, drift=0.01, failures=0.05)
    rehearsal = Rehearsal(NOSH(LEVELS, ratio), values)
    rehearsal.run([batch] * times)
    assert trainings(rehearsal) == pseudo_code([batch] * times, ratio, values)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    batches=st.lists(st.integers(0, 12), min_size=1, max_size=12),
    ratio=st.sampled_from([*RATIOS, Fraction(1), Fraction(1, 7)]),
    seed=st.integers(0, 1000),
    drift=st.sampled_from([-0.1, 0.0, 0.1]),
    failures=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_any_history_follows_the_rule(
    batches: list[int], ratio: Fraction, seed: int, drift: float, failures: float
) -> None:
    values = random_values(seed, drift, failures)
    rehearsal = Rehearsal(NOSH(LEVELS, ratio), values)
    rehearsal.run(batches)
    assert trainings(rehearsal) == pseudo_code(batches, ratio, values)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", RATIOS, ids=str)
@pytest.mark.parametrize(("batch", "times"), [(1, 40), (4, 20), (100, 4)])
def test_the_pyramid_keeps_its_shape(batch: int, times: int, ratio: Fraction) -> None:
    values = random_values(1, drift=0.02, failures=0.1)
    rehearsal = Rehearsal(NOSH(LEVELS, ratio), values)
    for iteration in range(times):
        rehearsal.evaluate(rehearsal.newcomers(batch), iteration)
        for plan in rehearsal.promotions():
            below = LEVELS[LEVELS.index(plan.epochs) - 1]
            here = rehearsal.history.epochs == below
            ranked = sorted(
                zip(
                    np.nan_to_num(-rehearsal.history.values[here], nan=np.inf),
                    rehearsal.history.keys[here],
                    strict=True,
                )
            )
            top = {int(key) for _, key in ranked[: int(ratio * here.sum())]}
            assert set(plan.keys.tolist()) <= top
            rehearsal.evaluate(plan, iteration)
        counts = rehearsal.counts()
        for here_count, above in pairwise(counts):
            assert above == ratio.numerator * here_count // ratio.denominator
    pairs = list(zip(rehearsal.history.keys.tolist(), rehearsal.history.epochs.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("resumes", [True, False])
def test_the_ledger_is_what_was_really_trained(resumes: bool) -> None:
    rehearsal = Rehearsal(NOSH(LEVELS, Fraction(1, 2)), random_values(2, drift=0.05))
    rehearsal.run([4] * 25)
    spent = sum(sum(cost(history, plan, resumes=resumes)) for history, plan in rehearsal.plans)
    # 100, 50, 25 and 12 architectures at 1, 3, 5 and 9 epochs, resumed or trained anew
    assert spent == (100 + 50 * 2 + 25 * 2 + 12 * 4 if resumes else 100 + 50 * 3 + 25 * 5 + 12 * 9)


@pytest.mark.slow
def test_better_arrivals_do_not_widen_the_pyramid(rehearse: type[Rehearsal], improving: Values) -> None:
    rehearsal = rehearse(NOSH((1, 2, 4, 8)), improving)
    rehearsal.run([4] * 100)
    assert rehearsal.counts() == [400, 200, 100, 50]


def test_an_old_architecture_is_promoted_where_it_is_still_the_best(rehearse: type[Rehearsal]) -> None:
    # 0 is the second of the first two and waits; the newcomers 2 and 3 are worse, and the fourth place opens for 0
    rehearsal = rehearse(NOSH((1, 2)), lambda number, epochs: [0.5, 0.9, 0.2, 0.1][number])
    rehearsal.run([2, 2])
    assert trainings(rehearsal) == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1), (0, 2)]


def test_one_architecture_can_climb_all_levels_in_one_update(rehearse: type[Rehearsal]) -> None:
    rehearsal = rehearse(NOSH((1, 2, 4), Fraction(1)), lambda number, epochs: 0.5)
    rehearsal.run([1])
    assert trainings(rehearsal) == [(0, 1), (0, 2), (0, 4)]


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_plan_that_was_cut_short_is_continued(done: int) -> None:
    rehearsal = Rehearsal(NOSH(LEVELS), random_values(3, failures=0.2))
    rehearsal.evaluate(rehearsal.newcomers(9), 0)
    plan = rehearsal.scheduler.promotions(rehearsal.history)
    assert len(plan) == 4
    rehearsal.evaluate(type(plan)(plan.genes[:done], plan.keys[:done], plan.epochs), 0)
    rest = rehearsal.scheduler.promotions(rehearsal.history)
    assert (rest.keys.tolist(), rest.epochs) == (plan.keys[done:].tolist(), plan.epochs)


def test_the_quota_is_exact() -> None:
    # in floats 0.7 * 10 is 7.000000000000001 and 0.29 * 100 is 28.999999999999996
    rehearsal = Rehearsal(NOSH((1, 2), Fraction("0.29")), random_values(4))
    rehearsal.run([100])
    assert rehearsal.counts() == [100, 29]


def test_settings_that_make_no_pyramid_are_refused() -> None:
    for levels in ((), (0, 1), (4, 4), (4, 2)):
        with pytest.raises(ConfigurationError, match="ascending order"):
            NOSH(levels)
    for ratio in (Fraction(0), Fraction(3, 2)):
        with pytest.raises(ConfigurationError, match="above 0 and at most 1"):
            NOSH(LEVELS, ratio)
    assert isinstance(NOSH(LEVELS), Scheduler)


def test_what_is_in_flight_fills_a_quota_and_makes_none() -> None:
    """Of four at the first level two may go on; 1 is on its way up, and 4, a newcomer, is not there yet."""
    genes = np.arange(30, dtype=np.int8).reshape(5, 6)
    told = History.empty(6).extended(
        keys=np.arange(4), genes=genes[:4], epochs=[1] * 4, values=[0.1, 0.2, 0.4, 0.3], iteration=0
    )
    flying = [Pending(1, tuple(genes[1].tolist()), 1, 3), Pending(4, tuple(genes[4].tolist()), 1, 1)]
    for scheduler, promoted in ((NOSH(LEVELS), [2]), (ASHALike(LEVELS), [2, 3])):
        assert scheduler.promotions(told.with_pending(flying)).keys.tolist() == promoted
    full = told.with_pending([*flying, Pending(2, tuple(genes[2].tolist()), 1, 3)])
    assert not len(NOSH(LEVELS).promotions(full))
    assert ASHALike(LEVELS).promotions(full).keys.tolist() == [3]
