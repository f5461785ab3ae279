"""What ranking a pool is worth, in closed form: where a predictor puts the good architectures, and the share taken.

Let the scores of a whole table be brought to a normal distribution by their ranks, and let the architectures that reach
a target have scores of mean m and spread s there. Of a pool of N' random architectures the K best by score are those
above z = Phi^-1(1 - K / N'), so each good one among them is taken with probability Phi((m - z) / s) where a random one
is with K / N'. The ratio is the lift, and in dB it is the gain of one iteration (Mauch et al. 2020, eq. 15). All of
this is ours; it is compared with measured gains in docs/results/expected-gain.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr, ndtr, ndtri

from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.errors import ConfigurationError
from predictornas.normal_scores import normal_scores

_FARTHEST = 8.0
"""Normal scores beyond which no table has architectures."""
_LEAST = 1e-6
"""A spread of scores that is as good as none."""


@dataclass(frozen=True)
class TopScores:
    """Where a predictor puts the architectures that reach a target.

    Attributes:
        mean: of their scores, once the scores of the whole table are normal; 0 where the predictor knows nothing.
        spread: standard deviation of these scores; 1 where the predictor knows nothing.
    """

    mean: float
    spread: float


def top_scores(scores: Sequence[Float[np.ndarray, " n"]], reached: Sequence[Bool[np.ndarray, " n"]]) -> TopScores:
    """Measures them in fits of one predictor on as many architectures each.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.lift import top_scores
        >>> quality = np.random.default_rng(0).normal(size=10_000)
        >>> perfect = top_scores([quality], [quality > 2])
        >>> round(perfect.mean, 1), round(perfect.spread, 1)
        (2.4, 0.3)

    Args:
        scores: of every architecture of the table, by fit.
        reached: which of them reach the target, by fit: what a fit has learned from says nothing of what it can tell.

    Raises:
        ConfigurationError: no fit, or one for which no architecture reaches the target.
    """
    if not len(scores) or not all(of_fit.any() for of_fit in reached):
        raise ConfigurationError("Scores of at least one fit and one architecture that reaches the target are needed.")
    normal = [normal_scores(of_fit)[good] for of_fit, good in zip(scores, reached, strict=True)]
    means = np.array([of_fit.mean() for of_fit in normal])
    within = np.mean([of_fit.var() for of_fit in normal])
    # one good architecture that is left has no spread of its own
    return TopScores(float(means.mean()), max(float(np.sqrt(within + means.var())), _LEAST))


def lift(share: Float[np.ndarray, "..."] | float, top: TopScores) -> Float[np.ndarray, "..."]:
    """How many times as many good architectures are taken as by chance.

    Example:
        >>> from predictornas.analysis.lift import TopScores, lift
        >>> [round(float(lift(share, TopScores(1.5, 0.75))), 1) for share in (0.1, 0.01, 1e-3, 1e-5)]
        [6.1, 13.5, 17.0, 11.4]

    Args:
        share: K / N', the share of a random pool that is taken, in (0, 1].
        top: where the predictor puts the good ones.
    """
    taken = np.asarray(share, np.float64)
    with np.errstate(divide="ignore"):
        threshold = -ndtri(taken)
    return np.asarray(ndtr((top.mean - threshold) / top.spread) / taken)


def best_share(top: TopScores) -> float:
    """The share K / N' with the highest lift: a larger pool than K over it gains nothing more, or loses.

    Scores of good architectures that spread less than those of all have a best share above 0: beyond it the top of the
    order is filled by the many others that the predictor overrates. 0 where the lift grows with the pool for ever.

    Example:
        >>> from predictornas.analysis.lift import TopScores, best_share
        >>> round(10 / best_share(TopScores(1.5, 0.75)))  # for ten of a pool
        13652

    Args:
        top: where the predictor puts the good ones.
    """
    if top.spread >= 1:
        return 0.0 if top.mean > 0 or top.spread > 1 else 1.0

    def lost(threshold: float) -> float:
        return float(log_ndtr(-threshold) - log_ndtr((top.mean - threshold) / top.spread))

    best = minimize_scalar(lost, bounds=(-_FARTHEST, _FARTHEST), method="bounded").x
    return float(ndtr(-best))


def expected_gain(
    tops: Sequence[TopScores],
    *,
    table_size: int,
    table_hits: int,
    pool_size: int | None,
    initial: int,
    batch: int,
    runs: int = 20,
) -> float:
    """The pooled gain of a search that ranks random pools, or the whole space, in dB.

    What was found is not found again: hits and architectures that are left shrink as the search goes on. The gain is
    `predictornas.analysis.estimators.pooled` of the expected hits, so it has the + 1 of as many runs in it.

    Example:
        >>> from predictornas.analysis.lift import TopScores, expected_gain
        >>> sizes = {"table_size": 423_624, "table_hits": 424, "initial": 10, "batch": 10}
        >>> [round(expected_gain([TopScores(1.5, 0.75)] * 14, pool_size=size, **sizes), 1) for size in (100, 10_000)]
        [8.1, 12.4]

    Args:
        tops: where the predictor of each iteration puts the architectures that reach the target.
        table_size: n.
        table_hits: M_S, architectures of the table that reach it.
        pool_size: N'; None for the whole space.
        initial: K0, which is not counted.
        batch: K.
        runs: of which the gain is pooled.

    Raises:
        ConfigurationError: no iteration, no hit, or a table that the search uses up.
    """
    if not tops or table_hits < 1 or initial + batch * len(tops) > table_size:
        raise ConfigurationError("A gain needs iterations, an architecture that reaches the target, and others left.")
    hits, left, found = table_hits * (1 - initial / table_size), float(table_size - initial), 0.0
    for top in tops:
        pool = left if pool_size is None else min(float(pool_size), left)
        share = min(batch / pool, 1.0)
        new = min(hits * pool / left, batch, batch * hits / left * float(lift(share, top)))
        found, hits, left = found + new, hits - new, left - batch
    proposals = runs * batch * len(tops)
    trials = (proposals + 1) / (runs * found + 1)
    return float(gain_db(float(expected_trials(table_size, table_hits)), trials))
