import numpy as np
import pytest

from predictornas.analysis.estimators import (
    ESTIMATORS,
    estimator_named,
    observed,
    per_iteration,
    per_run,
    pooled,
    restricted_mean,
    weighted_mean,
)
from predictornas.analysis.proposals import RunCounts, RunProposals, counts_of
from predictornas.errors import UnknownNameError

ONCE = np.ones((1, 2), np.int64)


@pytest.fixture
def counts() -> RunCounts:
    """Two runs of three proposals in iterations of two and one: hits 1 and 0 at J = 0.1, 2 and 1 at J = 0.2."""
    iterations = np.array([1, 1, 2])
    runs = [
        RunProposals("0", np.array([0.2, 0.5, 0.1]), iterations),
        RunProposals("1", np.array([0.5, 0.2, 0.5]), iterations),
    ]
    return counts_of(runs, np.array([0.1, 0.2]))


def test_pooled_by_hand(counts: RunCounts) -> None:
    """(6 + 1)/(1 + 1) and (6 + 1)/(3 + 1) trials against 35."""
    np.testing.assert_allclose(pooled(counts, np.array([35.0, 35.0]), ONCE), [[10, 10 * np.log10(20)]])


def test_per_run_by_hand(counts: RunCounts) -> None:
    """Trials 4/2 and 4/1 (unresolved, left out) at the first target, 4/3 and 4/2 at the second."""
    gains = per_run(counts, np.array([20.0, 40.0]), ONCE)
    np.testing.assert_allclose(gains, [[10, 5 * (np.log10(30) + np.log10(20))]])


def test_per_run_bounds_what_no_run_resolves(counts: RunCounts) -> None:
    only_second = np.array([[0, 2]])
    np.testing.assert_allclose(per_run(counts, np.array([40.0, 40.0]), only_second)[0, 0], 10)


def test_per_iteration_by_hand(counts: RunCounts) -> None:
    """Iterations of two and one proposals: 3 and 2 trials without a hit, half or a third of it with one or two."""
    first = np.mean([3, 1, 3, 2])
    second = np.mean([1.5, 1, 1.5, 2])
    expected = [[10 * np.log10(9 / first), 10 * np.log10(9 / second)]]
    np.testing.assert_allclose(per_iteration(counts, np.array([9.0, 9.0]), ONCE), expected)


def test_observed_by_hand(counts: RunCounts) -> None:
    """First target: a hit at the third proposal, and a run censored at its third; second: hits at 1 and 2."""
    np.testing.assert_allclose(observed(counts, np.array([30.0, 15.0]), ONCE), [[10, 10]])


def test_weights_repeat_runs(counts: RunCounts) -> None:
    trials = np.array([35.0, 20.0])
    twice = counts_of_repeated(counts, [0, 0, 1])
    for estimator in ESTIMATORS.values():
        repeated = estimator(twice, trials, np.ones((1, 3), np.int64))
        np.testing.assert_allclose(estimator(counts, trials, np.array([[2, 1]])), repeated)


def counts_of_repeated(counts: RunCounts, rows: list[int]) -> RunCounts:
    return RunCounts(
        counts.proposals[rows],
        counts.hits[rows],
        counts.first_hit[rows],
        counts.iterations[rows],
        counts.iteration_trials[rows],
    )


def test_kaplan_meier_by_hand() -> None:
    """Hits at 3 and 5, censored at 4 and 6: S = 1 to 3, 3/4 to 5, then 3/8 to the horizon 6."""
    times, hit = np.array([[5, 4, 3, 6]]), np.array([[True, False, True, False]])
    once = np.ones((1, 4), np.int64)
    assert restricted_mean(times, hit, once, 6)[0] == pytest.approx(3 + 2 * 0.75 + 0.375)
    assert restricted_mean(times, hit, once, 8)[0] == pytest.approx(3 + 2 * 0.75 + 3 * 0.375)


def test_kaplan_meier_takes_hits_before_censorings_at_the_same_time() -> None:
    times, hit = np.array([[2, 2, 4]]), np.array([[False, True, True]])
    assert restricted_mean(times, hit, np.ones((1, 3), np.int64), 4)[0] == pytest.approx(2 + 2 * 2 / 3)


def test_kaplan_meier_is_the_plain_mean_when_all_are_censored_at_the_horizon() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(1, 40, (7, 25))
    clipped, hit = np.minimum(times, 30), times <= 30
    mean = restricted_mean(clipped, hit, np.ones((1, 25)), 30)
    np.testing.assert_allclose(mean, clipped.mean(axis=1))


def test_kaplan_meier_with_weights_agrees_with_repeated_runs() -> None:
    rng = np.random.default_rng(3)
    times, hit = rng.integers(1, 9, 6), rng.random(6) < 0.6
    weights = rng.integers(0, 4, (5, 6))
    means = restricted_mean(times[None], hit[None], weights, 9)
    for row, mean in zip(weights, means, strict=True):
        repeated = restricted_mean(times.repeat(row)[None], hit.repeat(row)[None], np.ones((1, row.sum())), 9)
        assert mean == pytest.approx(repeated[0])


def test_weighted_mean_of_nothing_is_nan() -> None:
    values, kept = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[True, False], [True, False]])
    np.testing.assert_allclose(weighted_mean(values, kept, np.array([[3, 1]])), [[1.5, np.nan]])


def test_unknown_estimators_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'per_run'"):
        estimator_named("per-run")
