import itertools
import math

import numpy as np
import pytest

from predictornas.analysis.urn import cap_db, expected_trials, gain_db, place_of_best
from predictornas.errors import ConfigurationError


@pytest.mark.parametrize(("k", "m"), [(1, 1), (4, 1), (5, 2), (6, 3), (6, 6), (7, 4)])
def test_expected_trials_by_exhaustive_enumeration(k: int, m: int) -> None:
    """Every set of places that the successes can take is equally likely; the first place is the waiting time."""
    places = list(itertools.combinations(range(1, k + 1), m))
    assert float(expected_trials(k, m)) == pytest.approx(sum(min(place) for place in places) / len(places), abs=1e-12)


def test_expected_trials_by_drawn_permutations() -> None:
    rng = np.random.default_rng(1)
    urns = rng.permuted(np.tile(np.arange(30) < 4, (40_000, 1)), axis=1)
    waited = urns.argmax(axis=1) + 1
    assert float(expected_trials(30, 4)) == pytest.approx(waited.mean(), abs=4 * waited.std() / 200)


def test_expected_trials_is_the_mean_of_equation_13() -> None:
    k, m = 12, 3
    mean = sum(t * m / t * math.comb(k - m, t - 1) / math.comb(k, t) for t in range(1, k - m + 2))
    assert float(expected_trials(k, m)) == pytest.approx(mean)


def test_expected_trials_refuses_impossible_urns() -> None:
    with pytest.raises(ConfigurationError, match="more successes than members"):
        expected_trials(3, np.array([1, 4]))
    with pytest.raises(ConfigurationError, match="fewer than 0"):
        expected_trials(3, -1)


def test_a_thousand_times_fewer_trials_are_thirty_decibels() -> None:
    np.testing.assert_allclose(gain_db(1000, np.array([1.0, 1000.0, 10_000.0])), [30, 0, -10], atol=1e-12)


def test_cap_of_published_settings() -> None:
    assert float(cap_db(423_624, 1396)) == pytest.approx(24.8, abs=0.05)
    assert float(cap_db(423_624, 146)) == pytest.approx(34.6, abs=0.05)
    assert float(cap_db(15_625, 146)) == pytest.approx(20.3, abs=0.05)


def test_cap_is_reached_by_perfect_proposals_and_by_no_others() -> None:
    n, k = 50, 8
    for m in range(1, n + 1):
        gains = [float(gain_db(expected_trials(n, m), expected_trials(k, hits))) for hits in range(1, min(k, m) + 1)]
        assert max(gains) == pytest.approx(float(cap_db(n, k, m)), abs=1e-12)


def test_cap_bounds_the_pooled_urn_of_any_number_of_runs() -> None:
    n, k = 50, 8
    for runs, m in itertools.product((1, 2, 20), range(1, n + 1)):
        perfect = gain_db(expected_trials(n, m), expected_trials(runs * k, runs * min(k, m)))
        assert float(perfect) <= float(cap_db(n, k, m)) + 1e-12


@pytest.mark.parametrize(("n", "draws"), [(1, 1), (6, 1), (6, 3), (6, 6), (7, 5)])
def test_the_place_of_the_best_by_exhaustive_enumeration(n: int, draws: int) -> None:
    best = [min(drawn) for drawn in itertools.combinations(range(n), draws)]
    expected = np.bincount(best, minlength=n) / len(best)
    np.testing.assert_allclose(place_of_best(n, draws), expected, atol=1e-15)


def test_the_place_of_the_best_of_a_large_urn_is_as_its_binomials_say() -> None:
    chances = place_of_best(423_624, 100)
    assert chances.sum() == pytest.approx(1)
    assert chances[5000] == pytest.approx(math.comb(423_624 - 5001, 99) / math.comb(423_624, 100))
    for draws in (0, 8):
        with pytest.raises(ConfigurationError, match="Ask for 1 to 7"):
            place_of_best(7, draws)
