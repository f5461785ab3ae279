"""Cells of the DARTS space as graphs: which vertices there are, and which edges each choice of an input adds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Int8, UInt8

from predictornas.spaces.base import Genes, GraphRelaxation, Graphs

CELLS, NODES = 2, 4
"""Normal and reduction cell; nodes of each beside its two inputs."""

SOURCES = NODES + 1
"""Inputs that the last node chooses from: c_{k-2}, c_{k-1} and the nodes before it."""

NONE = "none"
"""The operation that gives zeros: it cuts its edge."""

_NUM_GENES = CELLS * NODES * 4


@dataclass(frozen=True)
class Layout:
    """The vertices of a graph of both cells and the edges between them, whatever the operations are.

    In topological order: the input; for each cell its inputs c_{k-2} and c_{k-1}, then for each node its two
    operations and, where nodes are vertices too, the node; the output.

    Attributes:
        edges: `(32, 5, V, V)`, what input gene i with value k adds (operation genes add nothing).
        fixed: `(V, V)`, edges that every architecture has.
        operations: `(16,)`, the vertex of each operation, in the order of the genes.
        sources: `(4,)`, the vertices of c_{k-2} and c_{k-1}, of the normal and of the reduction cell.
        nodes: the vertices of the nodes; empty where operations are joined directly.
    """

    edges: UInt8[np.ndarray, "32 5 v v"]
    fixed: UInt8[np.ndarray, "v v"]
    operations: tuple[int, ...]
    sources: tuple[int, ...]
    nodes: tuple[int, ...]


@cache
def layout(*, with_nodes: bool) -> Layout:
    """Vertices and edges: 22 vertices, or 30 with one for each node."""
    group = 3 if with_nodes else 2
    of_cell = 2 + NODES * group
    count = CELLS * of_cell + 2
    edges = np.zeros((_NUM_GENES, SOURCES, count, count), np.uint8)
    fixed = np.zeros((count, count), np.uint8)
    operations: list[int] = []
    sources: list[int] = []
    nodes: list[int] = []
    for first in range(1, count - 1, of_cell):
        carriers = [[first], [first + 1]]  # the vertices whose outputs, summed, are each source
        fixed[0, [first, first + 1]] = 1
        sources += [first, first + 1]
        for node in range(NODES):
            start = first + 2 + group * node
            for vertex in (start, start + 1):
                for source, carrying in enumerate(carriers):
                    edges[2 * len(operations), source, carrying, vertex] = 1
                operations.append(vertex)
            carriers.append([start + 2] if with_nodes else [start, start + 1])
            if with_nodes:
                fixed[[start, start + 1], start + 2] = 1
                nodes.append(start + 2)
            fixed[carriers[-1], -1] = 1
    return Layout(edges, fixed, tuple(operations), tuple(sources), tuple(nodes))


@dataclass(frozen=True)
class Codes:
    """The label of every vertex, as one-hot codes; those of the two cells differ.

    Attributes:
        operations: `(2, o)`, the code of each operation in the normal and in the reduction cell, -1 for `none`.
        sources: of c_{k-2} and c_{k-1}.
        node: of a node.
        input: of the input; the output is the next one.
        count: the number of codes, that of a node left out where nodes are no vertices.
    """

    operations: Int8[np.ndarray, "2 o"]
    sources: tuple[int, int]
    node: int
    input: int
    count: int


def codes_of(operations: tuple[str, ...], *, with_nodes: bool) -> Codes:
    """Codes: operations of the normal cell, of the reduction cell, c_{k-2}, c_{k-1}, (node,) input, output."""
    kept = np.array([name != NONE for name in operations])
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    size = int(kept.sum())
    of_cells = np.stack([number, np.where(kept, number + size, -1)]).astype(np.int8)
    after = CELLS * size + 2 + with_nodes
    return Codes(of_cells, (CELLS * size, CELLS * size + 1), CELLS * size + 2, after, after + 2)


def graphs_of(genes: Genes, operations: tuple[str, ...], *, with_nodes: bool) -> Graphs:
    """The graph of each architecture; operations `none` and what lies on no path from input to output are left out."""
    plan, codes = layout(with_nodes=with_nodes), codes_of(operations, with_nodes=with_nodes)
    count = len(plan.fixed)
    adjacency = np.repeat(plan.fixed[None], len(genes), axis=0)
    for gene in range(0, _NUM_GENES, 2):
        adjacency += plan.edges[gene, genes[:, gene]]
    labels = np.empty((len(genes), count), np.int8)
    labels[:, 0], labels[:, -1] = codes.input, codes.input + 1
    labels[:, plan.sources] = codes.sources * CELLS
    labels[:, plan.nodes] = codes.node
    cell_of = np.repeat(np.arange(CELLS), NODES * 2)
    labels[:, plan.operations] = codes.operations[cell_of, genes[:, 1::2]]
    if NONE in operations:
        adjacency, labels = _pruned(adjacency, labels)
    return Graphs(adjacency, labels, codes.count)


def _pruned(
    adjacency: UInt8[np.ndarray, "n v v"], labels: Int8[np.ndarray, "n v"]
) -> tuple[UInt8[np.ndarray, "n v v"], Int8[np.ndarray, "n v"]]:
    """Only vertices on a path from the first to the last one, moved to the front in order; those two always stay."""
    stays = _on_path(adjacency.astype(bool), labels >= 0)
    stays[:, [0, -1]] = True
    edges = adjacency & stays[:, :, None] & stays[:, None, :]
    order = np.argsort(~stays, axis=1, kind="stable")
    rows = np.arange(len(labels))[:, None]
    moved = edges[rows[:, :, None], order[:, :, None], order[:, None, :]]
    return moved, np.where(stays, labels, np.int8(-1))[rows, order]


def _on_path(edges: Bool[np.ndarray, "n v v"], present: Bool[np.ndarray, "n v"]) -> Bool[np.ndarray, "n v"]:
    """Which vertices are fed by the first and feed the last one; edges point forwards, so one sweep each is enough."""
    fed, useful = present.copy(), present.copy()
    count = present.shape[1]
    for vertex in range(1, count):
        fed[:, vertex] &= (edges[:, :vertex, vertex] & fed[:, :vertex]).any(axis=1)
    for vertex in range(count - 2, -1, -1):
        useful[:, vertex] &= (edges[:, vertex, vertex + 1 :] & useful[:, vertex + 1 :]).any(axis=1)
    return np.asarray(fed & useful)


def relaxation_of_graphs(operations: tuple[str, ...], width: int) -> GraphRelaxation:
    """The affine map from one-hot genes of this width to the graphs without nodes; `none` labels no vertex."""
    plan, codes = layout(with_nodes=False), codes_of(operations, with_nodes=False)
    count = len(plan.fixed)
    edges = np.zeros((_NUM_GENES, width, count, count), np.float32)
    edges[:, :SOURCES] = plan.edges
    vertices = np.zeros((_NUM_GENES, width, count, codes.count), np.float32)
    for place, vertex in enumerate(plan.operations):
        of_cell = codes.operations[place // (NODES * 2)]
        for operation in np.flatnonzero(of_cell >= 0):
            vertices[2 * place + 1, operation, vertex, of_cell[operation]] = 1
    fixed = np.zeros((count, codes.count), np.float32)
    fixed[0, codes.input] = fixed[-1, codes.input + 1] = 1
    fixed[plan.sources, codes.sources * CELLS] = 1
    return GraphRelaxation(edges, vertices, plan.fixed.astype(np.float32), fixed)
