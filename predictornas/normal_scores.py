"""Ranks as normal scores: what is left of values where only their order counts."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import rankdata


def normal_scores(values: Float[np.ndarray, "n *columns"]) -> Float[np.ndarray, "n *columns"]:
    """The standard normal quantile of (rank - 1/2) / n, equal values sharing their mean rank.

    Example:
        >>> import numpy as np
        >>> normal_scores(np.array([0.1, 0.7, 0.3])).round(2) + 0
        array([-0.97,  0.97,  0.  ])

    Args:
        values: `(n,)`, or columns that are ranked one by one.
    """
    scores: Float[np.ndarray, "n *columns"] = ndtri((rankdata(values, axis=0) - 0.5) / max(1, len(values)))
    return scores
