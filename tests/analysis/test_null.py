import math

import numpy as np
import pytest
from scipy import stats

from predictornas.analysis.null import Design, _experiments, expected_null_db, null_of


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


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["pooled", "per_run", "per_iteration", "observed"])
@pytest.mark.parametrize("m", [1, 5, 40])
def test_mean_and_interval_are_those_of_simulated_random_searches(estimator: str, m: int) -> None:
    """Hypergeometric draws of whole runs, the estimator by its definition, experiments without any hit left out."""
    n, k, runs, per_iteration = 200, 12, 4, 4
    gains, resolved = _gains(estimator, _searches(n, m, k, runs, 4000), n, m, per_iteration)
    gains = gains[resolved]
    null = null_of(estimator, Design(n, (k,) * runs, (4,) * 12), m, np.random.default_rng(0))
    error = gains.std() * math.sqrt(1 / len(gains) + 1 / 2000)
    # iterations within a run do not share a cell, which per_iteration leaves out of account
    slack = 0.01 if estimator == "per_iteration" else 0.0
    assert null.expected == pytest.approx(gains.mean(), abs=4 * error + slack + 1e-9)
    assert null.low <= null.expected <= null.high
    inside = (gains >= null.low - 1e-9) & (gains <= null.high + 1e-9)
    assert inside.mean() >= 0.95 - 0.004 - 3 * math.sqrt(0.05 * 0.95 / len(gains))
    # Not wider than needed: each end is a value that random search does reach or pass, not rarer than its tail allows.
    assert (gains >= null.high - 0.15).mean() >= 0.012
    assert (gains <= null.low + 0.15).mean() >= 0.012


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["pooled", "per_run", "per_iteration", "observed"])
def test_runs_and_iterations_of_different_sizes(estimator: str) -> None:
    """A T0 of 6 counts as an iteration beside others of 2; one run is longer than the other."""
    rng, n, m = np.random.default_rng(3), 40, 3
    runs = [(6, 2, 2), (6, 2, 2, 2, 2)]
    gains = []
    for _ in range(4000):
        found = [rng.permutation(n)[: sum(sizes)] < m for sizes in runs]
        if any(hit.any() for hit in found):
            gains.append(_by_definition(estimator, found, runs, n, m))
    design = Design(n, tuple(sum(sizes) for sizes in runs), runs[0] + runs[1])
    null = null_of(estimator, design, m, np.random.default_rng(0))
    assert null.expected == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / 35 + 0.03)
    low, high = np.quantile(gains, [0.025, 0.975], method="inverted_cdf")
    assert (null.low, null.high) == pytest.approx((low, high), abs=0.35)


def _by_definition(estimator: str, found: list[np.ndarray], runs: list[tuple[int, ...]], n: int, m: int) -> float:
    baseline = (n + 1) / (m + 1)
    if estimator == "pooled":
        trials = (sum(map(len, found)) + 1) / (sum(int(hit.sum()) for hit in found) + 1)
    elif estimator == "per_run":
        gains = [10 * math.log10(baseline * (hit.sum() + 1) / (len(hit) + 1)) for hit in found if hit.any()]
        return float(np.mean(gains))
    elif estimator == "per_iteration":
        steps = [step for hit, sizes in zip(found, runs, strict=True) for step in np.split(hit, np.cumsum(sizes)[:-1])]
        trials = np.mean([(len(step) + 1) / (step.sum() + 1) for step in steps])
    else:  # Kaplan-Meier up to the horizon: after a censoring at 10 only the longer run is at risk
        alive, trials, left = 1.0, 0.0, 2
        for t in range(1, 15):
            trials += alive
            hits = sum(bool(hit.any()) and hit.argmax() + 1 == t for hit in found)
            alive *= 1 - hits / left if left else 1.0
            left -= hits + sum(not hit.any() and len(hit) == t for hit in found)
    return 10 * math.log10(baseline / trials)


def test_runs_of_different_sizes() -> None:
    """Two runs of 3 and 9 proposals, one good cell in 20: the joint law written out, without the outcome of no hit."""
    n, sizes = 20, (3, 9)
    shares = np.convolve([1 - 3 / n, 3 / n], [1 - 9 / n, 9 / n])[1:]
    gains = 10 * np.log10((n + 1) / 2 / (13 / np.array([2, 3])))
    null = null_of("pooled", Design(n, sizes, (3, 9)), 1, np.random.default_rng(0))
    assert null.expected == pytest.approx(shares @ gains / shares.sum())
    assert (null.low, null.high) == pytest.approx(tuple(gains))


def test_rare_hits_need_no_luck() -> None:
    """One good cell in 423,624 and 146 proposals: all that is resolved has exactly one hit."""
    one_hit = 10 * math.log10(423_625 / 147)
    for estimator in ("pooled", "per_run"):
        null = null_of(estimator, Design(423_624, (146,), (146,)), 1, np.random.default_rng(0))
        assert (null.expected, null.low, null.high) == pytest.approx((one_hit,) * 3)
    null = null_of("per_iteration", Design(423_624, (24,), (4,) * 6), 1, np.random.default_rng(0))
    one_hit = 10 * math.log10(423_625 / 2 / ((5 * 5 + 2.5) / 6))
    assert (null.expected, null.low, null.high) == pytest.approx((one_hit,) * 3)


@pytest.mark.parametrize("estimator", ["pooled", "per_run", "per_iteration", "observed"])
def test_the_centre_never_lies_outside(estimator: str) -> None:
    for m in (1, 3, 10, 30, 100, 300, 1000, 3000):
        null = null_of(estimator, Design(15_625, (140,) * 5, (10,) * 70), m, np.random.default_rng(1))
        assert null.low <= null.expected <= null.high


def test_reaching_everything_leaves_no_doubt() -> None:
    for estimator in ("pooled", "per_run", "observed", "per_iteration"):
        null = null_of(estimator, Design(50, (8, 8), (4,) * 4), 50, np.random.default_rng(0))
        assert (null.expected, null.low, null.high) == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.mark.parametrize(("runs", "experiments"), [(1, 2000), (200, 2000), (400, 1000), (5000, 400)])
def test_many_runs_are_simulated_fewer_times(runs: int, experiments: int) -> None:
    """400,000 runs at a target, but never under 400 experiments, of which 10 lie beyond each end."""
    assert _experiments(runs) == experiments
