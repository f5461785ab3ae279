"""Between a quantity and the normal scores that a Gaussian process predicts of it, in both directions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from predictornas.normal_scores import normal_scores

_TAIL = 0.25
"""The share of the evaluated, at each end, whose slope the scale has beyond it."""


class ScoreScale:
    """The increasing map from costs that were evaluated to their normal scores, straight between and beyond them.

    Example:
        >>> import numpy as np
        >>> from predictornas.search.objectives.scales import ScoreScale
        >>> scale = ScoreScale(np.array([3.0, 1.0, 2.0, 4.0]))
        >>> scale.costs(scale.scores(np.array([1.5, 3.0]))).round(6).tolist()
        [1.5, 3.0]

    Args:
        costs: `(n,)` of what was evaluated; equal ones share a score.
    """

    def __init__(self, costs: Float[np.ndarray, " n"]) -> None:
        self._costs, first = np.unique(costs, return_index=True)
        self._scores = normal_scores(costs)[first]
        if len(self._costs) == 1:  # nothing to scale by
            self._costs, self._scores = self._costs + np.array([0.0, 1.0]), self._scores + np.array([0.0, 1.0])

    def scores(self, costs: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        """Normal scores of costs."""
        return _along(costs, self._costs, self._scores)

    def costs(self, scores: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        """Costs of normal scores."""
        return _along(scores, self._scores, self._costs)


def _along(
    at: Float[np.ndarray, " p"], x: Float[np.ndarray, " k"], y: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " p"]:
    """Interpolation with straight ends; a single step at an end may be as good as flat, so several give the slope."""
    inner = min(max(round(_TAIL * len(x)), 1), len(x) - 1)
    low = (y[inner] - y[0]) / (x[inner] - x[0])
    high = (y[-1] - y[-1 - inner]) / (x[-1] - x[-1 - inner])
    found = np.interp(at, x, y)
    found += np.where(at < x[0], (at - x[0]) * low, 0.0) + np.where(at > x[-1], (at - x[-1]) * high, 0.0)
    return np.asarray(found)
