"""NAS-Bench-Graph (Qin et al. 2022): graph neural networks of four operations, each reading one earlier result."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import permutations, product

import numpy as np
from jaxtyping import Bool, Int8, Int64, UInt8

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Genes, GraphRelaxation, Graphs, Keys, lists_too, require_genes, rows_too
from predictornas.spaces.hashing import mix
from predictornas.spaces.product import ProductSpace
from predictornas.spaces.variation import retry_until_valid

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
"""The official names of gene values 0..8: seven graph convolutions, a fully connected layer, the identity."""

SKIP = len(OPERATIONS) - 1

LINKS = (
    *((0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 1), (0, 0, 1, 2), (0, 0, 1, 3)),
    *((0, 1, 1, 1), (0, 1, 1, 2), (0, 1, 2, 2), (0, 1, 2, 3)),
)
"""What each of the four nodes reads, 0 the input and i the i-th node: one list for each tree of that size."""

_NODES = 4
_CODES = len(OPERATIONS) + 2
_TEXT = re.compile(r"(\d),(\d),(\d),(\d)\|(\w+),(\w+),(\w+),(\w+)")


class NASBenchGraph(ProductSpace):
    """The 26,206 architectures of NAS-Bench-Graph.

    Genes: the tree (an index into `LINKS`) and the operation of each of its four nodes (`OPERATIONS`). Nodes that no
    other reads lead to the output.

    In normal form a skip connection does not stand between others. It stands at the very beginning, where it does
    nothing, unless it hands the result of its node to the output beside other readers of that node. Of nodes that may
    change places the one with the lower operation comes first. Four skip connections are no architecture. So valid
    rows are the keys of the official files, and rows that its hash makes equal are one architecture here.

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("nasbench-graph")
        >>> len(space)
        26206
        >>> genes = space.from_strings(["0,1,1,2|gcn,cheb,gin,fc"])
        >>> genes.tolist(), space.describe(genes[0])
        ([[6, 1, 3, 2, 7]], '0,1,1,2|gcn,cheb,gin,fc')
        >>> space.normalise(space.from_strings(["0,1,2,3|gcn,skip,fc,fc"])).tolist()
        [[8, 8, 1, 7, 7]]
    """

    name = "nasbench-graph"
    num_choices = (len(LINKS), *(len(OPERATIONS),) * _NODES)

    @property
    def size(self) -> int:
        """Number of architectures."""
        return len(self._members)

    @cached_property
    def _members(self) -> Genes:
        numbers = np.arange(math.prod(self.num_choices))
        rows = np.stack(np.unravel_index(numbers, self.num_choices), axis=1).astype(np.int8)
        return np.asarray(rows[self.valid(rows)])

    def _listed(self) -> Genes:
        return self._members

    @lists_too
    def keys(self, genes: Genes) -> Keys:
        """Identity of each row: the official hash of its normal form, mixed.

        Raises:
            InvalidArchitectureError: a gene out of its range.
        """
        return mix(self.official_hashes(genes).astype(np.uint64) + np.uint64(1))

    @lists_too
    def official_hashes(self, genes: Genes) -> Int64[np.ndarray, " n"]:
        """The keys of the official files: the genes of the normal form as five decimal digits.

        Raises:
            InvalidArchitectureError: a gene out of its range.
        """
        return np.asarray(self.normalise(require_genes(self, genes)) @ 10 ** np.arange(_NODES, -1, -1))

    @rows_too
    def valid(self, genes: Genes) -> Bool[np.ndarray, " n"]:
        """Which rows are architectures in normal form."""
        result = super().valid(genes)
        inside = genes[result]
        result[result] = (self.normalise(inside) == inside).all(axis=1) & (inside[:, 1:] != SKIP).any(axis=1)
        return result

    @rows_too
    def normalise(self, genes: Genes) -> Genes:
        """The normal form; rows of four skip connections have none."""
        pattern = genes[:, 0], (genes[:, 1:] == SKIP) @ _BITS
        links = _TARGETS[pattern]
        operations = np.take_along_axis(genes[:, 1:], _ORDERS[pattern], axis=1)
        # of all orders that leave the tree as it is, the one whose operations are the lowest number
        ways = operations[np.arange(len(genes))[:, None, None], _AUTOMORPHISMS[links]]
        numbers = ways.astype(np.int64) @ len(OPERATIONS) ** np.arange(_NODES - 1, -1, -1)
        first = ways[np.arange(len(genes)), numbers.argmin(axis=1)]
        return np.concatenate([links[:, None], first], axis=1).astype(np.int8)

    @rows_too
    def mutate(self, genes: Genes, rng: np.random.Generator, *, rate: float) -> Genes:
        """One child of each architecture: each gene is redrawn with p = `rate`, then the normal form is taken.

        Raises:
            ConfigurationError: a rate outside (0, 1].
        """
        vary = super().mutate
        return retry_until_valid(lambda some: self.normalise(vary(some, rng, rate=rate)), (genes,), self.valid)

    @rows_too
    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
        """One child of each pair: each gene from either parent with p = 1/2, then the normal form is taken."""
        vary = super().crossover
        return retry_until_valid(lambda one, other: self.normalise(vary(one, other, rng)), (a, b), self.valid)

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """Input, the four operations and output, `(n, 6, 6)`; codes are those of `OPERATIONS`, input 9, output 10."""
        genes = require_genes(self, genes)
        codes = np.pad(genes[:, 1:], ((0, 0), (1, 1)), constant_values=_CODES - 2)
        codes[:, -1] = _CODES - 1
        return Graphs(_TREES[genes[:, 0]], codes, _CODES)

    def relaxation(self) -> GraphRelaxation:
        """Choices of the first gene add the edges of their tree, those of the others label their node."""
        vertices = _NODES + 2
        edges = np.zeros((self.num_genes, len(OPERATIONS), vertices, vertices), np.float32)
        edges[0] = _TREES
        labels = np.zeros((self.num_genes, len(OPERATIONS), vertices, _CODES), np.float32)
        for node in range(1, _NODES + 1):
            labels[node, range(len(OPERATIONS)), node, range(len(OPERATIONS))] = 1
        fixed = np.zeros((vertices, _CODES), np.float32)
        fixed[0, -2] = fixed[-1, -1] = 1
        return GraphRelaxation(edges, labels, np.zeros((vertices, vertices), np.float32), fixed)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """What each node reads, then its operations: `0,1,1,2|gcn,cheb,gin,fc`."""
        link, *operations = require_genes(self, genes[None])[0].tolist()
        return f"{','.join(map(str, LINKS[link]))}|{','.join(OPERATIONS[operation] for operation in operations)}"

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, 5)` of what `describe` writes; nodes may stand in any order in which they read earlier ones.

        Rows are in normal form where they have one.

        Raises:
            InvalidArchitectureError: a text of another form, a node that reads a later one, or an unknown operation.
        """
        return self.normalise(np.array([_read(row, text) for row, text in enumerate(texts)], np.int8).reshape(-1, 5))


