"""In which order a cell is computed: in waves of edges that can be computed together, and what stands on them."""

from __future__ import annotations

from dataclasses import dataclass

from predictornas.supernet.network.topology import NONE, CellTopology

POOLS = ("max_pool_3x3", "avg_pool_3x3")
IDENTITY = "skip_connect"

Place = tuple[int, int]
"""Row and column of a tensor of operation weights: an edge and one of its operations."""


@dataclass(frozen=True)
class Wave:
    """Edges of a cell that are computed together.

    Attributes:
        edges: (from, to) of every edge of the wave.
        sources: the nodes that they leave, ascending.
        stride: 2 where they leave the given nodes of a reduction cell.
        lanes: for each operation with weights of its own, where it stands, one place a lane.
        shared: for each operation that gives the same tensor on all edges from a node, where it stands.
    """

    edges: dict[int, tuple[int, int]]
    sources: tuple[int, ...]
    stride: int
    lanes: dict[str, tuple[Place, ...]]
    shared: dict[str, tuple[Place, ...]]

    @property
    def targets(self) -> tuple[int, ...]:
        """The nodes that the edges end in, ascending."""
        return tuple(sorted({target for _, target in self.edges.values()}))

    def shared_sources(self, name: str) -> tuple[int, ...]:
        """The nodes that some edge leaves by this operation, ascending: the lanes of its `SourcePool`."""
        return tuple(sorted({self.edges[edge][0] for edge, _ in self.shared[name]}))


def waves_of(cell: CellTopology) -> tuple[Wave, ...]:
    """The waves of a cell, in the order in which they are computed.

    The edges that leave the given nodes come first, then those that leave each later node. All edges of a wave have
    the same stride, and within a wave they are ordered by source.
    """
    given = tuple(range(cell.inputs))
    groups = [given, *((node,) for node in cell.nodes if any(source == node for source, _ in cell.edges))]
    return tuple(_wave(cell, group, 2 if cell.name == "reduction" and group == given else 1) for group in groups)


def _wave(cell: CellTopology, sources: tuple[int, ...], stride: int) -> Wave:
    numbered = sorted(enumerate(cell.edges), key=lambda item: item[1])
    edges = {edge: ends for edge, ends in numbered if ends[0] in sources}
    lanes: dict[str, tuple[Place, ...]] = {}
    shared: dict[str, tuple[Place, ...]] = {}
    for edge in edges:
        for column, name in enumerate(cell.operations[edge]):
            if name != NONE:
                group = shared if name in POOLS or (name == IDENTITY and stride == 1) else lanes
                group[name] = (*group.get(name, ()), (edge, column))
    return Wave(edges, sources, stride, lanes, shared)
