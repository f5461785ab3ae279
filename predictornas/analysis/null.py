"""What random search scores: the gain is not zero where its runs hit a target rarely, so every figure shows this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import gammaln

from predictornas.analysis.estimators import restricted_mean
from predictornas.analysis.statistics import TAILS
from predictornas.analysis.urn import expected_trials, gain_db

_DRAWS = 1000


@dataclass(frozen=True)
class Design:
    """Everything that the null depends on beside the target: the table and the sizes of the runs.

    Attributes:
        table_size: n.
        proposals: K_i of each run.
        iteration_sizes: K_t of every iteration of every run.
    """

    table_size: int
    proposals: tuple[int, ...]
    iteration_sizes: tuple[int, ...]


@dataclass(frozen=True)
class Null:
    """The gain of random search at one target, in dB.

    Attributes:
        expected: 10 log10(E_S / E[trials]), draws without a hit counted at their bound.
        low: lower end of the 95 % interval of all draws, those without a hit counted at their bound.
        high: upper end of the 95 % interval of the resolved draws, so that it holds where a draw is resolved.
    """

    expected: float
    low: float
    high: float


def expected_null_db(n: int, m: int, k: int) -> float:
    """The gain of one run of random search, in dB: -10 log10(1 - P0), P0 = C(n - m, k + 1) / C(n + 1, k + 1).

    Exact: for hypergeometric M, E[(k + 1) / (M + 1)] = E_S (1 - P0), with M = 0 counted as k + 1 trials.

    Args:
        n: architectures in the table.
        m: those that reach the target, >= 1 (at 0 the formula is the cap and the gain undefined).
        k: proposals of the run, 1 <= k <= n.
    """
    log_none = _log_none(n + 1, m + 1, k + 1)
    return float(-10 * np.log10(-np.expm1(log_none)))


def null_of(estimator: str, design: Design, m: int, rng: np.random.Generator) -> Null:
    """The null of one estimator at a target that m architectures of the table reach.

    `pooled` is exact. `per_run` and `observed` simulate 1000 experiments by inversion of the exact laws, all with at
    least one hit, and add the known probability of none, so that rare hits cost no draws. `per_iteration` simulates
    1000 unconditional ones.

    Args:
        estimator: a name in `predictornas.analysis.estimators.ESTIMATORS`.
        design: the table and the runs.
        m: M_S, >= 1.
        rng: the only source of randomness.
    """
    return _NULLS[estimator](design, m, rng)


def _pooled(design: Design, m: int, rng: np.random.Generator) -> Null:
    """Exact: the law of the summed hits is the convolution of the runs' hypergeometric laws."""
    total, most = sum(design.proposals), sum(min(k, m) for k in design.proposals)
    size = next_fast_len(most + 1, real=True)
    spectrum = np.ones(size // 2 + 1, np.complex128)
    for k, runs in zip(*np.unique(design.proposals, return_counts=True), strict=True):
        spectrum *= rfft(_hits_law(design.table_size, m, int(k)), size) ** runs
    law = irfft(spectrum, size)[: most + 1].clip(0)
    trials = expected_trials(total, np.arange(most + 1))
    baseline = expected_trials(design.table_size, m)
    none = float(np.exp(sum(_log_none(design.table_size, m, k) for k in design.proposals)))
    hits = [np.searchsorted(law.cumsum(), q) for q in (TAILS[0], none + TAILS[1] * (1 - none))]
    low, high = gain_db(baseline, trials[np.minimum(hits, most)])
    return Null(float(gain_db(baseline, law @ trials / law.sum())), float(low), float(high))


def _per_run(design: Design, m: int, rng: np.random.Generator) -> Null:
    n, baseline = design.table_size, expected_trials(design.table_size, m)
    sizes = np.array(design.proposals)
    none = np.exp([_log_none(n, m, k) for k in design.proposals])
    uniforms = _uniforms_with_a_hit(none, rng)
    hits = np.zeros(uniforms.shape, np.int64)
    for k in np.unique(sizes):
        law = _hits_law(n, m, int(k))
        hits[:, sizes == k] = np.searchsorted(law.cumsum(), uniforms[:, sizes == k], side="right").clip(0, min(k, m))
    gains = gain_db(baseline, expected_trials(sizes, hits))
    means = np.nanmean(np.where(hits > 0, gains, np.nan), axis=1)
    bound = float(gain_db(baseline, sizes + 1.0).mean())
    expected = float(np.mean([expected_null_db(n, m, k) for k in design.proposals]))
    return Null(expected, *_interval(means, bound, float(none.prod())))


def _observed(design: Design, m: int, rng: np.random.Generator) -> Null:
    n, sizes, horizon = design.table_size, np.array(design.proposals), max(design.proposals)
    survival = np.exp(_log_no_hit(n, m, horizon))  # P(tau > t), t = 0 .. horizon
    none = survival[sizes]
    uniforms = _uniforms_with_a_hit(none, rng)
    waited = np.searchsorted(-survival, -uniforms, side="left")  # number of t with P(tau > t) > u
    trials = restricted_mean(np.minimum(waited, sizes), uniforms >= none, np.ones((1, len(sizes))), horizon)
    baseline = expected_trials(n, m)
    expected = float(gain_db(baseline, survival[:-1].sum()))
    return Null(expected, *_interval(gain_db(baseline, trials), float(gain_db(baseline, horizon)), float(none.prod())))


def _per_iteration(design: Design, m: int, rng: np.random.Generator) -> Null:
    """Iterations are taken as independent draws, which widens the interval a little where K is not small beside n."""
    total, mean, log_none = np.zeros(_DRAWS), 0.0, 0.0
    for k, count in zip(*np.unique(design.iteration_sizes, return_counts=True), strict=True):
        law = _hits_law(design.table_size, m, int(k))
        trials = expected_trials(int(k), np.arange(len(law)))
        total += rng.multinomial(count, law, size=_DRAWS) @ trials
        mean += count * float(law @ trials)
        log_none += count * _log_none(design.table_size, m, int(k))
    baseline, iterations = expected_trials(design.table_size, m), len(design.iteration_sizes)
    bound = np.sum(np.array(design.iteration_sizes) + 1.0)
    one_hit = bound - (max(design.iteration_sizes) + 1) / 2
    hit = total[total < bound - 0.5]  # a hit saves (K_t + 1) / 2 trials, 1 or more
    # So few draws with a hit mean that almost all of them have exactly one.
    gains = gain_db(baseline, (hit if len(hit) >= 40 else np.array([one_hit])) / iterations)
    low, high = _interval(gains, float(gain_db(baseline, bound / iterations)), float(np.exp(log_none)))
    return Null(float(gain_db(baseline, mean / iterations)), low, high)


_NULLS: dict[str, Callable[[Design, int, np.random.Generator], Null]] = {
    "pooled": _pooled,
    "per_run": _per_run,
    "per_iteration": _per_iteration,
    "observed": _observed,
}


def _log_no_hit(n: int, m: int, k: int) -> Float[np.ndarray, " k1"]:
    """Logarithm of P(no hit in t draws from n with m hits), t = 0 .. k; sums of log1p keep it exact near 1."""
    shares = np.minimum(m / np.arange(n, n - k, -1, dtype=np.float64), 1.0)
    with np.errstate(divide="ignore"):
        return np.concatenate([[0.0], np.log1p(-shares).cumsum()])


@lru_cache(maxsize=1024)
def _log_none(n: int, m: int, k: int) -> float:
    """The last of `_log_no_hit`, remembered because the runs of a study have equal sizes."""
    return float(_log_no_hit(n, m, k)[-1])


def _hits_law(n: int, m: int, k: int) -> Float[np.ndarray, " h"]:
    """Probability of 0 .. min(k, m) hits in k draws without replacement from n with m hits (hypergeometric)."""
    fewest, most = max(0, k - (n - m)), min(k, m)
    hits = np.arange(fewest, most + 1, dtype=np.float64)
    logs = _log_choose(m, hits) + _log_choose(n - m, k - hits)
    weights = np.exp(logs - logs.max())
    return np.concatenate([np.zeros(fewest), weights / weights.sum()])


def _log_choose(n: int, k: Float[np.ndarray, " h"]) -> Float[np.ndarray, " h"]:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _uniforms_with_a_hit(none: Float[np.ndarray, " r"], rng: np.random.Generator) -> Float[np.ndarray, "s r"]:
    """Uniform numbers for `_DRAWS` experiments of r runs, given that u >= none (a hit) in at least one run of each.

    The first run with a hit is drawn from its law; runs before it have none, runs after it are free.
    """
    before = np.concatenate([[1.0], none.cumprod()[:-1]])
    shares = before * (1 - none)
    first = rng.choice(len(none), size=_DRAWS, p=shares / shares.sum())[:, None]
    run: Int[np.ndarray, " r"] = np.arange(len(none))
    low = np.where(run == first, none, 0.0)
    high = np.where(run < first, none, 1.0)
    return np.asarray(low + rng.random((_DRAWS, len(none))) * (high - low))


def _interval(resolved_gains: Float[np.ndarray, " s"], bound: float, none: float) -> tuple[float, float]:
    """Ends of the interval from gains of resolved draws and the probability `none` of scoring only the bound."""
    lower, upper = TAILS
    if none >= lower:
        return bound, float(np.quantile(resolved_gains, upper))
    return float(np.quantile(resolved_gains, (lower - none) / (1 - none))), float(np.quantile(resolved_gains, upper))