def _read(row: int, text: str) -> list[int]:
    match = _TEXT.fullmatch(text)
    links = tuple(int(digit) for digit in match.groups()[:_NODES]) if match else ()
    names = match.groups()[_NODES:] if match else ()
    if not links or any(link > node for node, link in enumerate(links)) or not set(names) <= set(OPERATIONS):
        raise InvalidArchitectureError(
            f"Entry {row}, {text[:200]!r}, is no architecture of NAS-Bench-Graph. Expected what each of four nodes "
            f"reads (0 the input, i the i-th node) and four of {', '.join(OPERATIONS)}, as in 0,1,1,2|gcn,cheb,gin,fc."
        )
    target, order = _arranged(links)
    return [target, *(OPERATIONS.index(names[node]) for node in order)]


def _arranged(links: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The list in `LINKS` of the same tree, and the node that stands at each of its places."""
    for order in permutations(range(_NODES)):
        place = {0: 0, **{node + 1: position + 1 for position, node in enumerate(order)}}
        moved = tuple(place[links[node]] for node in order)
        if moved in LINKS:
            return LINKS.index(moved), order
    raise AssertionError(links)


def _without_skips(links: tuple[int, ...], skips: tuple[bool, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A tree whose skip connections that do nothing are moved to its beginning, and which nodes stand where.

    A skip connection that is read is the same as what it reads. One that is not read hands on a result: it does
    nothing where nobody else reads that result, and is left out where that is the input.
    """
    parent = dict(enumerate(links, start=1))
    idle = []
    for node in range(1, _NODES + 1):
        if not skips[node - 1]:
            continue
        children = [child for child in parent if parent[child] == node]
        siblings = [other for other in parent if parent[other] == parent[node] and other != node]
        if children or not siblings or parent[node] == 0:
            for child in children:
                parent[child] = parent[node]
            del parent[node]
            idle.append(node)
    order = (*idle, *parent)
    place = {0: len(idle), **{node: position for position, node in enumerate(order, start=1)}}
    moved = (*range(len(idle)), *(place[parent[node]] for node in parent))
    return moved, tuple(node - 1 for node in order)


def _patterns() -> tuple[Int8[np.ndarray, "9 16"], Int64[np.ndarray, "9 16 4"]]:
    """For each tree and each set of skip connections: the tree of the normal form, and the nodes at its places."""
    targets = np.empty((len(LINKS), 1 << _NODES), np.int8)
    orders = np.empty((len(LINKS), 1 << _NODES, _NODES), np.int64)
    for (link, links), (mask, skips) in product(enumerate(LINKS), enumerate(product((False, True), repeat=_NODES))):
        moved, nodes = _without_skips(links, skips)
        targets[link, mask], order = _arranged(moved)
        orders[link, mask] = [nodes[place] for place in order]
    return targets, orders


def _automorphisms() -> Int64[np.ndarray, "9 24 4"]:
    """All orders of the nodes that leave a tree as it is, the first repeated up to 24."""
    found = np.empty((len(LINKS), 24, _NODES), np.int64)
    for number, links in enumerate(LINKS):
        found[number] = range(_NODES)
        for index, order in enumerate(permutations(range(_NODES))):
            place = {0: 0, **{node + 1: position + 1 for position, node in enumerate(order)}}
            if tuple(place[links[node]] for node in order) == links:
                found[number, index] = order
    return found


def _trees() -> UInt8[np.ndarray, "9 6 6"]:
    """The adjacency of each tree, input and output included."""
    adjacency = np.zeros((len(LINKS), _NODES + 2, _NODES + 2), np.uint8)
    for number, links in enumerate(LINKS):
        adjacency[number, links, range(1, _NODES + 1)] = 1
        adjacency[number, 1:-1, -1] = ~adjacency[number, 1:-1].any(axis=1)
    return adjacency


_BITS = 1 << np.arange(_NODES - 1, -1, -1)
_TARGETS, _ORDERS = _patterns()
_AUTOMORPHISMS, _TREES = _automorphisms(), _trees()
