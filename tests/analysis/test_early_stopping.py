"""What a halving saves, against halvings of what is drawn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import ndtri

from predictornas.analysis.early_stopping import (
    agreement_saving,
    boundary,
    chosen_saving,
    expected_saving,
    halving_saving,
    saving_from_pilot,
    survival,
)
from predictornas.errors import ConfigurationError

THIRD = Fraction(3, 10)
HALF = Fraction(1, 2)


def table(*correlations: float, size: int = 6000) -> np.ndarray:
    """Levels that have these correlations with the last."""
    rng = np.random.default_rng(0)
    final = rng.normal(size=size)
    lower = [rho * final + np.sqrt(1 - rho**2) * rng.normal(size=size) for rho in correlations]
    return np.stack([*lower, final], axis=1)


@pytest.mark.parametrize("correlations", [(0.9,), (0.6,), (0.3,), (0.5, 0.8)])
def test_halvings_save_what_is_expected(correlations: tuple[float, ...]) -> None:
    values, levels = table(*correlations), (*(1, 3, 9)[: len(correlations)], 27)
    rng = np.random.default_rng(1)
    measured = halving_saving(values, levels, ratio=THIRD, candidates=300, runs=400, rng=rng)
    found = expected_saving(values, levels, ratio=THIRD, candidates=300)
    assert found.factor == pytest.approx(measured, rel=0.15)


def test_levels_that_agree_save_the_nominal_bound_and_others_nothing() -> None:
    same = np.repeat(table()[:, :1], 3, axis=1)
    found = expected_saving(same, (1, 3, 9), ratio=THIRD, candidates=200)
    assert found.survival == 1.0
    assert found.factor == found.nominal == pytest.approx(9 / (1 + 0.3 * 2 + 0.09 * 6))
    separate = expected_saving(same, (1, 3, 9), ratio=THIRD, candidates=200, resumes=False)
    assert separate.nominal == pytest.approx(9 / (1 + 0.3 * 3 + 0.09 * 9))
    useless = table(0.0, size=60_000)  # as if candidates had been dropped at random
    assert expected_saving(useless, (3, 9), ratio=THIRD, candidates=60).survival == pytest.approx(0.3, abs=0.03)


def test_who_survives_is_ranked_among_survivors() -> None:
    values = np.array([[4.0, 1.0, 9.0], [3.0, 4.0, 8.0], [2.0, 9.0, 7.0], [1.0, 9.0, 6.0]])
    # the first rung keeps rows 0 and 1, the second row 1 of these
    assert survival(values, np.array([False, True, False, False]), Fraction(1, 2)) == 1.0
    assert survival(values, np.array([True, True, True, True]), Fraction(1, 2)) == 0.25


def test_of_equal_values_each_is_as_likely_to_go_on() -> None:
    good = np.array([True, False, False, True, False])
    tied = np.array([[1.0, 9.0], [1.0, 8.0], [1.0, 7.0], [0.0, 6.0], [0.0, 5.0]])
    # 2.5 of five go on, all of the three that are tied at the top: each with 5 / 6
    assert survival(tied, good, HALF) == pytest.approx(5 / 12)
    constant = np.column_stack([np.full(5, 0.1), tied])
    # half of each goes on, then half of that half: 5 / 4 of the three
    assert survival(constant, good, HALF) == pytest.approx((5 / 4) / 3 / 2)
    rng = np.random.default_rng(0)
    values = np.column_stack([np.where(np.arange(1000) < 400, 0.1, 0.2), np.arange(1000.0)])  # 60 % are tied
    found = expected_saving(values, (1, 9), ratio=HALF, candidates=100)
    measured = halving_saving(values, (1, 9), ratio=HALF, candidates=100, runs=400, rng=rng)
    assert found.factor == pytest.approx(measured, rel=0.1)


def test_who_was_chosen_is_halved_among_the_chosen() -> None:
    values = np.array([[4.0, 10.0], [3.0, 9.0], [2.0, 8.0], [1.0, 7.0], [9.0, 1.0], [8.0, 2.0]])
    first = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])  # rows 0 to 3; both of the best go on
    second = np.array([np.nan, 4.0, 3.0, 0.0, 2.0, 1.0])  # rows 1, 2, 4, 5; neither 1 nor 2 does; 0 was learned from
    asked = {"levels": (1, 9), "ratio": HALF, "candidates": 4}
    assert chosen_saving(values, [first], **asked).survival == 1.0
    assert chosen_saving(values, [second], **asked).survival == 0.0
    both = chosen_saving(values, [first, second], **asked)
    assert both.factor == pytest.approx(both.nominal / 2) == pytest.approx(9 / (1 + 0.5 * 8) / 2)
    assert (both.low, both.high) == pytest.approx((0.0943, 0.9916), abs=1e-4)  # two of three cells, exact


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 1 / 2), (0.5, 2 / 3), (np.sqrt(0.5), 3 / 4), (1.0, 1.0)])
def test_two_levels_agree_as_an_orthant_says(correlation: float, expected: float) -> None:
    """Of four candidates the better two, of which half goes on: 1 / 2 + asin(rho) / pi (Sheppard 1899)."""
    agree, rng = np.array([[1.0, correlation], [correlation, 1.0]]), np.random.default_rng(0)
    found = agreement_saving(agree, (1, 9), ratio=HALF, candidates=4, rng=rng)
    assert found.survival == pytest.approx(expected, abs=0.015)


def test_a_rung_that_says_nothing_halves_what_a_perfect_one_keeps() -> None:
    agree = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    found = agreement_saving(agree, (1, 3, 9), ratio=HALF, candidates=4, rng=np.random.default_rng(0))
    assert found.survival == pytest.approx(0.5, abs=0.015)


@pytest.mark.slow
def test_the_chosen_of_a_copula_survive_as_in_a_table_of_it() -> None:
    # the score knows of the early level only what it knows of the late one
    agree, rng = np.array([[1.0, 0.4, 0.8], [0.4, 1.0, 0.5], [0.8, 0.5, 1.0]]), np.random.default_rng(0)
    found = agreement_saving(agree, (1, 9), ratio=HALF, candidates=4, chosen=0.05, rng=rng)
    score, late, early = rng.normal(size=(3, 200_000))
    late = 0.8 * score + 0.6 * late
    early = 0.5 * late + np.sqrt(0.75) * early
    top = score > np.quantile(score, 0.95)
    good = late[top] > np.median(late[top])
    survived = early[top][good] > np.median(early[top])
    assert found.survival == pytest.approx(survived.mean(), abs=0.025)
    # 0.05 leaves k = 2.0627 (2.0627 - 1.6449) = 0.8619 of the score's variance out, and a correlation of 0.360
    assert found.survival == pytest.approx(0.5 + np.arcsin(0.360) / np.pi, abs=0.025)


@pytest.mark.slow
def test_a_pilot_tells_the_saving_within_what_its_correlation_leaves_open() -> None:
    rng = np.random.default_rng(3)
    late = rng.normal(size=40)
    curves = np.stack([0.5 * late + np.sqrt(0.75) * rng.normal(size=40), late], axis=1)
    found = saving_from_pilot(curves, (1, 9), ratio=HALF, candidates=4, draws=100, rng=rng)
    normal = ndtri((np.argsort(np.argsort(curves, axis=0), axis=0) + 0.5) / 40)
    z = np.arctanh(np.corrcoef(normal.T)[0, 1])
    ends = [0.5 + np.arcsin(np.tanh(z + side / np.sqrt(37))) / np.pi for side in (-1.96, 0, 1.96)]  # Fisher
    assert found.survival == pytest.approx(ends[1], abs=0.015)
    assert (found.low, found.high) == pytest.approx((ends[0], ends[2]), abs=0.05)
    assert found.between == pytest.approx((found.nominal * found.low, found.nominal * found.high))


def test_the_boundary_lies_between_the_shares_around_it() -> None:
    assert boundary([0.2, 0.4, 0.6, 0.8], [3.0, 2.0, 1.75, 1.25]) == pytest.approx(0.7)
    assert boundary([0.2, 0.4], [1.0, 1.2]) == 0.0
    assert boundary([0.2, 0.4], [1.0, 1.6]) == 0.4


def test_what_cannot_be_halved_is_refused() -> None:
    values = table(0.5, size=100)
    with pytest.raises(ConfigurationError, match="at each of the 3 levels"):
        expected_saving(values, (1, 3, 9), ratio=THIRD, candidates=50)
    with pytest.raises(ConfigurationError, match="none is left"):
        expected_saving(values, (1, 9), ratio=THIRD, candidates=2)
    with pytest.raises(ConfigurationError, match="the table has 100"):
        halving_saving(values, (1, 9), ratio=THIRD, candidates=101, rng=np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="at most 1, not 3/2"):
        expected_saving(values, (1, 9), ratio=Fraction(3, 2), candidates=50)
    with pytest.raises(ConfigurationError, match="3 curves say nothing about 2 levels"):
        saving_from_pilot(values[:3], (1, 9), ratio=THIRD, candidates=50, rng=np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="of 50 architectures"):
        chosen_saving(values, [np.append(np.full(51, np.nan), np.arange(49.0))], (1, 9), ratio=THIRD, candidates=50)
