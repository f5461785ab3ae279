"""What a share of the runs attains: the empirical attainment function in two objectives (Fonseca & Fleming 1996)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError
from predictornas.fronts.dominance import Costs, non_dominated


def attained(fronts: Sequence[Float[np.ndarray, "_ 2"]], share: float) -> Float[np.ndarray, "k 2"]:
    """The best points that at least a share of the runs attains: each run has one that is as good in both objectives.

    Example:
        >>> import numpy as np
        >>> from predictornas.fronts.attainment import attained
        >>> runs = [np.array([[1.0, 3.0], [3.0, 1.0]]), np.array([[2.0, 2.0]])]
        >>> attained(runs, 0.5).tolist(), attained(runs, 1.0).tolist()
        ([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]], [[2.0, 3.0], [3.0, 2.0]])

    Args:
        fronts: the points of each run, `(n, 2)`, lower is better; dominated ones and failures may be among them.
        share: in (0, 1]; 0.5 is the median attainment surface.

    Returns:
        `(k, 2)` corners of the surface, the first objective ascending; none where too few runs have any point.

    Raises:
        ConfigurationError: no runs, or a share outside (0, 1].
    """
    if not len(fronts) or not 0 < share <= 1:
        raise ConfigurationError(f"Attainment needs runs and a share in (0, 1]; got {len(fronts)} runs and {share}.")
    steps = [front[non_dominated(front)] for front in fronts]
    steps = [front[np.argsort(front[:, 0], kind="stable")] for front in steps]
    along = np.unique(np.concatenate([front[:, 0] for front in steps]))
    # the second objective that a run has where the first may be no worse than each value
    reached = np.stack([_reached(front, along) for front in steps])
    needed = int(np.ceil(share * len(fronts) - 1e-9))
    surface = np.sort(reached, axis=0)[needed - 1]
    points = np.column_stack([along, surface])[np.isfinite(surface)]
    return np.asarray(points[non_dominated(points)])


def _reached(front: Costs, along: Float[np.ndarray, " x"]) -> Float[np.ndarray, " x"]:
    place = np.searchsorted(front[:, 0], along, side="right") - 1
    second = np.append(front[:, 1], np.inf)  # place -1 is where the run has nothing yet
    return np.asarray(second[place])
