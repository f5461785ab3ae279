from __future__ import annotations

import inspect
from fractions import Fraction

import numpy as np
import pytest

from predictornas.errors import ConfigurationError, DataError
from predictornas.history import History
from predictornas.schedulers import NOSH, ASHALike, SuccessiveHalving
from predictornas.schedulers.rungs import Rungs, check_ratio, nominal_saving

LEVELS = (1, 3, 9)


def history(*evaluations: tuple[int, int, float]) -> History:
    """Evaluations as (key, epochs, value); an architecture's only gene is its key."""
    keys, epochs, values = zip(*evaluations, strict=True)
    genes = np.array(keys, np.int8)[:, None]
    return History.empty(1).extended(keys=keys, genes=genes, epochs=epochs, values=values, iteration=0)


def test_who_waits_is_ordered_by_value_then_key_and_did_not_fail() -> None:
    nan = float("nan")
    rungs = Rungs.of(
        history((8, 1, 0.5), (2, 1, nan), (5, 1, 0.7), (4, 1, 0.5), (9, 1, 0.9), (9, 3, 0.1), (5, 3, 0.2)), LEVELS
    )
    assert rungs.plan(rungs.waiting(0), 1).keys.tolist() == [4, 8]  # what failed cannot go on
    assert rungs.plan(rungs.everyone(0), 1).keys.tolist() == [9, 5, 4, 8, 2]
    assert rungs.plan(rungs.waiting(1), 2).keys.tolist() == [5, 9]
    assert rungs.plan(rungs.waiting(1), 2).genes.tolist() == [[5], [9]]
    assert rungs.plan(rungs.waiting(1), 2).epochs == 9
    assert rungs.plan(rungs.best(0, 4), 1).keys.tolist() == [9, 5, 4, 8]
    assert rungs.plan(rungs.best(0, 5), 1).keys.tolist() == [9, 5, 4, 8]
    assert len(rungs.nobody()) == 0


@pytest.mark.parametrize(
    ("evaluations", "message"),
    [
        ([(1, 1, 0.5), (1, 2, 0.5)], r"Row 1 .* after 2 epochs"),
        ([(1, 1, 0.5), (1, 10, 0.5)], r"Row 1 .* after 10 epochs"),
        ([(6, 1, 0.5), (6, 1, 0.6)], r"Architecture 6 has \[2, 0, 0\] .* 1 epochs"),
    ],
)
def test_a_history_of_another_scheduler_is_refused(evaluations: list[tuple[int, int, float]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Rungs.of(history(*evaluations), LEVELS)


def test_who_was_trained_elsewhere_counts_on_the_levels_that_were_skipped_and_waits_on_none() -> None:
    """Six at the entry, of whom 9 came with its full training and 5 skipped a level: places for three above it."""
    told = history((1, 1, 0.1), (2, 1, 0.2), (3, 1, 0.3), (4, 1, 0.4), (5, 1, 0.5), (5, 9, 0.6), (9, 9, 0.9))
    rungs = Rungs.of(told, LEVELS)
    assert rungs.reached.sum(axis=0).tolist() == rungs.begun.sum(axis=0).tolist() == [6, 2, 2]
    assert rungs.plan(rungs.waiting(0), 1).keys.tolist() == [4, 3, 2, 1]
    assert len(rungs.waiting(1)) == 0
    assert NOSH(LEVELS).promotions(told).keys.tolist() == [4]
    assert ASHALike(LEVELS).promotions(told).keys.tolist() == [4, 3]
    assert SuccessiveHalving(LEVELS).promotions(told).keys.tolist() == [4]


def test_a_ratio_that_is_not_exact_is_refused_with_the_one_that_is() -> None:
    beneath = inspect.unwrap(check_ratio)  # the type check of these tests would refuse it first
    with pytest.raises(ConfigurationError, match=r"Give Fraction\('0.3'\)"):
        beneath(0.3)


@pytest.mark.parametrize(
    ("levels", "resumes", "saving"),
    [
        ((1, 3, 9), True, 9 / (1 + 0.5 * 2 + 0.25 * 6)),  # 2.57, nasbench101-digits
        ((12, 200), False, 200 / (12 + 0.5 * 200)),  # 1.79, NAS-Bench-201
        ((4, 12, 36, 108), False, 108 / (4 + 0.5 * 12 + 0.25 * 36 + 0.125 * 108)),  # 3.32, NAS-Bench-101
    ],
)
def test_no_more_than_the_nominal_saving_can_be_expected(levels: tuple[int, ...], resumes: bool, saving: float) -> None:
    assert nominal_saving(levels, Fraction(1, 2), resumes=resumes) == pytest.approx(saving)
    assert nominal_saving(levels, Fraction(1), resumes=True) == pytest.approx(1)  # everybody climbs to the top
