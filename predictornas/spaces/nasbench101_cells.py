"""The cells behind NAS-Bench-101: genes to graphs and back, pruning, and the enumeration of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Int8, Int64, UInt8

from predictornas.spaces.base import Genes, Keys
from predictornas.spaces.hashing import graph_hash

MAX_VERTICES, MAX_EDGES = 7, 9
NUM_OPERATIONS = 3
ABSENT = 3  # the gene of a vertex that does not exist
INPUT, OUTPUT, NUM_CODES = 3, 4, 5  # vertex labels of the graphs
NUM_EDGE_GENES = MAX_VERTICES * (MAX_VERTICES - 1) // 2
NUM_CELLS = 423_624

_TARGET = np.repeat(np.arange(1, MAX_VERTICES), np.arange(1, MAX_VERTICES))
_SOURCE = np.concatenate([np.arange(y) for y in range(1, MAX_VERTICES)])

Matrices = UInt8[np.ndarray, "n 7 7"]
Labels = Int8[np.ndarray, "n 7"]


def to_vertices(genes: Genes) -> tuple[Matrices, Labels]:
    """Adjacency `(n, 7, 7)` and labels `(n, 7)`: input at 0, output at 6, -1 where a vertex is absent."""
    adjacency = np.zeros((len(genes), MAX_VERTICES, MAX_VERTICES), np.uint8)
    adjacency[:, _SOURCE, _TARGET] = genes[:, :NUM_EDGE_GENES]
    labels = np.empty((len(genes), MAX_VERTICES), np.int8)
    labels[:, 0], labels[:, -1] = INPUT, OUTPUT
    operations = genes[:, NUM_EDGE_GENES:]
    labels[:, 1:-1] = np.where(operations == ABSENT, -1, operations)
    return adjacency, labels


def from_vertices(adjacency: Matrices, labels: Labels) -> Genes:
    """The inverse of `to_vertices`."""
    operations = np.where(labels[:, 1:-1] < 0, ABSENT, labels[:, 1:-1])
    return np.concatenate([adjacency[:, _SOURCE, _TARGET].astype(np.int8), operations.astype(np.int8)], axis=1)


def prune(adjacency: Matrices, labels: Labels) -> tuple[Matrices, Labels]:
    """Removes vertices off every path from vertex 0 to vertex 6 and moves the rest to the front, in order."""
    on_path = _on_path(adjacency, labels)
    cells = np.arange(len(labels))[:, None]
    edges = adjacency.reshape(-1)[_ENTRIES[on_path] + MAX_VERTICES**2 * cells] * _ENTRY_STAYS[on_path]
    moved = np.where(_STAYS[on_path], labels[cells, _ORDER[on_path]], np.int8(-1))
    return edges.reshape(adjacency.shape), moved


def _on_path(adjacency: Matrices, labels: Labels) -> UInt8[np.ndarray, " n"]:
    """The vertices on paths from vertex 0 to vertex 6, as bits of a number; absent vertices are on none.

    Edges point forwards, so one sweep in each direction is enough.
    """
    edges = np.ascontiguousarray(adjacency.transpose(1, 2, 0)).astype(bool)
    fed = np.ascontiguousarray((labels >= 0).T)
    useful = fed.copy()
    for vertex in range(1, MAX_VERTICES):
        fed[vertex] &= (edges[:vertex, vertex] & fed[:vertex]).any(axis=0)
    for vertex in range(MAX_VERTICES - 2, -1, -1):
        useful[vertex] &= (edges[vertex, vertex + 1 :] & useful[vertex + 1 :]).any(axis=0)
    return _BIT @ (fed & useful)


def _pruning_tables() -> tuple[
    Int64[np.ndarray, "s 7"], Bool[np.ndarray, "s 7"], Int64[np.ndarray, "s 49"], UInt8[np.ndarray, "s 49"]
]:
    """What `prune` does where a set of vertices is on paths, for each of the 128 sets.

    The vertex and the matrix entry that come to each place, and which of them stay; input and output always do.
    """
    vertices = np.arange(MAX_VERTICES)
    on_path = (np.arange(1 << MAX_VERTICES)[:, None] >> vertices & 1).astype(bool)
    stays = on_path | np.isin(vertices, [0, MAX_VERTICES - 1])
    order = np.argsort(~stays[:, :-1], axis=1, kind="stable")
    order = np.pad(order, ((0, 0), (0, 1)), constant_values=MAX_VERTICES - 1)
    sets = np.arange(len(order))[:, None]
    entries = MAX_VERTICES * order[:, :, None] + order[:, None, :]
    entry_stays = on_path[sets, order][:, :, None] & on_path[sets, order][:, None, :]
    return (
        order,
        stays[sets, order],
        entries.reshape(len(order), -1),
        entry_stays.astype(np.uint8).reshape(len(order), -1),
    )


_BIT = np.left_shift(1, np.arange(MAX_VERTICES, dtype=np.uint8))
_ORDER, _STAYS, _ENTRIES, _ENTRY_STAYS = _pruning_tables()


def enumerate_cells(keys_of: Callable[[Genes], Keys]) -> dict[str, np.ndarray]:
    """All distinct cells as `genes (423624, 26)` and their `keys`.

    For each number of vertices: every connected structure of at most 9 edges, one of each isomorphism class (with
    unlabelled vertices), then every labelling of it, one of each isomorphism class of the labelled graphs. Any cell
    is isomorphic to a labelling of its structure's representative, so nothing is missed.
    """
    genes, keys = [], []
    for vertices in range(2, MAX_VERTICES + 1):
        labelled = _labellings(_structures(vertices), vertices)
        labelled_keys = keys_of(labelled)
        first = np.sort(np.unique(labelled_keys, return_index=True)[1])
        genes.append(labelled[first])
        keys.append(labelled_keys[first])
    return {"genes": np.concatenate(genes), "keys": np.concatenate(keys)}


def _structures(vertices: int) -> UInt8[np.ndarray, "s 7 7"]:
    """One representative of each structure of `vertices` vertices, all on paths from first to last."""
    pairs = [(x, y) for y in range(1, vertices) for x in range(y)]
    patterns = np.arange(1 << len(pairs), dtype=np.int64)
    ones = np.array([number.bit_count() for number in range(1 << 11)])
    keep = ones[patterns & 0x7FF] + ones[patterns >> 11] <= MAX_EDGES  # 21 pairs at most, so two halves of 11 bits
    for vertex in range(vertices):
        # edges point forwards, so a vertex is on a path iff each vertex but the ends has a predecessor and a successor
        into = sum(1 << k for k, (_, y) in enumerate(pairs) if y == vertex)
        out_of = sum(1 << k for k, (x, _) in enumerate(pairs) if x == vertex)
        keep &= ((patterns & into) != 0) | (vertex == 0)
        keep &= ((patterns & out_of) != 0) | (vertex == vertices - 1)
    patterns = patterns[keep]
    adjacency = _unpack(patterns, pairs, vertices)
    uniform = np.full((len(patterns), MAX_VERTICES), -1, np.int8)
    uniform[:, : vertices - 1] = 0
    uniform[:, 0], uniform[:, -1] = INPUT, OUTPUT
    return adjacency[np.sort(np.unique(graph_hash(adjacency, uniform), return_index=True)[1])]


def _unpack(
    patterns: Int64[np.ndarray, " s"], pairs: list[tuple[int, int]], vertices: int
) -> UInt8[np.ndarray, "s 7 7"]:
    adjacency = np.zeros((len(patterns), MAX_VERTICES, MAX_VERTICES), np.uint8)
    for bit, (x, y) in enumerate(pairs):
        adjacency[:, x, MAX_VERTICES - 1 if y == vertices - 1 else y] = (patterns >> bit) & 1
    return adjacency


def _labellings(structures: UInt8[np.ndarray, "s 7 7"], vertices: int) -> Genes:
    """Every structure under every choice of operations."""
    interior = vertices - 2
    operations = np.array(list(itertools.product(range(NUM_OPERATIONS), repeat=interior)), np.int8)
    labels = np.full((len(operations), MAX_VERTICES), -1, np.int8)
    labels[:, 1 : vertices - 1] = operations
    labels[:, 0], labels[:, -1] = INPUT, OUTPUT
    return from_vertices(np.repeat(structures, len(labels), axis=0), np.tile(labels, (len(structures), 1)))
