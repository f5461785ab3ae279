import math

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.stats import binom

from predictornas.analysis.statistics import (
    CORRELATION,
    POSITIVE,
    SHARE,
    bootstrap_interval,
    jackknife_interval,
    left_out,
    over_seeds,
    paired_difference,
    share_interval,
    t_interval,
)
from predictornas.errors import DataError


def test_bootstrap_of_a_mean_agrees_with_scipy() -> None:
    values = np.random.default_rng(2).normal(3, 1, 40)
    low, high = bootstrap_interval(values, resamples=4000, rng=np.random.default_rng(0))
    expected = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, random_state=1)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval), abs=0.03)


def test_whole_runs_are_resampled() -> None:
    """Ten equal values in each of four runs: resampling values instead would narrow the interval sqrt(10) times."""
    runs = np.repeat(np.array([[0.0], [1.0], [2.0], [3.0]]), 10, axis=1)
    low, high = bootstrap_interval(runs, resamples=4000, rng=np.random.default_rng(0))
    single_low, single_high = bootstrap_interval(runs.reshape(-1), resamples=4000, rng=np.random.default_rng(0))
    assert high - low > 2.5 * (single_high - single_low)


def test_other_statistics() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 8.0])
    low, high = bootstrap_interval(values, statistic=lambda drawn: float(drawn.max()), rng=np.random.default_rng(0))
    assert (low, high) == (0.0, 8.0)


def test_paired_difference_removes_what_the_seeds_share() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 5, 30)
    a, b = shared + 1 + rng.normal(0, 0.1, 30), shared
    difference = paired_difference(a, b)
    assert (difference.pairs, difference.nonzero, difference.decisive) == (30, 30, True)
    assert difference.mean == pytest.approx((a - b).mean())
    expected = stats.ttest_rel(a, b).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


def test_no_verdict_rests_on_few_differences_or_on_equal_ones() -> None:
    """Nine of twenty seeds differ, by more than rounding; then all by the same amount."""
    steps = np.where(np.arange(20) < 9, 1 + np.arange(20) / 10, 1e-15)
    few = paired_difference(steps, np.zeros(20))
    assert (few.nonzero, few.low > 0, few.decisive) == (9, True, False)
    assert paired_difference(steps + (np.arange(20) == 9), np.zeros(20)).decisive
    same = paired_difference(np.full(20, 0.3), np.full(20, 0.1))
    assert (same.nonzero, math.isnan(same.low), math.isnan(same.high), same.decisive) == (20, True, True, False)


def test_the_t_interval_is_scipys_along_the_first_axis() -> None:
    values = np.random.default_rng(0).normal(2, 1, (6, 3))
    expected = stats.t.interval(0.95, 5, values.mean(axis=0), stats.sem(values))
    np.testing.assert_allclose(t_interval(values), expected)


def test_bounded_intervals_by_hand() -> None:
    """Shares .6 and .8 at one degree: logit(.7) -+ 12.706 * .1 / .21. A correlation is a share of [-1, 1]."""
    values, step = np.array([0.6, 0.8]), 12.706204736432095 * 0.1 / (0.7 * 0.3)
    odds = 0.7 / 0.3 * np.exp(np.array([-step, step]))
    np.testing.assert_allclose(t_interval(values, bounds=SHARE), odds / (1 + odds))
    np.testing.assert_allclose(t_interval(2 * values - 1, bounds=CORRELATION), 2 * odds / (1 + odds) - 1)
    z = np.arctanh(0.4) + np.array([-step, step]) / 2  # Fisher's
    np.testing.assert_allclose(t_interval(2 * values - 1, bounds=CORRELATION), np.tanh(z))
    costs = t_interval(np.array([1.0, 3.0]), bounds=POSITIVE)
    np.testing.assert_allclose(costs, 2 * np.exp(np.array([-1, 1]) * 12.706204736432095 / 2))


def test_bounded_intervals_stay_in_their_bounds_where_others_do_not() -> None:
    rng = np.random.default_rng(1)
    for bounds in (SHARE, CORRELATION, POSITIVE, (2.0, 5.0)):
        lower, upper = bounds
        values = lower + min(upper - lower, 3.0) * rng.beta(0.2, 0.2, (3, 500)).clip(1e-6, 1 - 1e-6)
        low, high = t_interval(values, bounds=bounds)
        ordered = np.stack([np.full(500, lower), low, values.mean(axis=0), high, np.full(500, upper)])
        assert (ordered[:-1] <= ordered[1:]).all()
        assert (t_interval(values)[0] < lower).any()


def test_wide_bounds_change_nothing() -> None:
    values = np.random.default_rng(2).normal(0, 1, 8)
    np.testing.assert_allclose(t_interval(values, bounds=(-1e6, 1e6)), t_interval(values), atol=1e-4)


def test_means_beyond_their_bounds_are_refused() -> None:
    with pytest.raises(DataError, match=r"1\.25 do not lie in"):
        t_interval(np.array([1.0, 1.5]), bounds=SHARE)


