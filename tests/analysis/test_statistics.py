import numpy as np
import polars as pl
import pytest
from scipy import stats

from predictornas.analysis.statistics import bootstrap_interval, over_seeds, paired_difference, resampled_seeds
from predictornas.errors import DataError


def test_resamples_draw_as_many_runs_as_there_are() -> None:
    weights = resampled_seeds(7, 500, np.random.default_rng(0))
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean() == pytest.approx(1)


def test_bootstrap_of_a_mean_agrees_with_scipy() -> None:
    values = np.random.default_rng(2).normal(3, 1, 40)
    low, high = bootstrap_interval(values, resamples=4000, rng=np.random.default_rng(0))
    expected = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.03)


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
    difference = paired_difference(a, b, rng=rng)
    assert difference.pairs == 30
    assert difference.mean == pytest.approx((a - b).mean())
    assert 0.9 < difference.low < difference.mean < difference.high < 1.1


def test_the_same_generator_gives_the_same_interval() -> None:
    values = np.arange(9.0)
    first, second = (bootstrap_interval(values, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert first != bootstrap_interval(values, rng=np.random.default_rng(5))


def test_too_few_or_unequal_runs_are_refused() -> None:
    with pytest.raises(DataError, match="1 runs were given and 2"):
        bootstrap_interval(np.array([1.0]), rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="as many on both sides"):
        paired_difference(np.arange(3.0), np.arange(4.0), rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="as many on both sides"):
        paired_difference(np.arange(4.0), np.arange(3.0), rng=np.random.default_rng(0))


def test_over_seeds_agrees_with_scipys_t_interval() -> None:
    frame = pl.DataFrame({"method": ["b"] * 4 + ["a"] + ["b"], "x": [1.0, 2.0, 4.0, 9.0, 5.0, None]})
    summary = over_seeds(frame, ["method"], "x")
    assert summary["method"].to_list() == ["b", "a"]
    values = np.array([1.0, 2.0, 4.0, 9.0])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert summary.row(0)[1:] == pytest.approx((4.0, values.std(ddof=1), low, high, 4))
    assert summary.row(1)[1:] == (5.0, None, None, None, 1)
