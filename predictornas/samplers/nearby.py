"""All that is few edits away from the best architectures seen: what ranking the whole space adds is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.remembering import remembered
from predictornas.samplers.base import Pool
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.edit_distance import EditDistances


@dataclass(frozen=True)
class Nearby(metaclass=PlainHelp):
    """Every architecture within some edits of the P best by the signal; the wanted pool size is ignored.

    No source has it (ours). It is the whole space with everything far from what is known to be good left out, so that
    what it does better than `Exhaustive` is due to that alone. Only for spaces that can be enumerated.

    Example:
        >>> import numpy as np
        >>> from predictornas import History, get_space
        >>> space = get_space("nasbench201")
        >>> history = History.empty(6).extended(
        ...     keys=space.enumerated_keys()[:1], genes=space.enumerate()[:1], epochs=[200], values=[0.9], iteration=0
        ... )
        >>> len(Nearby(edits=1).propose(space, 0, history, None, np.random.default_rng(0)))  # 6 edges, 4 other choices
        24

    Attributes:
        parents: P, as in `Evolutionary`.
        edits: farthest `EditDistances` from one of them, >= 1.
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    parents: int = 10
    edits: int = 2
    name: str = "nearby"

    def __post_init__(self) -> None:
        if self.parents < 1 or self.edits < 1:
            raise ConfigurationError(f"A neighbourhood needs parents >= 1 and edits >= 1, not {self}.")

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """All unseen architectures around the best of the history; the whole space where there are none."""
        keys = space.enumerated_keys()
        inside = np.zeros(len(keys), bool)
        for row in history.best(self.parents):
            inside |= _within(space, history.genes[row].tobytes(), self.edits)
        inside &= ~np.isin(keys, history.keys)
        if not inside.any():
            return Pool(space.enumerate(), keys, excluded=np.unique(history.keys))
        return Pool(space.enumerate()[inside], keys[inside])


# parents stay for many iterations, and a distance to all of a large space takes a tenth of a second
@remembered(256)
def _within(space: SearchSpace, genes: bytes, edits: int) -> Bool[np.ndarray, " n"]:
    return np.asarray(_distances(space).to(np.frombuffer(genes, np.int8)) <= edits)


@remembered(1)
def _distances(space: SearchSpace) -> EditDistances:
    return EditDistances(space, space.enumerate())
