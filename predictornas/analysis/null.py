"""What random search scores: the gain is not zero where its runs hit a target rarely, so every figure shows this.

Centre and interval are those of the estimator itself, in dB, over experiments with at least one hit: those without one
are unresolved, and no resolved gain is to be compared with them.
"""

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

_DRAWS = 2000
_MOST_RUNS = 400_000  # simulated at a target in all, so that a thousand seeds take seconds

_ONE_HIT = 0.005  # so rarely an experiment has a hit at all that two hits (1 in 400 of these) change no interval


@dataclass(frozen=True)
class Design:
    """Everything that the null depends on in addition to the target: the table and the sizes of the runs.

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
    """The gain of random search at one target, in dB, given that at least one run has a hit.

    Attributes:
        expected: mean over experiments.
        low: lower end of the interval that holds 95 % of the experiments, and their mean.
        high: upper end.
    """

    expected: float
    low: float
    high: float


def expected_null_db(n: int, m: int, k: int) -> float:
    """The gain of one run's expected trials, in dB: -10 log10(1 - P0), P0 = C(n - m, k + 1) / C(n + 1, k + 1).

    This counts runs without a hit at their bound, other than `null_of`. Exact: for hypergeometric M,
    E[(k + 1) / (M + 1)] = E_S (1 - P0), with M = 0 counted as k + 1 trials.

    Example:
        >>> from predictornas.analysis.null import expected_null_db
        >>> [round(expected_null_db(423_624, hits, 1396), 1) for hits in (7, 60, 346)]
        [15.8, 7.4, 1.7]

    Args:
        n: architectures in the table.
        m: those that reach the target, >= 1 (at 0 the formula is the cap and the gain undefined).
        k: proposals of the run, 1 <= k <= n.
    """
    log_none = _log_none(n + 1, m + 1, k + 1)
    return float(-10 * np.log10(-np.expm1(log_none)))


def null_of(estimator: str, design: Design, m: int, rng: np.random.Generator) -> Null:
    """The null of one estimator at a target that m architectures of the table reach.

    `pooled` is exact. The others simulate 2000 experiments: `per_run` and `observed` by inversion of the exact laws,
    all with at least one hit, so that rare hits cost no draws; `per_iteration` by rejection.

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
    # long enough for all sums of hits, 0 .. most, so that the circular convolution does not wrap
    size = next_fast_len(most + 1, real=True)
    spectrum = np.ones(size // 2 + 1, np.complex128)
    for k, runs in zip(*np.unique(design.proposals, return_counts=True), strict=True):
        spectrum *= rfft(_hits_law(design.table_size, m, int(k)), size) ** runs
    # without the place of 0 hits, which makes it the law given a hit once `_null` scales it to 1; rounding of the FFT
    # can leave it a little below 0
    law = irfft(spectrum, size)[1 : most + 1].clip(0)
    gains = gain_db(expected_trials(design.table_size, m), expected_trials(total, np.arange(1, most + 1)))
    return _null(gains, law)


def _per_run(design: Design, m: int, rng: np.random.Generator) -> Null:
    n, sizes = design.table_size, np.array(design.proposals)
    none = np.exp([_log_none(n, m, k) for k in design.proposals])
    uniforms = _uniforms_with_a_hit(none, rng)
    hits = np.zeros(uniforms.shape, np.int64)
    for k in np.unique(sizes):
        law = _hits_law(n, m, int(k))
        hits[:, sizes == k] = np.searchsorted(law.cumsum(), uniforms[:, sizes == k], side="right").clip(0, min(k, m))
    gains = gain_db(expected_trials(n, m), expected_trials(sizes, hits))
    return _null(np.nanmean(np.where(hits > 0, gains, np.nan), axis=1))


def _observed(design: Design, m: int, rng: np.random.Generator) -> Null:
    n, sizes, horizon = design.table_size, np.array(design.proposals), max(design.proposals)
    survival = np.exp(_log_no_hit(n, m, horizon))  # P(tau > t), t = 0 .. horizon
    none = survival[sizes]
    uniforms = _uniforms_with_a_hit(none, rng)
    waited = np.searchsorted(-survival, -uniforms, side="left")  # number of t with P(tau > t) > u
    trials = restricted_mean(np.minimum(waited, sizes), uniforms >= none, np.ones((1, len(sizes))), horizon)
    return _null(gain_db(expected_trials(n, m), trials))


def _per_iteration(design: Design, m: int, rng: np.random.Generator) -> Null:
    """Iterations are taken as independent draws, which widens the interval a little where K is not small beside n."""
    sizes, counts = np.unique(design.iteration_sizes, return_counts=True)
    log_none = np.array([_log_none(design.table_size, m, int(k)) for k in sizes])
    some = float(-np.expm1(counts @ log_none))
    bound = float(counts @ (sizes + 1.0))
    if some < _ONE_HIT:
        weights = counts * -np.expm1(log_none)  # in which size of iteration the hit is; it saves half of its trials
        return _null(_iteration_gain(design, m, bound - (sizes + 1.0) / 2), weights)
    total = np.zeros(int(np.ceil(_DRAWS / some)))
    for k, count in zip(sizes, counts, strict=True):
        law = _hits_law(design.table_size, m, int(k))
        total += rng.multinomial(count, law, size=len(total)) @ expected_trials(int(k), np.arange(len(law)))
    return _null(_iteration_gain(design, m, total[total < bound - 0.5]))  # a hit saves (K_t + 1) / 2 trials, 1 or more


def _iteration_gain(design: Design, m: int, trials: Float[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
    return gain_db(expected_trials(design.table_size, m), trials / len(design.iteration_sizes))


_NULLS: dict[str, Callable[[Design, int, np.random.Generator], Null]] = {
    "pooled": _pooled,
    "per_run": _per_run,
    "per_iteration": _per_iteration,
    "observed": _observed,
}


def _log_no_hit(n: int, m: int, k: int) -> Float[np.ndarray, " k1"]:
    """Logarithm of P(no hit in t draws from n with m hits), t = 0 .. k; sums of log1p keep it exact near 1."""
    # once fewer than m are left every draw is a hit: its share is 1 and the logarithm -inf
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
    # relative to the largest, because the binomials themselves overflow
    weights = np.exp(logs - logs.max())
    return np.concatenate([np.zeros(fewest), weights / weights.sum()])


def _log_choose(n: int, k: Float[np.ndarray, " h"]) -> Float[np.ndarray, " h"]:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _experiments(runs: int) -> int:
    """Experiments to simulate: fewer where each has hundreds of runs, whose mean varies less than a draw more tells."""
    return min(_DRAWS, max(_DRAWS // 5, _MOST_RUNS // runs))


def _uniforms_with_a_hit(none: Float[np.ndarray, " r"], rng: np.random.Generator) -> Float[np.ndarray, "s r"]:
    """Uniform numbers of experiments of r runs, given that u >= none (a hit) in at least one run of each experiment.

    The first run with a hit is drawn from its law; runs before it have none, runs after it are free.
    """
    before = np.concatenate([[1.0], none.cumprod()[:-1]])
    shares = before * (1 - none)
    draws = _experiments(len(none))
    first = rng.choice(len(none), size=draws, p=shares / shares.sum())[:, None]
    run: Int[np.ndarray, " r"] = np.arange(len(none))
    low = np.where(run == first, none, 0.0)
    high = np.where(run < first, none, 1.0)
    return np.asarray(low + rng.random((draws, len(none))) * (high - low))


def _null(gains: Float[np.ndarray, " s"], weights: Float[np.ndarray, " s"] | None = None) -> Null:
    """Mean and interval of gains; the ends are gains that occur, and not beyond the mean of a very skew law."""
    order = np.argsort(gains)
    law = np.full(len(gains), 1 / len(gains)) if weights is None else weights[order] / weights.sum()
    mean = float(gains[order] @ law)
    ends = gains[order][np.searchsorted(law.cumsum(), TAILS).clip(0, len(gains) - 1)]
    return Null(mean, min(float(ends[0]), mean), max(float(ends[1]), mean))
