"""On what scale hypervolumes of a table are measured: its ideal point, its reference point, its own front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from predictornas.errors import DataError
from predictornas.fronts.dominance import Costs, non_dominated
from predictornas.fronts.hypervolume import hypervolume

BEYOND = 0.1
"""How far the reference point lies beyond the front, as a share of the front's range, so that its ends count too."""


@dataclass(frozen=True)
class HypervolumeScale:
    """Hypervolumes of one table, each as a share of what the whole table has.

    Attributes:
        names: of the objectives.
        ideal: `(m,)` the best of the front in each objective.
        reference: `(m,)` the point below which volumes are counted.
        front: `(f, m)` the table's front below it, ordered by the first objective.
        whole: hypervolume of the table, with ideal and reference point at 0 and 1 in each objective.
    """

    names: tuple[str, ...]
    ideal: Float[np.ndarray, " m"]
    reference: Float[np.ndarray, " m"]
    front: Float[np.ndarray, "f m"]
    whole: float

    def share(self, costs: Costs) -> float:
        """The hypervolume of points as a share of the table's, in [0, 1].

        Args:
            costs: `(n, m)` as judged; failures and points beyond a limit left out or NaN.
        """
        return hypervolume(self._scaled(costs), np.ones(len(self.ideal))) / self.whole

    def _scaled(self, costs: Float[np.ndarray, "k m"]) -> Float[np.ndarray, "k m"]:
        return np.asarray((costs - self.ideal) / (self.reference - self.ideal))


def is_logarithmic(low: float, high: float) -> bool:
    """Whether an axis between two ends is drawn logarithmic: where they are further apart than a factor of 20.

    Example:
        >>> is_logarithmic(1e5, 1e7), is_logarithmic(0.05, 0.2), is_logarithmic(0.0, 1.0)
        (True, False, False)
    """
    return low > 0 and high / low > 20


def measure_of(names: Sequence[str], costs: Costs, *, trained: Sequence[bool]) -> HypervolumeScale:
    """The scale of a table.

    The cheapest networks of a table are useless (one without any connection is the fastest of NAS-Bench-201), and a
    front that reaches down to them would make the volume of all that matters small. So of an objective that is trained
    for, what is worse than the median of the table does not count. The reference point is the worst of what is left of
    the front, and a tenth of the front's range beyond it.

    Args:
        names: of the objectives.
        costs: `(n, m)` of the whole table as judged, lower is better; architectures beyond a limit left out.
        trained: which of the objectives come from a training.

    Raises:
        DataError: there is no architecture.
    """
    if not len(costs):
        raise DataError("No architecture of the table is within the limits. Loosen them.")
    front = costs[non_dominated(costs)]
    capped = np.asarray(trained, bool)
    good = (front[:, capped] <= np.nanmedian(costs[:, capped], axis=0)).all(axis=1)
    front = front[good] if good.any() else front
    ideal, span = front.min(axis=0), np.ptp(front, axis=0)
    # a front of one point, as in one objective, has no range: that of the table's better half has to do
    span = np.where(span > 0, span, np.nanmedian(costs, axis=0) - ideal)
    span = np.where(span > 0, span, 1.0)
    reference = ideal + (1 + BEYOND) * span
    front = np.unique(front, axis=0)
    unscaled = HypervolumeScale(tuple(names), ideal, reference, front, 1.0)
    return HypervolumeScale(tuple(names), ideal, reference, front, unscaled.share(costs))
