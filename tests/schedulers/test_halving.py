from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.schedulers import NOSH, ASHALike, Scheduler, SuccessiveHalving

from .conftest import Rehearsal, Values

LEVELS = (1, 2, 4, 8)


@pytest.mark.slow
def test_better_arrivals_make_asha_promote_nearly_everyone(rehearse: type[Rehearsal], improving: Values) -> None:
    rehearsal = rehearse(ASHALike(LEVELS), improving)
    rehearsal.run([4] * 100)
    reached: list[list[int]] = [[] for _ in LEVELS]  # the rule to the letter
    for newcomer in range(0, 400, 4):
        reached[0].extend(range(newcomer, newcomer + 4))
        for level, epochs in enumerate(LEVELS[:-1]):
            ranked = sorted(reached[level], key=lambda number, epochs=epochs: -improving(number, epochs))
            best = ranked[: len(ranked) // 2]
            reached[level + 1].extend(number for number in best if number not in reached[level + 1])
    assert (
        rehearsal.counts() == [len(numbers) for numbers in reached] == [400, 353, 320, 287]
    )  # NOSH: 400, 200, 100, 50


@pytest.mark.slow
def test_arrivals_that_are_alike_keep_asha_near_its_share(rehearse: type[Rehearsal]) -> None:
    quality = np.random.default_rng(0).random(400)
    rehearsal = rehearse(ASHALike(LEVELS), lambda number, epochs: float(quality[number]))
    rehearsal.run([4] * 100)
    counts = rehearsal.counts()
    # not below floor(r n): all in the top share have gone on; above it by those who fell out of the top again
    for here, above in pairwise(counts):
        assert here // 2 <= above <= 0.6 * here


def test_asha_promotes_who_is_in_the_top_share_now(rehearse: type[Rehearsal]) -> None:
    # 0.9 goes on; then both newcomers are above it and go on too, although two of four are a full share already
    rehearsal = rehearse(ASHALike((1, 2)), lambda number, epochs: [0.9, 0.1, 0.95, 0.97][number])
    rehearsal.run([2, 2])
    assert rehearsal.history.genes[rehearsal.history.epochs == 2][:, 1].tolist() == [0, 3, 2]


def test_every_bracket_is_halved_among_its_own(rehearse: type[Rehearsal]) -> None:
    # the second bracket is worse throughout and is promoted all the same; 7 -> 3 -> 1 -> 1
    rehearsal = rehearse(SuccessiveHalving(LEVELS), lambda number, epochs: 1 - number / 20)
    rehearsal.run([7, 7])
    for iteration in (0, 1):
        epochs = rehearsal.history.epochs[rehearsal.history.iterations == iteration]
        assert [int((epochs == level).sum()) for level in LEVELS] == [7, 3, 1, 1]
        best = rehearsal.history.genes[(rehearsal.history.epochs == 8)][iteration, 1]
        assert best == 7 * iteration


def test_each_level_ranks_by_its_own_values(rehearse: type[Rehearsal]) -> None:
    # 1, 2, 3 win at 1 epoch; at 2 epochs 3 is the best of them; 0 would be better still, and is never asked again
    values = {1: [0.1, 0.5, 0.4, 0.3, 0.2, 0.0], 2: [0.9, 0.6, 0.6, 0.7, 0.9, 0.9], 4: [0.5] * 6, 8: [0.5] * 6}
    rehearsal = rehearse(SuccessiveHalving(LEVELS), lambda number, epochs: values[epochs][number])
    rehearsal.run([6])
    climbed = [rehearsal.history.genes[rehearsal.history.epochs == level][:, 1].tolist() for level in LEVELS]
    assert climbed == [[0, 1, 2, 3, 4, 5], [1, 2, 3], [3], [3]]


def test_the_ratio_of_a_bracket_is_exact_and_someone_always_goes_on(rehearse: type[Rehearsal]) -> None:
    rehearsal = rehearse(SuccessiveHalving(LEVELS, Fraction(1, 3)), lambda number, epochs: float(number))
    rehearsal.run([9, 1])
    assert rehearsal.counts() == [10, 4, 2, 2]


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(LEVELS), ASHALike(LEVELS), NOSH(LEVELS)])
def test_a_failed_training_counts_and_ranks_last(scheduler: Scheduler, rehearse: type[Rehearsal]) -> None:
    nan = float("nan")
    rehearsal = rehearse(scheduler, lambda number, epochs: [nan, -5.0, nan, 0.2][number])
    rehearsal.run([4])
    second = rehearsal.history.genes[rehearsal.history.epochs == 2][:, 1].tolist()
    assert second == [3, 1]  # two of four, because the failures count


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(LEVELS), ASHALike(LEVELS), NOSH(LEVELS)])
def test_failures_hold_nobody_up(scheduler: Scheduler, rehearse: type[Rehearsal]) -> None:
    """Of four that come in first only one succeeds, and that one fails later: the next four go on without them."""
    nan = float("nan")
    rehearsal = rehearse(
        scheduler, lambda number, epochs: (nan if number != 1 or epochs > 1 else -9.0) if number < 4 else float(number)
    )
    rehearsal.run([4, 4])
    trained = rehearsal.history
    numbers = trained.genes[:, 1].tolist()
    assert [numbers.count(number) for number in range(4)] == [1, 2, 1, 1], "a failure is never trained further"
    assert max(trained.epochs[trained.genes[:, 1] == 7]) == 8


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(LEVELS), ASHALike(LEVELS)])
def test_a_plan_that_was_cut_short_is_continued(scheduler: Scheduler, rehearse: type[Rehearsal]) -> None:
    rehearsal = rehearse(scheduler, lambda number, epochs: float(number * 7 % 9))
    rehearsal.evaluate(rehearsal.newcomers(9), 0)
    plan = scheduler.promotions(rehearsal.history)
    rehearsal.evaluate(type(plan)(plan.genes[:3], plan.keys[:3], plan.epochs), 0)
    rest = scheduler.promotions(rehearsal.history)
    assert (rest.keys.tolist(), rest.epochs) == (plan.keys[3:].tolist(), plan.epochs)


@pytest.mark.parametrize("make", [SuccessiveHalving, ASHALike])
def test_settings_out_of_range_are_refused(make: type[SuccessiveHalving] | type[ASHALike]) -> None:
    with pytest.raises(ConfigurationError, match="ascending order"):
        make((3, 1))
    with pytest.raises(ConfigurationError, match="at most 1"):
        make(LEVELS, Fraction(2))
