"""How many changes lead from one architecture to another: the distance that neighbourhoods and smoothness are about."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from jaxtyping import Int8, Integer, UInt8, UInt16, UInt32

from predictornas.plain_help import PlainHelp
from predictornas.spaces.base import SearchSpace, require_genes
from predictornas.spaces.nasbench101_cells import MAX_VERTICES, to_vertices

_INTERIOR = MAX_VERTICES - 2
_ORDERS = np.array(
    [(0, *(1 + place for place in order), MAX_VERTICES - 1) for order in permutations(range(_INTERIOR))], np.intp
)
"""Every way to number the vertices of a cell; the input stays first and the output last."""

_EDGES = tuple((x, y) for x in range(MAX_VERTICES - 1) for y in range(1, MAX_VERTICES) if x != y)
"""Places of the 31 edges that a cell can have under any numbering."""

_LABELS = np.array([0b000, 0b011, 0b101, 0b110], np.uint16)
"""Of the three operations and of an absent vertex: any two differ in two bits."""


class EditDistances(metaclass=PlainHelp):
    """Edit distances from one architecture at a time to all of a set.

    In NAS-Bench-101 it is the least number of edges added or removed, operations exchanged, and vertices added or
    removed, over all ways to match the vertices of the two cells (Ying et al. 2019, section 4.3, count edges and
    operations alike). In spaces of independent choices it is the number of choices that differ.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> space = get_space("nasbench201")
        >>> EditDistances(space, np.array([[3, 3, 3, 3, 3, 3], [3, 0, 3, 3, 1, 3]])).to(np.array([3, 0, 3, 3, 3, 3]))
        array([1, 1], dtype=uint8)

    Args:
        space: the space; any with the genes of NAS-Bench-101, or one whose genes are choices independent of each other.
        genes: `(n, g)` the set.

    Raises:
        InvalidArchitectureError: genes that the space does not have.
    """

    def __init__(self, space: SearchSpace, genes: Integer[np.ndarray, "n g"]) -> None:
        self._space = space
        self._genes = require_genes(space, genes)
        self._cells = _packed(*to_vertices(self._genes)) if space.name == "nasbench101" else None

    def __len__(self) -> int:
        return len(self._genes)

    def to(self, genes: Integer[np.ndarray, " g"]) -> UInt8[np.ndarray, " n"]:
        """The distance of every member of the set to this architecture, `(n,)`.

        Raises:
            InvalidArchitectureError: genes that the space does not have.
        """
        row = require_genes(self._space, np.asarray(genes)[None])
        if self._cells is None:
            return np.asarray((self._genes != row).sum(axis=1), np.uint8)
        mine, labelled = self._cells
        nearest = np.full(len(self), np.iinfo(np.uint8).max, np.uint8)
        for edges, labels in _numberings(row):
            changed = np.bitwise_count(mine ^ edges) + (np.bitwise_count(labelled ^ labels) >> 1)
            np.minimum(nearest, changed, out=nearest)
        return nearest


def _numberings(row: Int8[np.ndarray, "1 g"]) -> set[tuple[np.uint32, np.uint16]]:
    """The distinct forms of one cell under all numberings of its vertices."""
    adjacency, operations = to_vertices(row)
    renumbered = adjacency[0][_ORDERS[:, :, None], _ORDERS[:, None, :]]
    edges, labels = _packed(renumbered, operations[0][_ORDERS])
    return set(zip(edges, labels, strict=True))


def _packed(
    adjacency: UInt8[np.ndarray, "n 7 7"], operations: Int8[np.ndarray, "n 7"]
) -> tuple[UInt32[np.ndarray, " n"], UInt16[np.ndarray, " n"]]:
    """Edges as 31 bits, and the labels of the vertices in between as three bits each."""
    edges = np.zeros(len(adjacency), np.uint32)
    for bit, (x, y) in enumerate(_EDGES):
        edges |= adjacency[:, x, y].astype(np.uint32) << np.uint32(bit)
    labels = np.zeros(len(adjacency), np.uint16)
    codes = _LABELS[operations[:, 1:-1]]  # -1, absent, is the last of them
    for place in range(_INTERIOR):
        labels |= codes[:, place] << np.uint16(3 * place)
    return edges, labels
