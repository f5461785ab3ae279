"""The hypervolume that points dominate below a reference point: exact, ours in one and two objectives."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from predictornas.extras import extra
from predictornas.fronts.dominance import Costs, non_dominated

Point = Float[np.ndarray, " m"]


def hypervolume(costs: Costs, reference: Point) -> float:
    """Volume of all that some point dominates and that dominates the reference point (Zitzler & Thiele 1998).

    In three objectives and more it is computed by moocore (the extra `predictornas[objectives]`).

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.hypervolume import hypervolume
        >>> hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0]))
        7.0

    Args:
        costs: `(n, m)`, lower is better; points that do not dominate the reference point, and failures, add nothing.
        reference: `(m,)`, a bad value of each objective.

    Raises:
        MissingDependencyError: three objectives or more, and moocore is not installed.
    """
    inside = _within(costs, reference)
    if not len(inside):
        return 0.0
    if len(reference) == 1:
        return float(reference[0] - inside.min())
    if len(reference) > 2:
        return _of_many(inside, reference)
    one, other = _staircase(inside).T
    heights = np.diff(-other, prepend=-reference[1])  # how far each step lies below the one before
    return float((reference[0] - one) @ heights)


def improvements(candidates: Float[np.ndarray, "p m"], costs: Costs, reference: Point) -> Float[np.ndarray, " p"]:
    """How much hypervolume each candidate would add to the points, each by itself.

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.hypervolume import improvements
        >>> front = np.array([[1.0, 3.0], [2.0, 1.0]])
        >>> improvements(np.array([[1.0, 2.0], [3.0, 3.0], [0.0, 0.0]]), front, np.array([4.0, 4.0])).tolist()
        [1.0, 0.0, 9.0]

    Args:
        candidates: `(p, m)`, lower is better.
        costs: `(n, m)`, the points that are there.
        reference: `(m,)`.

    Raises:
        MissingDependencyError: as in `hypervolume`.
    """
    inside = _within(costs, reference)
    if len(reference) == 1:
        best = min(inside.min(initial=np.inf), reference[0])
        return np.asarray(np.maximum(best - candidates[:, 0], 0.0))
    if len(reference) > 2:
        before = hypervolume(inside, reference)
        return np.array([hypervolume(np.vstack([inside, one]), reference) - before for one in candidates])
    steps = _staircase(inside)
    # between two steps everything below the left one is not dominated, before the first everything is not
    left, right = np.append(-np.inf, steps[:, 0]), np.append(steps[:, 0], reference[0])
    tops = np.append(reference[1], steps[:, 1])
    widths = np.maximum(right - np.maximum(left, candidates[:, :1]), 0.0)
    return np.asarray((widths * np.maximum(tops - candidates[:, 1:], 0.0)).sum(axis=1))


def _within(costs: Costs, reference: Point) -> Float[np.ndarray, "k m"]:
    return costs[(costs < reference).all(axis=1)]


def _staircase(costs: Costs) -> Float[np.ndarray, "k m"]:
    """The distinct non-dominated points in two objectives, the first ascending, the second descending."""
    return np.unique(costs[non_dominated(costs)], axis=0)


def _of_many(costs: Costs, reference: Point) -> float:
    with extra("objectives", "A hypervolume in three objectives or more"):
        import moocore
    return float(moocore.hypervolume(costs, ref=reference))
