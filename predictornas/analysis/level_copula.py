"""How levels of training agree, as a Gaussian copula: by the correlations of their normal scores alone.

Values of a level become normal scores by their ranks, and what is kept of them are the correlations between levels. A
predictor's scores may be one more variable. Who it chose spans a narrower range of them, so levels agree less among
these: a variable that correlates with the score has, among the best share q by score, the variance 1 - k r^2 instead of
1, and two such variables the covariance r_ij - k r_i r_j, with k = h (h - c), c the normal score of which q lies above,
and h = phi(c) / q the mean there (Pearson 1903; Lawley 1943: selection on one variable). These are levels as Gaussian
as one likes; on tables the best agree still less (docs/results/expected-gain.md).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import norm

from predictornas.errors import ConfigurationError
from predictornas.normal_scores import normal_scores

_JITTER = 1e-9
"""Variance by which levels with one and the same order differ still."""


def level_correlations(values: Float[np.ndarray, "n l"]) -> Float[np.ndarray, "l l"]:
    """Correlations between the normal scores of levels.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.level_copula import level_correlations
        >>> late = np.random.default_rng(0).normal(size=1000)
        >>> early = late + np.random.default_rng(1).normal(size=1000)  # half of its variance is noise
        >>> level_correlations(np.stack([early, late], axis=1)).round(2).tolist()
        [[1.0, 0.7], [0.7, 1.0]]

    Args:
        values: of each architecture at each level, at least three architectures, all finite.

    Raises:
        ConfigurationError: fewer architectures, values that are not finite, or a level with one value alone.
    """
    if len(values) < 3 or not np.isfinite(values).all():
        raise ConfigurationError(
            f"Levels agree or not over three architectures or more with finite values, not over these {len(values)}."
        )
    constant = np.flatnonzero(np.ptp(values, axis=0) == 0)
    if len(constant):
        raise ConfigurationError(
            "Levels agree or not over three architectures or more whose values differ, and all "
            f"{len(values)} values of level {constant[0] + 1} of {values.shape[1]} are equal. Leave it out."
        )
    scores = normal_scores(values)
    return np.atleast_2d(np.corrcoef(scores, rowvar=False))


def restricted(correlations: Float[np.ndarray, "p p"], chosen: float) -> Float[np.ndarray, "l l"]:
    """Correlations between levels among those that a predictor chose.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.level_copula import restricted
        >>> of_all = np.array([[1.0, 0.4, 0.7], [0.4, 1.0, 0.6], [0.7, 0.6, 1.0]])  # score, early, late
        >>> restricted(of_all, 0.05).round(2).tolist()
        [[1.0, 0.51], [0.51, 1.0]]

    Args:
        correlations: of the predictor's scores, which come first, and of the levels; l = p - 1.
        chosen: share q of the architectures that have the best scores, in (0, 1].

    Raises:
        ConfigurationError: a share out of range.
    """
    _check_share(chosen)
    cut = ndtri(1 - chosen)
    narrowed = 0.0 if chosen == 1 else (norm.pdf(cut) / chosen) * (norm.pdf(cut) / chosen - cut)
    with_score = correlations[0, 1:]
    covariance = correlations[1:, 1:] - narrowed * np.outer(with_score, with_score)
    spread = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(spread, spread))


def drawn_levels(
    correlations: Float[np.ndarray, "p p"], size: int, rng: np.random.Generator, *, chosen: float | None = None
) -> Float[np.ndarray, "n l"]:
    """Architectures of such a copula.

    Args:
        correlations: of the levels, l = p; with `chosen` of the predictor's scores and of the levels, l = p - 1.
        size: how many.
        rng: the only source of randomness.
        chosen: share of the architectures with the best scores, of which these are; None where nobody chose.

    Raises:
        ConfigurationError: a share out of range, or correlations that contradict each other.
    """
    try:
        root = np.linalg.cholesky(proper(correlations))
    except np.linalg.LinAlgError as error:
        raise ConfigurationError(
            "The correlations of the levels contradict each other. Measure them together."
        ) from error
    normal = rng.normal(size=(size, len(correlations)))
    if chosen is None:
        return np.asarray(normal @ root.T)
    _check_share(chosen)
    normal[:, 0] = -ndtri(chosen * rng.uniform(size=size))  # the upper tail of the scores
    return np.asarray((normal @ root.T)[:, 1:])


def proper(correlations: Float[np.ndarray, "p p"]) -> Float[np.ndarray, "p p"]:
    """With the little noise that levels of one and the same order need to have a distribution.

    Args:
        correlations: of levels.
    """
    return np.asarray(correlations + _JITTER * np.eye(len(correlations)))


def _check_share(chosen: float) -> None:
    if not 0 < chosen <= 1:
        raise ConfigurationError(f"The share that is chosen is above 0 and at most 1, not {chosen}.")