def test_the_same_generator_gives_the_same_interval() -> None:
    values = np.arange(9.0)
    first, second = (bootstrap_interval(values, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert first != bootstrap_interval(values, rng=np.random.default_rng(5))


def test_too_few_or_unequal_runs_are_refused() -> None:
    with pytest.raises(DataError, match="1 runs were given and 2"):
        bootstrap_interval(np.array([1.0]), rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="as many on both sides"):
        paired_difference(np.arange(3.0), np.arange(4.0))
    with pytest.raises(DataError, match="as many on both sides"):
        paired_difference(np.arange(4.0), np.arange(3.0))
    with pytest.raises(DataError, match="1 runs were given and 2"):
        t_interval(np.array([1.0]))


def test_over_seeds_agrees_with_scipys_t_interval() -> None:
    frame = pl.DataFrame({"method": ["b"] * 4 + ["a"] + ["b"], "x": [1.0, 2.0, 4.0, 9.0, 5.0, None]})
    summary = over_seeds(frame, ["method"], "x")
    assert summary["method"].to_list() == ["b", "a"]
    values = np.array([1.0, 2.0, 4.0, 9.0])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert summary.row(0)[1:] == pytest.approx((4.0, values.std(ddof=1), low, high, 4))
    assert summary.row(1)[1:] == (5.0, None, None, None, 1)


def test_over_seeds_of_a_bounded_quantity_and_of_runs_that_are_all_alike() -> None:
    frame = pl.DataFrame({"m": ["a"] * 3 + ["b"] * 3, "tau": [0.9, 0.99, 0.6, 0.7, 0.7, 0.7]})
    first, second = over_seeds(frame, ["m"], "tau", bounds=CORRELATION).to_dicts()
    ends = t_interval(np.array([0.9, 0.99, 0.6]), bounds=CORRELATION)
    np.testing.assert_allclose([first["low"], first["high"]], ends)
    assert first["high"] < 1 < over_seeds(frame, ["m"], "tau")["high"][0]
    assert (second["mean"], second["low"], second["high"], second["runs"]) == (pytest.approx(0.7), None, None, 3)
    with pytest.raises(DataError, match="do not lie in"):
        over_seeds(frame.with_columns(pl.col("tau") + 1), ["m"], "tau", bounds=SHARE)


def test_a_column_without_spread_has_no_interval_and_leaves_the_others_theirs() -> None:
    values = np.array([[1.0, 5.0, 0.0], [2.0, 5.0, 0.0], [4.0, 5.0, 0.0]])
    low, high = t_interval(values)
    np.testing.assert_allclose([low[0], high[0]], [end[0] for end in t_interval(values[:, :1])])
    assert np.isnan(low[1:]).all()
    assert np.isnan(high[1:]).all()


def test_the_jackknife_of_a_mean_is_its_t_interval() -> None:
    values = np.random.default_rng(0).normal(3, 1, (7, 2))
    without = left_out(7) @ values / 6
    ends = jackknife_interval(values.mean(axis=0), without, np.full(2, 7))
    np.testing.assert_allclose(ends, t_interval(values))


def test_the_jackknife_rests_on_two_runs_that_differ() -> None:
    """A ratio by hand: leaving out one of three gives 1, 2, 3, so the error is sqrt(2 / 3 * 2)."""
    without = np.array([[1.0, 5.0, 1.0], [2.0, 5.0, 2.0], [3.0, 5.0, 3.0]])
    low, high = jackknife_interval(np.full(3, 2.5), without, np.array([3, 3, 1]))
    half = 4.302652729696142 * np.sqrt(4 / 3)
    np.testing.assert_allclose(low, [2.5 - half, np.nan, np.nan])
    np.testing.assert_allclose(high, [2.5 + half, np.nan, np.nan])


def test_groups_stay_in_the_order_of_their_first_row() -> None:
    names = list("hbgcfadezyxwv")
    frame = pl.DataFrame({"m": names * 2, "x": np.arange(26.0)})
    assert over_seeds(frame, ["m"], "x")["m"].to_list() == names


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_runs_are_alike_up_to_rounding_at_every_scale(scale: float) -> None:
    """Steps of one part in a thousand are a spread, of one in 10^14 none, however large the numbers are."""
    apart, alike = (scale * (1 + step * np.arange(3)) for step in (1e-3, 1e-14))
    assert np.isfinite(t_interval(apart)).all()
    assert np.isnan(t_interval(alike)).all()
    frame = pl.DataFrame({"m": ["apart"] * 3 + ["alike"] * 3, "x": [*apart, *alike]})
    assert over_seeds(frame, ["m"], "x")["low"].is_null().to_list() == [False, True]
    assert np.isfinite(jackknife_interval(apart[:1], apart[:, None], np.array([3]))).all()
    assert np.isnan(jackknife_interval(alike[:1], alike[:, None], np.array([3]))).all()


@pytest.mark.parametrize("runs", [5, 20])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.97])
def test_the_interval_of_a_share_covers_at_least_as_often_as_it_says(share: float, runs: int) -> None:
    """Over every number of successes, weighted with its probability."""
    inside = [low <= share <= high for low, high in (share_interval(k, runs) for k in range(runs + 1))]
    assert np.dot(binom.pmf(np.arange(runs + 1), runs, share), inside) >= 0.95


def test_the_interval_of_a_share_says_something_of_none_and_of_all() -> None:
    none, every = share_interval(0, 20), share_interval(20, 20)
    assert none == (0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert every == (pytest.approx(0.025 ** (1 / 20)), 1)
    with pytest.raises(DataError, match="21 of 20"):
        share_interval(21, 20)
