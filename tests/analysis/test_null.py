import math

import numpy as np
import pytest
from scipy import stats

from predictornas.analysis.null import Design, expected_null_db, null_of


@pytest.mark.parametrize(("m", "db"), [(0, 24.8), (7, 15.8), (60, 7.4), (346, 1.7)])
def test_expectation_at_published_settings(m: int, db: float) -> None:
    assert expected_null_db(423_624, m, 1396) == pytest.approx(db, abs=0.05)


@pytest.mark.parametrize(("n", "m", "k"), [(30, 1, 5), (30, 9, 5), (30, 27, 5), (30, 4, 30), (15_625, 40, 146)])
def test_expectation_is_the_exact_hypergeometric_sum(n: int, m: int, k: int) -> None:
    hits = np.arange(k + 1)
    trials = float(stats.hypergeom.pmf(hits, n, m, k) @ ((k + 1) / (hits + 1)))
    assert expected_null_db(n, m, k) == pytest.approx(10 * math.log10((n + 1) / (m + 1) / trials), abs=1e-7)


def _searches(n: int, m: int, k: int, runs: int, count: int) -> np.ndarray:
    """`(count, runs, k)` whether each proposal of simulated random searches is a hit: rows of shuffled urns."""
    rng = np.random.default_rng(11)
    urns = rng.permuted(np.tile(np.arange(n) < m, (count * runs, 1)), axis=1)
    return urns[:, :k].reshape(count, runs, k)


def _gains(estimator: str, found: np.ndarray, n: int, m: int, per_iteration: int) -> tuple[np.ndarray, np.ndarray]:
    """Gain of every simulated experiment by plain loops over the definitions, and whether it is resolved."""
    count, runs, k = found.shape
    hits = found.sum(axis=2)
    baseline = (n + 1) / (m + 1)
    if estimator == "pooled":
        trials = (runs * k + 1) / (hits.sum(axis=1) + 1)
        gains = 10 * np.log10(baseline / trials)
    elif estimator == "per_run":
        single = 10 * np.log10(baseline * (hits + 1) / (k + 1))
        gains = np.array([row[hit].mean() if hit.any() else row[0] for row, hit in zip(single, hits > 0, strict=True)])
    elif estimator == "per_iteration":
        steps = found.reshape(count, -1, per_iteration).sum(axis=2)
        gains = 10 * np.log10(baseline / ((per_iteration + 1) / (steps + 1)).mean(axis=1))
    else:
        waited = np.where(hits > 0, found.argmax(axis=2) + 1, k)
        gains = 10 * np.log10(baseline / waited.mean(axis=1))
    return gains, hits.any(axis=1)


@pytest.mark.parametrize("estimator", ["pooled", "per_run", "per_iteration", "observed"])
@pytest.mark.parametrize("m", [1, 5, 40])
def test_interval_holds_simulated_random_search(estimator: str, m: int) -> None:
    n, k, runs, per_iteration = 200, 12, 4, 4
    gains, resolved = _gains(estimator, _searches(n, m, k, runs, 3000), n, m, per_iteration)
    design = Design(n, (k,) * runs, (per_iteration,) * (runs * k // per_iteration))
    null = null_of(estimator, design, m, np.random.default_rng(0))
    slack = 0.004 + 3 * math.sqrt(0.05 * 0.95 / resolved.sum())
    assert ((gains >= null.low - 1e-9) & (gains <= null.high + 1e-9)).mean() >= 0.95 - slack
    inside = (gains[resolved] >= null.low - 1e-9) & (gains[resolved] <= null.high + 1e-9)
    assert inside.mean() >= 0.95 - slack
    # Not wider than needed: each end is a value that random search does reach or pass, not rarer than its tail allows.
    assert (gains[resolved] >= null.high - 0.15).mean() >= 0.012
    assert (gains <= null.low + 0.15).mean() >= 0.012


@pytest.mark.parametrize("m", [1, 5, 40])
def test_expectations_are_those_of_simulated_trials(m: int) -> None:
    n, k, runs = 200, 12, 4
    found = _searches(n, m, k, runs, 6000)
    hits, baseline = found.sum(axis=2), (n + 1) / (m + 1)
    trials = {
        "pooled": ((runs * k + 1) / (hits.sum(axis=1) + 1)).mean(),
        "per_run": ((k + 1) / (hits + 1)).mean(),
        "per_iteration": (5 / (found.reshape(-1, 4).sum(axis=1) + 1)).mean(),
        "observed": np.where(hits > 0, found.argmax(axis=2) + 1, k).mean(),
    }
    for estimator, mean in trials.items():
        null = null_of(estimator, Design(n, (k,) * runs, (4,) * 12), m, np.random.default_rng(0))
        assert null.expected == pytest.approx(10 * np.log10(baseline / mean), abs=0.06), estimator


def test_runs_of_different_sizes() -> None:
    """Two runs of 3 and 9 proposals, one good cell in 20: the joint law written out."""
    n, sizes = 20, (3, 9)
    shares = np.convolve([1 - 3 / n, 3 / n], [1 - 9 / n, 9 / n])
    trials = 13 / (np.arange(3) + 1)
    null = null_of("pooled", Design(n, sizes, (3, 9)), 1, np.random.default_rng(0))
    gains = 10 * np.log10((n + 1) / 2 / trials)
    expected = 10 * np.log10((n + 1) / 2 / (shares @ trials))
    assert (null.expected, null.low, null.high) == pytest.approx((expected, gains[0], gains[2]))


def test_rare_hits_need_no_luck() -> None:
    """One good cell in 423,624 and 146 proposals: the resolved interval is the gain of exactly one hit."""
    for estimator in ("pooled", "per_run"):
        null = null_of(estimator, Design(423_624, (146,), (146,)), 1, np.random.default_rng(0))
        assert null.high == pytest.approx(10 * math.log10(423_625 / 147))
        assert null.low == pytest.approx(null.high - 10 * math.log10(2))


def test_reaching_everything_leaves_no_doubt() -> None:
    for estimator in ("pooled", "per_run", "observed", "per_iteration"):
        null = null_of(estimator, Design(50, (8, 8), (4,) * 4), 50, np.random.default_rng(0))
        assert (null.expected, null.low, null.high) == pytest.approx((0, 0, 0), abs=1e-9)
