"""Other numbers for the same architectures: the official index, and the orders in which toolkits list operations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Int8, Int64

from predictornas.errors import InvalidArchitectureError, UnknownNameError
from predictornas.spaces import nasbench201
from predictornas.spaces.base import SearchSpace, require_genes
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench201 import EDGES, NASBench201
from predictornas.spaces.product import ProductSpace

Row = Int8[np.ndarray, " g"]

_SHUFFLE = 88
"""The seed with which the code of NAS-Bench-201 shuffled its architectures, listed in lexicographic order."""


@dataclass(frozen=True)
class OperationOrder:
    """How a toolkit writes a cell of NAS-Bench-201 as six numbers.

    Attributes:
        operations: in the order of their numbers, by their official names.
        edges: in the order of the numbers.
    """

    operations: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


ORDERS = {
    "naslib": OperationOrder(
        ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"),
        ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)),
    ),
    "naszilla": OperationOrder(("avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3", "none", "skip_connect"), EDGES),
}
"""NASLib, naslib/search_spaces/nasbench201/conversions.py; naszilla, nas_bench_201/cell_201.py."""

_ALIASES = {
    "identity": "skip_connect",
    "skip-connect": "skip_connect",
    "zero": "none",
    "reluconvbn1x1": "nor_conv_1x1",
    "reluconvbn3x3": "nor_conv_3x3",
    "avgpool1x1": "avg_pool_3x3",  # NASLib's name; what it computes is a pool of 3 x 3
}


@dataclass(frozen=True)
class OperationNames:
    """The operations that genes of a space number, and which genes do.

    Attributes:
        names: in the order of their numbers.
        genes: which genes are numbers of operations; the others stay as they are.
    """

    names: tuple[str, ...]
    genes: slice

    def renumbered(self, space: SearchSpace, numbers: Sequence[int], numbering: Sequence[str]) -> Row:
        """Genes from numbers that stand for the operations in another order.

        Raises:
            InvalidArchitectureError: a number of no operation, or of one that the space has not.
        """
        row = np.array(numbers, np.int64)
        for place in range(len(row))[self.genes]:
            number = int(row[place])
            if not 0 <= number < len(numbering) or numbering[number] not in self.names:
                raise InvalidArchitectureError(
                    f"Gene {place} is {number}; the operations of {space.name!r} are numbered 0..{len(numbering) - 1}: "
                    f"{', '.join(numbering)}."
                )
            row[place] = self.names.index(numbering[number])
        return np.asarray(require_genes(space, row[None])[0])

    def row_of(self, space: SearchSpace, operations: Sequence[str]) -> Row:
        """Genes from the names of the operations, where all genes are operations.

        Raises:
            InvalidArchitectureError: an unknown name.
        """
        names = [_ALIASES.get(name.lower(), name.lower()) for name in operations]
        if unknown := [name for name in names if name not in self.names]:
            raise InvalidArchitectureError(
                f"Unknown operation {unknown[0][:40]!r} of {space.name!r}, known: {', '.join(self.names)}."
            )
        return np.array([self.names.index(name) for name in names], np.int8)


def operation_names(space: SearchSpace) -> OperationNames | None:
    """What the genes of a space number; None where they number no operations."""
    if isinstance(space, NASBench201):
        return OperationNames(nasbench201.OPERATIONS, slice(None))
    if isinstance(space, DARTS):
        return OperationNames(space.operations, slice(1, None, 2))
    return None


def ordered(name: str, row: Row) -> list[int]:
    """The six numbers of a toolkit.

    Args:
        name: of the toolkit.
        row: genes `(6,)` of NAS-Bench-201.
    """
    order = ORDERS[name]
    return [order.operations.index(nasbench201.OPERATIONS[row[EDGES.index(edge)]]) for edge in order.edges]


def unordered(name: str, space: SearchSpace, numbers: Sequence[int]) -> Row:
    """Genes `(6,)` of a toolkit's six numbers.

    Raises:
        UnknownNameError: no such toolkit.
        InvalidArchitectureError: another count of numbers, or one out of range.
    """
    if name not in ORDERS:
        raise UnknownNameError("order of operations", name, ORDERS)
    order = ORDERS[name]
    checked = require_genes(space, np.array([numbers], np.int64))[0].tolist()
    found = {edge: order.operations[number] for edge, number in zip(order.edges, checked, strict=True)}
    return np.array([nasbench201.OPERATIONS.index(found[edge]) for edge in EDGES], np.int8)


def row_at(space: SearchSpace, index: int) -> Row:
    """The architecture at a place of the official order.

    Raises:
        InvalidArchitectureError: no such place.
    """
    if not 0 <= index < len(space):
        raise InvalidArchitectureError(f"{space.name!r} has architectures 0..{len(space) - 1}, not {index}.")
    place = int(official_order()[index]) if isinstance(space, NASBench201) else index
    return np.asarray(space.enumerate()[place])


def index_of(space: SearchSpace, row: Row) -> int:
    """The place of an architecture in the official order: of NAS-Bench-201, or the size space of NATS-Bench."""
    if not isinstance(space, ProductSpace):
        raise TypeError(space)
    place = int(space.rows(row[None])[0])
    return int(np.flatnonzero(official_order() == place)[0]) if isinstance(space, NASBench201) else place


@cache
def official_order() -> Int64[np.ndarray, " 15625"]:
    """For each official index of NAS-Bench-201 the row of `NASBench201.enumerate()`."""
    rows = list(range(len(nasbench201.OPERATIONS) ** len(EDGES)))
    random.Random(_SHUFFLE).shuffle(rows)
    return np.array(rows)
