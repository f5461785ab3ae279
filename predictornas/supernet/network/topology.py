"""What a super-network's cells look like: their edges and the operations that stand on each edge."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.darts import CELL_TYPES, DARTS, EdgeOperations
from predictornas.spaces.nasbench201 import EDGES, OPERATIONS, NASBench201

NONE = "none"
"""The operation that gives zeros, in every space that has it."""


@dataclass(frozen=True)
class CellTopology:
    """The edges of one type of cell.

    Attributes:
        name: "normal" or "reduction" (DARTS), "cell" (NAS-Bench-201).
        edges: (from, to) of each edge, ordered as in the released code: by target, then by source.
        operations: the names of the operations on each edge.
        inputs: the nodes 0 .. inputs - 1 are given, every later node is the sum of the edges that end in it.
    """

    name: str
    edges: tuple[tuple[int, int], ...]
    operations: EdgeOperations
    inputs: int

    @property
    def width(self) -> int:
        """The largest number of operations on an edge: the columns of its tensors of weights."""
        return max(len(names) for names in self.operations)

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes that are computed, ascending."""
        return tuple(sorted({target for _, target in self.edges}))

    def edges_into(self, node: int) -> tuple[int, ...]:
        """The indices of the edges that end in `node`."""
        return tuple(index for index, (_, target) in enumerate(self.edges) if target == node)

    def present(self) -> Bool[Tensor, "edges width"]:
        """Which places of a tensor of weights are operations; the others pad edges with fewer operations."""
        counts = torch.tensor([len(names) for names in self.operations])
        return torch.arange(self.width) < counts[:, None]


@dataclass(frozen=True)
class Topology:
    """The cells of a super-network.

    Attributes:
        family: "darts" or "nasbench201", which says how cells are put together.
        cells: one entry a cell type.
        names: the names that gene values of the space stand for; edges may hold some of them only.
        inputs_kept: how many edges into a node an architecture keeps (DARTS: 2), or None where it keeps all.
    """

    family: str
    cells: tuple[CellTopology, ...]
    names: tuple[str, ...]
    inputs_kept: int | None

    @property
    def cell_types(self) -> tuple[str, ...]:
        """The names of the cell types: ("normal", "reduction") or ("cell",)."""
        return tuple(cell.name for cell in self.cells)

    def cell(self, name: str) -> CellTopology:
        """The cell type of that name."""
        return self.cells[self.cell_types.index(name)]


DARTS_EDGES = tuple((source, node) for node in range(2, 6) for source in range(node))
"""The 14 edges of a DARTS cell, in the order of the released code; node j of the papers is `2 + j` here."""


def darts_topology(
    names: tuple[str, ...], normal: EdgeOperations | None = None, reduction: EdgeOperations | None = None
) -> Topology:
    """The two cells of a DARTS space.

    Args:
        names: the operations of the space, in the order of gene values.
        normal: the operations on each of the 14 edges of the normal cell; all of `names` where None.
        reduction: those of the reduction cell.
    """
    every = (names,) * len(DARTS_EDGES)
    cells = zip(CELL_TYPES, (normal or every, reduction or every), strict=True)
    return Topology("darts", tuple(CellTopology(name, DARTS_EDGES, held, 2) for name, held in cells), names, 2)


def nasbench201_topology() -> Topology:
    """The cell of NAS-Bench-201, with all five operations on each of its six edges."""
    return Topology("nasbench201", (CellTopology("cell", EDGES, (OPERATIONS,) * len(EDGES), 1),), OPERATIONS, None)


def topology_of(space: SearchSpace) -> Topology:
    """The super-network cells that hold every architecture of a space.

    DARTS has 14 edges a cell: for node 0..3, from each of the two inputs and the earlier nodes (Liu et al. 2019);
    nodes are numbered as in the genes, so node j is `2 + j`. NAS-Bench-201 has six, in the order of its genes.

    Raises:
        ConfigurationError: a space whose architectures are no choices of an operation an edge.
    """
    if isinstance(space, NASBench201):
        return nasbench201_topology()
    if isinstance(space, DARTS):
        return darts_topology(space.operations, *(space.edge_operations(name) for name in CELL_TYPES))
    raise ConfigurationError(
        f"There is no super-network for space {space.name!r}. Use a DARTS space (darts, darts-8, darts-s1 .. darts-s4) "
        "or nasbench201."
    )
