"""Fill a pool one batch at a time: each architecture once, none that was evaluated before."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, Shaped

from predictornas.history import History
from predictornas.samplers.base import Pool
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import Genes, Keys, SearchSpace


class Distinct:
    """Architectures collected one batch at a time, each once, none that was seen before.

    Args:
        space: the space that tells which architectures are the same (by key).
        seen: `(s,)` keys that are never collected.
    """

    def __init__(self, space: SearchSpace, seen: Keys) -> None:
        self._space = space
        self._seen = seen
        self._genes = np.empty((0, space.num_genes), np.int8)
        self._keys = np.empty(0, np.uint64)
        self._filled = 0

    def __len__(self) -> int:
        """How many were collected."""
        return len(self._keys)

    def add(self, genes: Genes, *, at_most: int) -> Int64[np.ndarray, " added"]:
        """Collect the first `at_most` rows of `genes`, `(m, g)` and valid, that are new; says which rows these are."""
        rows = _first_of_each(_as_one_item(genes))  # keys are dear, and samplers arrive at the same row often
        keys = self._space.keys(genes[rows])
        first = _first_of_each(keys)
        first = first[~(np.isin(keys[first], self._seen) | np.isin(keys[first], self._keys))][:at_most]
        self._genes = np.concatenate([self._genes, genes[rows[first]]])
        self._keys = np.concatenate([self._keys, keys[first]])
        collected: Int64[np.ndarray, " added"] = rows[first]
        return collected

    def fill_uniformly(self, n: int, history: History, rng: np.random.Generator) -> None:
        """Draw what is missing to `n` uniformly from what was neither evaluated nor collected; nothing if full.

        What is added is counted as `Pool.filled`.
        """
        missing = n - len(self)
        if missing > 0:
            drawn = Uniform().propose(self._space, missing, self.as_seen(history), None, rng).genes
            self._filled += len(self.add(drawn, at_most=missing))

    def as_seen(self, history: History) -> History:
        """The history with what was collected, so that a further draw leaves it out."""
        nothing = np.zeros(len(self))
        return history.extended(keys=self._keys, genes=self._genes, epochs=nothing, values=nothing, iteration=0)

    def pool(self) -> Pool:
        """What was collected, in the order of collection."""
        return Pool(self._genes, self._keys, filled=self._filled)


def _first_of_each(items: Shaped[np.ndarray, " m"]) -> Int64[np.ndarray, " d"]:
    """Positions of the first of all equal items, ascending."""
    return np.sort(np.unique(items, return_index=True)[1])


def _as_one_item(genes: Genes) -> Shaped[np.ndarray, " n"]:
    """Each row as one item of raw bytes, so that rows compare in one step."""
    return np.ascontiguousarray(genes).view(np.dtype((np.void, genes.shape[1]))).ravel()
