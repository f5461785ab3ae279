"""The DARTS space (Liu et al. 2019): a normal and a reduction cell of four nodes, each the sum of two operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int8

from predictornas.errors import ConfigurationError, InvalidArchitectureError, UnknownNameError
from predictornas.spaces.base import (
    MOST,
    Genes,
    GraphRelaxation,
    Graphs,
    Keys,
    SearchSpace,
    lists_too,
    require_genes,
    rows_too,
)
from predictornas.spaces.darts_graphs import CELLS, NODES, graphs_of, relaxation_of_graphs
from predictornas.spaces.darts_settings import ALL_NODES, MOST_OPERATIONS, NodeSettings
from predictornas.spaces.genotypes import CONCAT, Cell, Genotype
from predictornas.spaces.hashing import graph_hash, mix
from predictornas.spaces.printed_genotypes import parse_genotype
from predictornas.spaces.restricted import RestrictedSpace
from predictornas.spaces.variation import ATTEMPTS, one_hot_genes, require_rate

DARTS_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The names and the order of the released code; `none` gives zeros, convolutions are ReLU-conv-BN."""

CELL_TYPES = ("normal", "reduction")

EdgeOperations = tuple[tuple[str, ...], ...]
"""The operations on each of the 14 edges of a cell: by node, then by input."""

_EDGES_OF_NODE = (range(2), range(2, 5), range(5, 9), range(9, 14))
_NUM_EDGES = 14
_ROUNDS = 8  # of refinement; the longest way through a cell with its nodes has eleven vertices, both ends are joined


