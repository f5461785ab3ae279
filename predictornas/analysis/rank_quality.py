"""How well scores rank architectures: the correlation of the orders, and what the top of the order is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kendalltau

from predictornas.errors import DataError


@dataclass(frozen=True)
class RankQuality:
    """What scores are worth for a search.

    Attributes:
        tau: Kendall's tau-b between scores and values.
        hits: share of the `top` best by score that are among the `top` best by value, in [0, 1].
        regret: value of the best architecture less that of the one with the highest score, a fraction, >= 0.
    """

    tau: float
    hits: float
    regret: float


def rank_quality(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], *, top: float = 0.01) -> RankQuality:
    """Compares the order of scores with the order of values.

    Args:
        scores: `(n,)`, higher is better; ties in the top go to the earlier row.
        values: `(n,)` accuracies as fractions.
        top: share of all architectures that counts as the top, in (0, 1]; at least one architecture.

    Raises:
        DataError: fewer than two architectures, or a value or score that is not finite.
    """
    if len(scores) < 2 or not (np.isfinite(scores).all() and np.isfinite(values).all()):
        raise DataError(
            f"Ranks need at least two architectures with finite scores and values; there are {len(scores)}. Leave out "
            "what was not measured."
        )
    count = max(1, round(top * len(values)))
    hits = np.intersect1d(_best(scores, count), _best(values, count)).size / count
    return RankQuality(
        tau=float(kendalltau(scores, values).statistic),
        hits=hits,
        regret=float(values.max() - values[scores.argmax()]),
    )


def _best(numbers: Float[np.ndarray, " n"], count: int) -> Int[np.ndarray, " k"]:
    return np.argsort(-numbers, kind="stable")[:count]
