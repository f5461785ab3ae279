"""Which points are dominated: the front, the fronts behind it, and how crowded a front is. Lower is better."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from jaxtyping import Bool, Float, Int

Costs = Float[np.ndarray, "n m"]
"""A row for each point, a column for each objective, lower is better; a row with NaN is a failure."""


def non_dominated(costs: Costs) -> Bool[np.ndarray, " n"]:
    """Which points no other point dominates: none is as good in every objective and better in one. Exact.

    Equal points do not dominate each other, so all of them count. A point with NaN never counts.

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.dominance import non_dominated
        >>> non_dominated(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0]])).tolist()
        [True, True, False, True]

    Args:
        costs: `(n, m)`, lower is better.
    """
    present = np.flatnonzero(~np.isnan(costs).any(axis=1))
    found = np.zeros(len(costs), bool)
    if not len(present):
        return found
    # the lexicographic order puts whatever dominates a point before it, and equal points beside each other
    order = present[np.lexsort(costs[present].T[::-1])]
    ordered = costs[order]
    first = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    distinct = ordered[first]
    kept = _in_two(distinct) if costs.shape[1] <= 2 else _in_many(distinct)
    found[order] = kept[first.cumsum() - 1]
    return found


def ranks(costs: Costs) -> Int[np.ndarray, " n"]:
    """The front that each point is on: 0 for the non-dominated, 1 for those once these are gone, and so on.

    The non-dominated sorting of Deb et al. 2002; in two objectives in O(n log n) (Jensen 2003).

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.dominance import ranks
        >>> ranks(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0], [4.0, 4.0]])).tolist()
        [0, 0, 1, 0, 2]

    Args:
        costs: `(n, m)`, lower is better; points with NaN are on a front behind all others.
    """
    present = np.flatnonzero(~np.isnan(costs).any(axis=1))
    found = np.empty(len(costs), np.int64)
    found[present] = _sorted_in_two(costs[present]) if costs.shape[1] == 2 else _peeled(costs[present])
    failed = np.setdiff1d(np.arange(len(costs)), present)
    found[failed] = found[present].max(initial=-1) + 1
    return found


def crowding(costs: Costs) -> Float[np.ndarray, " n"]:
    """The crowding distance of each point of one front (Deb et al. 2002, section III-B); infinite at its ends.

    It is the sum over objectives of the distance between a point's two neighbours, as a share of the front's range.

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.dominance import crowding
        >>> crowding(np.array([[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]])).tolist()
        [inf, 2.0, inf]

    Args:
        costs: `(n, m)`, the points of the front.
    """
    distance = np.zeros(len(costs))
    for column in costs.T if len(costs) else ():
        order = np.argsort(column, kind="stable")
        distance[order[[0, -1]]] = np.inf
        span = column[order[-1]] - column[order[0]]
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance


def _in_two(distinct: Costs) -> Bool[np.ndarray, " n"]:
    """Of distinct points in lexicographic order, in one or two objectives, those that beat the second of all before."""
    last = distinct[:, -1]
    before = np.minimum.accumulate(np.concatenate([[np.inf], last[:-1]]))
    if distinct.shape[1] == 1:
        return np.asarray(np.arange(len(last)) == 0)
    return np.asarray(last < before)


def _in_many(distinct: Costs) -> Bool[np.ndarray, " n"]:
    """The same in more objectives: the first point left is on the front, and takes away all that it dominates."""
    kept = np.zeros(len(distinct), bool)
    left = np.arange(len(distinct))
    while len(left):
        first = left[0]
        kept[first] = True
        left = left[(distinct[left] < distinct[first]).any(axis=1)]
    return kept


def _sorted_in_two(costs: Costs) -> Int[np.ndarray, " n"]:
    order = np.lexsort(costs.T[::-1])
    found = np.empty(len(costs), np.int64)
    lowest: list[float] = []  # of each front, the second objective of its latest point: it ascends with the front
    before: tuple[float, float] | None = None
    front = 0
    for row, (one, other) in zip(order.tolist(), costs[order].tolist(), strict=True):
        if (one, other) != before:
            front = bisect_right(lowest, other)
            lowest[front : front + 1] = [other]
        found[row], before = front, (one, other)
    return found


def _peeled(costs: Costs) -> Int[np.ndarray, " n"]:
    found = np.empty(len(costs), np.int64)
    left, front = np.arange(len(costs)), 0
    while len(left):
        best = non_dominated(costs[left])
        found[left[best]] = front
        left, front = left[~best], front + 1
    return found