@dataclass(frozen=True)
class DARTS:
    """Pairs of cells; a node adds up two operations on two different ones of c_{k-2}, c_{k-1} and the nodes before it.

    Genes: for each cell (normal, reduction), node 0..3 and its two edges: the input (0 = c_{k-2}, 1 = c_{k-1}, 2 + j =
    node j), then the operation as an index into `operations`. Normal form: a node's inputs are in ascending order. So
    every valid row is an architecture of its own: 180 choices of inputs times o^8 of operations in each cell, 1.08e18
    with seven operations.

    Attributes:
        operations: their names, at most 8.
        name: of the space in the registry.
        by_edge: the operations on each of the 14 edges of the normal and of the reduction cell, where edges differ.

    Raises:
        ConfigurationError: no operation, one twice or more than 8; or `by_edge` with other edges or names.
    """

    operations: tuple[str, ...] = DARTS_OPERATIONS
    name: str = "darts-8"
    by_edge: tuple[EdgeOperations, EdgeOperations] | None = None

    num_genes = ALL_NODES * 4

    def __post_init__(self) -> None:
        names = self.operations
        if not 1 <= len(set(names)) == len(names) <= MOST_OPERATIONS:
            raise ConfigurationError(f"A DARTS space needs 1 to {MOST_OPERATIONS} different operations, not {names}.")
        edges = (names,) * _NUM_EDGES
        for cell in self.by_edge or (edges, edges):
            if len(cell) != _NUM_EDGES or not all(edge and set(edge) <= set(names) for edge in cell):
                raise ConfigurationError(
                    f"`by_edge` gives each of {_NUM_EDGES} edges one or more of {', '.join(names)}, not {cell}."
                )

    @property
    def num_choices(self) -> tuple[int, ...]:
        """Number of values of each gene: 2 to 5 inputs, and the operations."""
        of_cell = [choices for node in range(NODES) for choices in (node + 2, len(self.operations)) * 2]
        return tuple(of_cell * CELLS)

    def __len__(self) -> int:
        return math.prod(self._settings.sizes)

    def edge_operations(self, cell: str) -> EdgeOperations:
        """The names of the operations on each of the 14 edges of `normal` or `reduction`, by node, then by input.

        Raises:
            UnknownNameError: another cell.
        """
        if cell not in CELL_TYPES:
            raise UnknownNameError("cell of the DARTS space", cell, CELL_TYPES)
        if self.by_edge is None:
            return (self.operations,) * _NUM_EDGES
        return self.by_edge[CELL_TYPES.index(cell)]

    @cached_property
    def _settings(self) -> NodeSettings:
        index = {name: number for number, name in enumerate(self.operations)}
        allowed = []
        for cell in CELL_TYPES:
            edges = [tuple(sorted(index[name] for name in names)) for names in self.edge_operations(cell)]
            allowed += [tuple(edges[edge] for edge in of_node) for of_node in _EDGES_OF_NODE]
        return NodeSettings(tuple(allowed), self.num_choices)

    @cached_property
    def _rows(self) -> tuple[Genes, Keys]:
        if len(self) > MOST:
            raise ConfigurationError(
                f"Space {self.name!r} has {len(self):,} architectures, too many to list: there is no pool of them all "
                "and no subset by keys. Use methods that draw their pools, such as uniform-1000 or evolutionary-1000."
            )
        genes = self._settings.architectures(np.arange(len(self)))
        keys = self.keys(genes)
        genes.setflags(write=False)
        keys.setflags(write=False)
        return genes, keys

    def enumerate(self) -> Genes:
        """All architectures; read-only.

        Raises:
            ConfigurationError: there are too many, which holds for every space with two or more operations.
        """
        return self._rows[0]

    def enumerated_keys(self) -> Keys:
        """`keys(enumerate())`, read-only.

        Raises:
            ConfigurationError: as `enumerate`.
        """
        return self._rows[1]

    def sample(self, n: int, rng: np.random.Generator) -> Genes:
        """`n` distinct architectures, uniformly over all."""
        return self._settings.architectures(rng.choice(len(self), size=min(n, len(self)), replace=False))

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Identity of each valid row (a one-to-one function, no mere hash); a node's inputs may stand in any order."""
        return mix(self._settings.ranks(self.normalise(require_genes(self, genes))).astype(np.uint64) + np.uint64(1))

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """Isomorphism class of both cells: equal where nodes only have another order.

        The cells with their nodes as vertices are hashed, operations `none` and what lies on no path left out.
        """
        graphs = graphs_of(require_genes(self, genes), self.operations, with_nodes=True)
        return graph_hash(graphs.adjacency, graphs.operations, rounds=_ROUNDS)

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows are architectures in normal form."""
        return np.asarray((self._settings.numbers(genes) >= 0).all(axis=1))

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """Each node's two edges in the order of their inputs; rows with one input twice stay, and are not valid."""
        edges = genes.reshape(-1, ALL_NODES, 2, 2)
        swapped = edges[:, :, :1, :1] > edges[:, :, 1:, :1]
        return np.where(swapped, edges[:, :, ::-1], edges).reshape(genes.shape)

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each architecture: inputs, then operations are redrawn, each with p = `rate`.

        An operation that may not stand on its new edge is redrawn too (`by_edge`). A node with one input twice is
        tried again.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        require_rate(rate)

        def attempt(parents: Genes) -> Genes:
            redrawn = rng.random(parents.shape) < rate
            inputs = rng.integers(self.num_choices[::2], size=redrawn[:, ::2].shape, dtype=np.int8)
            children = parents.copy()
            children[:, ::2] = np.where(redrawn[:, ::2], inputs, parents[:, ::2])
            return self._settings.with_operations(children, redrawn[:, 1::2], rng.random(inputs.shape))

        return self._retried(attempt, genes)

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair: each gene from either parent with p = 1/2; a node that breaks a rule tries again."""

        def attempt(first: Genes, second: Genes) -> Genes:
            return np.where(rng.random(first.shape) < 0.5, first, second)

        return self._retried(attempt, a, b)

    def _retried(self, attempt: Callable[..., Genes], *parents: Genes) -> Genes:
        """Attempts, node by node, until each has a setting; a node that never gets one is that of the first parent.

        Nodes are independent of each other, so this is what attempts at whole architectures would give, only sooner.
        """
        children = np.array(parents[0])
        waiting = np.ones((len(children), ALL_NODES), bool)
        for _ in range(ATTEMPTS):
            rows = np.flatnonzero(waiting.any(axis=1))
            if not len(rows):
                break
            tried = self.normalise(attempt(*(parent[rows] for parent in parents)))
            good = waiting[rows] & (self._settings.numbers(tried) >= 0)
            children[rows] = np.where(np.repeat(good, 4, axis=1), tried, children[rows])
            waiting[rows] &= ~good
        return children

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """Both cells in one graph, `(n, 22, 22)`: operations moved from edges to vertices.

        Vertices: input; c_{k-2}, c_{k-1} and eight operations of the normal cell; the same of the reduction cell;
        output. The input leads to each c; an operation reads its c, or both operations of the node that it reads; all
        operations lead to the output. Operations `none` and what lies on no path are left out. Codes: operations of
        the normal cell, those of the reduction cell, c_{k-2}, c_{k-1}, input, output.
        """
        return graphs_of(require_genes(self, genes), self.operations, with_nodes=False)

    def relaxation(self) -> GraphRelaxation:
        """Choice k of an input gene joins that input to its operation; choice k of an operation gene labels it."""
        return relaxation_of_graphs(self.operations, max(self.num_choices))

    @lists_too
    def sequences(self, genes: Genes) -> Float[np.ndarray, "n steps k"]:
        """`(n, 32, k)`: each gene one-hot, as wide as the gene with most values."""
        return one_hot_genes(require_genes(self, genes), max(self.num_choices))

    def restricted_to(self, keys: Keys) -> SearchSpace:
        """The architectures with these keys as a space of its own.

        Raises:
            ConfigurationError: this space is too large to look keys up in, see `enumerate`.
        """
        return RestrictedSpace(self, keys)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """The genotype in the usual printed form."""
        return str(self.genotype(require_genes(self, genes[None])[0]))

    @lists_too
    def genotype(self, genes: Int8[np.ndarray, " g"]) -> Genotype:
        """The two cells of one row."""
        edges = [(self.operations[operation], source) for source, operation in genes.reshape(-1, 2).tolist()]
        return Genotype(edges[: NODES * 2], CONCAT, edges[NODES * 2 :], CONCAT)

    def genes_of(self, genotype: Genotype) -> Int8[np.ndarray, " g"]:
        """One row in normal form, `(32,)`.

        Raises:
            InvalidArchitectureError: the genotype is no architecture of this space; says which node, and why.
        """
        index = {name: number for number, name in enumerate(self.operations)}
        self._require_edges("normal", genotype.normal, genotype.normal_concat)
        self._require_edges("reduction", genotype.reduce, genotype.reduce_concat)
        edges = genotype.normal + genotype.reduce
        unknown = [name for name, _ in edges if name not in index]
        if unknown:
            raise InvalidArchitectureError(
                f"Operation {unknown[0]!r} is not one of space {self.name!r}: {', '.join(self.operations)}."
            )
        row = np.array([gene for name, source in edges for gene in (source, index[name])])
        row = self.normalise(np.clip(row, -1, 127).astype(np.int8)[None])
        wrong = np.flatnonzero(self._settings.numbers(row)[0] < 0)
        if len(wrong):
            cell, node = divmod(int(wrong[0]), NODES)
            pair = edges[2 * int(wrong[0]) : 2 * int(wrong[0]) + 2]
            raise InvalidArchitectureError(
                f"Node {node} of the {CELL_TYPES[cell]} cell, {pair}, breaks the rules of space {self.name!r}: two "
                f"different inputs, each one of 0..{node + 1}, and operations that may stand on their edges."
            )
        return np.asarray(row[0])

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, 32)` of printed genotypes, in any form that `parse_genotype` reads.

        Raises:
            InvalidArchitectureError: a text that prints no genotype of this space.
        """
        return np.array([self.genes_of(parse_genotype(text)) for text in texts], np.int8).reshape(-1, self.num_genes)

    def _require_edges(self, name: str, cell: Cell, concat: Sequence[int]) -> None:
        if len(cell) != NODES * 2 or list(concat) != list(CONCAT):
            raise InvalidArchitectureError(
                f"The {name} cell has {len(cell)} edges and puts out nodes {list(concat)}; one of space {self.name!r} "
                f"has {NODES * 2}, two for each node, and puts out {list(CONCAT)}."
            )
