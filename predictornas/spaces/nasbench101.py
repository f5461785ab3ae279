"""NAS-Bench-101 (Ying et al. 2019): cells of at most 7 vertices and 9 edges, operations on the vertices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int8, UInt8

from predictornas.errors import InvalidArchitectureError, quoted
from predictornas.spaces import nasbench101_cells, nasbench101_md5
from predictornas.spaces.base import (
    Genes,
    GraphRelaxation,
    Graphs,
    Keys,
    SearchSpace,
    lists_too,
    require_genes,
    rows_too,
)
from predictornas.spaces.cache import cached_arrays
from predictornas.spaces.hashing import graph_hash
from predictornas.spaces.nasbench101_cells import (
    INPUT,
    MAX_EDGES,
    MAX_VERTICES,
    NUM_CODES,
    NUM_EDGE_GENES,
    NUM_OPERATIONS,
    OUTPUT,
    from_vertices,
    to_vertices,
)
from predictornas.spaces.nasbench101_text import OPERATIONS, one_line, read_cells, written
from predictornas.spaces.restricted import RestrictedSpace
from predictornas.spaces.variation import one_hot_genes, require_rate, retry_until_valid

__all__ = ["OPERATIONS", "NASBench101"]

_INTERIOR = MAX_VERTICES - 2


class NASBench101:
    """The 423,624 distinct cells of NAS-Bench-101.

    Genes: 21 adjacency bits, edge x -> y (x < y) at position `x + y(y-1)/2`, then the operations of vertices 1..5
    (conv3x3 = 0, conv1x1 = 1, maxpool3x3 = 2, absent = 3). The input is vertex 0 and the output vertex 6; absent
    vertices stand just before the output. Normal form: every vertex lies on a path from input to output.
    """

    name = "nasbench101"
    num_genes = NUM_EDGE_GENES + _INTERIOR
    num_choices = (2,) * NUM_EDGE_GENES + (NUM_OPERATIONS + 1,) * _INTERIOR
    convolution_areas = (9, 1, 0)
    """Of the kernel of each operation by its code; 0 is no convolution: see `process.signal_propagation`."""

    def __len__(self) -> int:
        return nasbench101_cells.NUM_CELLS

    def __repr__(self) -> str:
        return "NASBench101()"

    @cached_property
    def _cells(self) -> tuple[Genes, Keys]:
        arrays = cached_arrays("nasbench101-cells", 1, lambda: nasbench101_cells.enumerate_cells(self.keys))
        return arrays["genes"], arrays["keys"]

    def enumerate(self) -> Genes:
        """All cells by number of vertices, then structure, then operations: `(423624, 26)`, read-only."""
        return self._cells[0]

    def enumerated_keys(self) -> Keys:
        """`keys(enumerate())`, read-only."""
        return self._cells[1]

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` distinct cells, uniformly over the distinct ones (not over raw matrices)."""
        rows = rng.choice(len(self), size=min(n, len(self)), replace=False)
        return np.asarray(self.enumerate()[rows])

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Isomorphism class of each valid row.

        Raises:
            InvalidArchitectureError: a gene out of its range.
        """
        adjacency, operations = to_vertices(require_genes(self, genes))
        return graph_hash(adjacency, operations)

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """The same as `keys`: a row of the table is an isomorphism class."""
        return self.keys(genes)

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows are cells in normal form: every vertex on an input-output path, at most 9 edges."""
        adjacency, operations = to_vertices(genes)
        present = operations >= 0
        in_range = ((genes >= 0) & (genes < np.asarray(self.num_choices))).all(axis=1)
        packed = (present[:, 1:-2] >= present[:, 2:-1]).all(axis=1)
        fed = np.asarray(adjacency.any(axis=1))[:, 1:] == present[:, 1:]
        feeds = np.asarray(adjacency.any(axis=2))[:, :-1] == present[:, :-1]
        few_edges = adjacency.sum(axis=(1, 2)) <= MAX_EDGES
        result: Bool[np.ndarray, " n"] = in_range & packed & fed.all(axis=1) & feeds.all(axis=1) & few_edges
        return result

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """Prunes vertices off every input-output path and moves absent ones just before the output.

        Rows without any path become all-absent rows without edges, which are not valid.
        """
        adjacency, operations = to_vertices(genes)
        return from_vertices(*nasbench101_cells.prune(adjacency, operations))

    def from_matrices(self, adjacency: UInt8[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"]) -> Genes:
        """Genes of cells given as matrices, pruned to normal form (check with `valid`).

        Args:
            adjacency: `(n, V, V)` upper triangular, V <= 7, the output at the last real vertex.
            operations: `(n, V)`, codes 0..2, input 3, output 4, -1 on padding after the output.

        Raises:
            InvalidArchitectureError: more than 7 vertices, an edge that points backwards, or an unknown code.
        """
        return self.normalise(from_vertices(*_laid_out(adjacency, operations)))

    @lists_too
    def module_hashes(self, genes: Genes) -> UInt8[np.ndarray, "n 16"]:
        """The official MD5 hash of each cell, as 16 bytes a row. The whole space takes about 40 s and is cached."""
        if genes is self.enumerate():
            return self._all_hashes
        return nasbench101_md5.module_hashes(self.graphs(genes))

    @cached_property
    def _all_hashes(self) -> UInt8[np.ndarray, "n 16"]:
        def build() -> dict[str, UInt8[np.ndarray, "n 16"]]:
            return {"hashes": nasbench101_md5.module_hashes(self.graphs(self.enumerate()))}

        return cached_arrays("nasbench101-md5", 1, build)["hashes"]

    def from_module_hashes(self, hashes: list[str]) -> Genes:
        """The cells with these official MD5 hashes (32 hexadecimal digits each).

        Raises:
            DataError: a hash of no cell of the space; names the first.
        """
        rows = nasbench101_md5.find(hashes, self.module_hashes(self.enumerate()))
        return np.asarray(self.enumerate()[rows])

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each cell (Mauch et al. 2020, algorithm 2): bits flip, operations are redrawn.

        Each happens with p = `rate`. Absent vertices first get a random operation and a random place in the
        topological order, so that flipped edges can connect them; what stays off every path is pruned. Each attempt
        is fresh; a cell without a valid child within the attempts is returned as it is.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        require_rate(rate)

        def attempt(parents: Genes) -> Genes:
            child = _spread(parents, rng)
            flips = rng.random((len(child), NUM_EDGE_GENES)) < rate
            child[:, :NUM_EDGE_GENES] ^= flips
            redrawn = rng.random((len(child), _INTERIOR)) < rate
            fresh = rng.integers(NUM_OPERATIONS, size=redrawn.shape, dtype=np.int8)
            child[:, NUM_EDGE_GENES:][redrawn] = fresh[redrawn]
            return self.normalise(child)

        return retry_until_valid(attempt, (genes,), _connected_within_edges)

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair: each adjacency bit and each operation from either parent with p = 1/2."""

        def attempt(first: Genes, second: Genes) -> Genes:
            return self.normalise(np.where(rng.random(first.shape) < 0.5, first, second))

        return retry_until_valid(attempt, (a, b), _connected_within_edges)

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """The cells as graphs of up to 7 vertices: codes 0..2 operations, 3 input, 4 output, -1 padding."""
        adjacency, operations = to_vertices(require_genes(self, genes))
        present = operations >= 0
        order = np.argsort(~present, axis=1, kind="stable")
        rows = np.arange(len(genes))[:, None]
        return Graphs(
            adjacency[rows[:, :, None], order[:, :, None], order[:, None, :]], operations[rows, order], NUM_CODES
        )

    @lists_too
    def sequences(self, genes: Genes) -> Float[np.ndarray, "n steps k"]:
        """`(n, 26, 4)`: each gene one-hot, adjacency bits in the first two places."""
        return one_hot_genes(require_genes(self, genes), NUM_OPERATIONS + 1)

    def relaxation(self) -> GraphRelaxation:
        """Choice 1 of an adjacency bit is its edge; choices 0..2 of an operation label its vertex, 3 leaves it out."""
        edges = np.zeros((self.num_genes, NUM_OPERATIONS + 1, MAX_VERTICES, MAX_VERTICES), np.float32)
        vertices = np.zeros((self.num_genes, NUM_OPERATIONS + 1, MAX_VERTICES, NUM_CODES), np.float32)
        for bit in range(NUM_EDGE_GENES):
            one_hot = np.arange(self.num_genes) == bit
            edges[bit, 1] = to_vertices(one_hot[None].astype(np.int8))[0][0]
        for operation in range(NUM_OPERATIONS):
            vertices[np.arange(NUM_EDGE_GENES, self.num_genes), operation, np.arange(1, _INTERIOR + 1), operation] = 1
        fixed = np.zeros((MAX_VERTICES, NUM_CODES), np.float32)
        fixed[0, INPUT] = fixed[-1, OUTPUT] = 1
        return GraphRelaxation(edges, vertices, np.zeros((MAX_VERTICES, MAX_VERTICES), np.float32), fixed)

    def restricted_to(self, keys: Keys) -> SearchSpace:
        """The cells with these keys as a space of its own."""
        return RestrictedSpace(self, keys)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """Rows of the adjacency matrix and the operations, e.g. `01/00 input,output`."""
        graph = self.graphs(genes[None])
        return one_line(graph.adjacency[0], graph.operations[0])

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, 26)` in normal form of what `describe` writes; vertices on no path may be among them.

        Raises:
            InvalidArchitectureError: a text of another form, an unknown operation, or a cell that is too large.
        """
        genes = self.from_matrices(*read_cells(texts))
        valid = self.valid(genes)
        if not valid.all():
            first = int(valid.argmin())
            raise InvalidArchitectureError(f"Entry {first}, {quoted(texts[first])}, has more than {MAX_EDGES} edges.")
        return genes

    @lists_too
    def matrix_of(self, genes: Int8[np.ndarray, " g"]) -> tuple[list[list[int]], list[str]]:
        """One cell as the official package takes it: the rows of its matrix, and the operation of each vertex."""
        graph = self.graphs(genes[None])
        return written(graph.adjacency[0], graph.operations[0])


def _laid_out(
    adjacency: UInt8[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"]
) -> tuple[UInt8[np.ndarray, "n 7 7"], Int8[np.ndarray, "n 7"]]:
    """Moves the output of each cell to vertex 6, absent vertices just before it."""
    n, width = operations.shape
    if width > MAX_VERTICES and (operations[:, MAX_VERTICES:] >= 0).any():
        most = int((operations >= 0).sum(axis=1).max())
        raise InvalidArchitectureError(f"A NAS-Bench-101 cell has at most {MAX_VERTICES} vertices, not {most}.")
    if np.tril(adjacency).any():
        row = int(np.tril(adjacency).any(axis=(1, 2)).argmax())
        raise InvalidArchitectureError(f"Cell {row} has an edge pointing backwards; give an upper triangular matrix.")
    width = min(width, MAX_VERTICES)
    matrix = np.zeros((n, MAX_VERTICES, MAX_VERTICES), np.uint8)
    codes = np.full((n, MAX_VERTICES), -1, np.int8)
    matrix[:, :width, :width] = adjacency[:, :width, :width]
    codes[:, :width] = operations[:, :width]
    last = (codes >= 0).sum(axis=1) - 1
    rows = np.arange(n)
    interior = (np.arange(MAX_VERTICES) > 0) & (np.arange(MAX_VERTICES) < last[:, None])
    unknown = (interior & ((codes < 0) | (codes >= NUM_OPERATIONS))).any(axis=1)
    wrong = unknown | (codes[:, 0] != INPUT) | (codes[rows, last] != OUTPUT)
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidArchitectureError(
            f"Cell {row} has operation codes {codes[row].tolist()}; expected input ({INPUT}) first, then codes "
            f"0..{NUM_OPERATIONS - 1}, then output ({OUTPUT}), then padding (-1)."
        )
    order = np.broadcast_to(np.arange(MAX_VERTICES), (n, MAX_VERTICES)).copy()
    order[:, -1] = last
    order[:, :-1][order[:, :-1] >= last[:, None]] = MAX_VERTICES - 1
    moved = matrix[rows[:, None, None], order[:, :, None], order[:, None, :]]
    codes = codes[rows[:, None], order]
    absent = np.arange(MAX_VERTICES)[None, :-1] >= last[:, None]
    codes[:, :-1][absent] = -1
    moved[:, :-1][absent] = 0
    return moved, codes


def _connected_within_edges(genes: Genes) -> Bool[np.ndarray, " n"]:
    """`valid` for rows in normal form, which have no edge at all where input and output are not connected."""
    edges = genes[:, :NUM_EDGE_GENES].sum(axis=1)
    return np.asarray((edges > 0) & (edges <= MAX_EDGES))


def _spread(genes: Genes, rng: np.random.Generator) -> Genes:
    """The same cells with absent vertices at random topological places and under random operations."""
    adjacency, operations = to_vertices(genes)
    absent = operations[:, 1:-1] < 0
    place = rng.random(absent.shape)
    # present vertices keep their order: they take their places' sorted values; absent ones take the rest
    slots = np.argsort(np.argsort(place, axis=1), axis=1)
    ranked = np.sort(np.where(absent, MAX_VERTICES, slots), axis=1)
    position = np.where(absent, slots, ranked)
    order = np.zeros_like(operations, dtype=np.int64)
    order[:, -1] = MAX_VERTICES - 1
    rows = np.arange(len(genes))[:, None]
    order[rows, position + 1] = np.arange(1, MAX_VERTICES - 1)[None]
    fresh = rng.integers(NUM_OPERATIONS, size=absent.shape, dtype=np.int8)
    operations[:, 1:-1][absent] = fresh[absent]
    return from_vertices(adjacency[rows[:, :, None], order[:, :, None], order[:, None, :]], operations[rows, order])
