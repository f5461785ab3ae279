from __future__ import annotations

from dataclasses import astuple
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import norm

from predictornas.analysis.rank_quality import calibration, random_quality, rank_quality
from predictornas.errors import DataError

VALUES = np.array([0.90, 0.94, 0.92, 0.80, 0.91])


def test_five_architectures_by_hand() -> None:
    # of the 10 pairs, scores invert (0, 1), (0, 2) and (0, 4): tau = (7 - 3) / 10
    quality = rank_quality(np.array([9.0, 8.0, 7.0, 1.0, 2.0]), VALUES)
    assert quality.tau == pytest.approx(0.4)
    assert (quality.hits_half, quality.hits, quality.hits_five) == (0, 0, 0)  # the best of five is not the first
    assert quality.best_of_ten == 1  # ten scores are all
    assert quality.regret == pytest.approx(0.04)


def test_the_perfect_order_and_its_reverse() -> None:
    assert rank_quality(VALUES, VALUES) == rank_quality(3 * VALUES + 1, VALUES)
    perfect, reverse = rank_quality(VALUES, VALUES), rank_quality(-VALUES, VALUES)
    assert (perfect.tau, perfect.hits, perfect.regret) == pytest.approx((1, 1, 0))
    assert (reverse.tau, reverse.hits) == pytest.approx((-1, 0))
    assert reverse.regret == pytest.approx(0.14)


@pytest.mark.parametrize("values", [np.array([0.5]), np.array([0.5, np.nan])])
def test_what_cannot_be_ranked_is_refused(values: np.ndarray) -> None:
    for refused in (lambda: rank_quality(np.zeros(len(values)), values), lambda: random_quality(values)):
        with pytest.raises(DataError, match="at least two architectures with finite"):
            refused()


def test_each_top_is_a_share_rounded_and_at_least_one_architecture() -> None:
    """Of 300 the best two (1.5, to even), three and 15 count; the scores have the best last but 3 of these."""
    values = np.linspace(1.0, 0.0, 300)
    scores = values.copy()
    scores[0] = values[12] - 1e-4  # takes the 13th place
    quality = rank_quality(scores, values)
    assert (quality.hits_half, quality.hits, quality.hits_five) == pytest.approx((1 / 2, 2 / 3, 1))
    assert quality.best_of_ten == 2
    assert quality.regret == pytest.approx(1 / 299)


def test_two_architectures_are_enough() -> None:
    assert rank_quality(np.array([1.0, 2.0]), np.array([0.5, 0.25])).tau == -1


def test_equal_scores_and_values_count_as_all_their_orders_do_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every order of six equal scores and of the equal values, with tops of a third and a half and the best of two."""
    for name, value in {"HALF": 1 / 6, "ONE": 1 / 3, "FIVE": 1 / 2, "PICKS": 2}.items():
        monkeypatch.setattr(f"predictornas.analysis.rank_quality.{name}", value)
    scores, values = np.array([3.0, 2, 2, 2, 1, 1]), np.array([0.5, 0.9, 0.6, 0.5, 0.9, 0.7])
    found = []
    for order in permutations(range(6)):
        one = scores + 1e-6 * np.array(order)
        other = values + 1e-6 * np.roll(order, 1)  # another order of the equal values, as likely
        quality = rank_quality(one, other)
        place = 1 + (values > values[np.argsort(-one)[:2]].max()).sum()  # equal values share the best place
        found.append((quality.hits_half, quality.hits, quality.hits_five, place, 0.9 - values[one.argmax()]))
    expected = np.mean(found, axis=0)
    quality = rank_quality(scores, values)
    assert astuple(quality)[1:] == pytest.approx(expected, abs=1e-9)


def test_random_scores_have_what_is_said_of_them_on_average() -> None:
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=400), 1)  # with ties
    drawn = np.array([astuple(rank_quality(rng.random(400), values)) for _ in range(500)])
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - astuple(random_quality(values))) < 4 * error).all()


def test_random_scores_in_closed_form() -> None:
    by_chance = random_quality(np.arange(423_624.0))
    assert by_chance.best_of_ten == pytest.approx(423_625 / 11)
    assert (by_chance.hits_half, by_chance.hits) == (2118 / 423_624, 4236 / 423_624)
    assert by_chance.regret == pytest.approx(423_623 / 2)
    # equal scores are random scores, but for a correlation, which they do not have
    values = np.round(np.random.default_rng(1).normal(size=300), 1)
    equal = rank_quality(np.zeros(300), values)
    assert astuple(equal)[1:] == pytest.approx(astuple(random_quality(values))[1:])


def test_a_predictor_that_is_right_about_its_errors_covers_nine_of_ten() -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.2, 0.8, 40_000)
    truth = rng.normal(size=40_000)
    # the truth is the score plus an error of the very spread that it states
    scores = truth * (1 - spread**2) + spread * np.sqrt(1 - spread**2) * rng.normal(size=40_000)
    found = calibration(scores, spread, truth)
    assert found.coverage == pytest.approx(0.9, abs=0.01)
    assert found.sharpness == pytest.approx(spread.mean(), abs=0.01)
    moved = calibration(5 - 0.01 * -scores, 0.01 * spread, np.exp(truth))
    assert (moved.coverage, moved.sharpness) == pytest.approx((found.coverage, found.sharpness))
    sure = calibration(scores, 0.25 * spread, truth)
    assert sure.coverage < 0.45


def test_who_knows_nothing_but_the_distribution_covers_nine_of_ten_with_a_sharpness_of_one() -> None:
    values = np.random.default_rng(0).exponential(size=1000)
    found = calibration(np.full(1000, 7.0), np.full(1000, 0.1), values)
    inside = np.abs(norm.ppf((np.arange(1000) + 0.5) / 1000)) <= norm.ppf(0.95)
    assert (found.coverage, found.sharpness) == (inside.mean(), pytest.approx(1))
    assert inside.mean() == pytest.approx(0.9)
    assert calibration(np.zeros(10), np.zeros(10), np.arange(10.0)).coverage == 0


def test_a_spread_that_is_none_is_refused() -> None:
    for spread in (np.array([-1.0, 1.0]), np.array([np.nan, 1.0]), np.ones(3)):
        with pytest.raises(DataError, match="needs a standard deviation"):
            calibration(np.array([0.0, 1.0]), spread, np.array([0.0, 1.0]))
