"""NAS-Bench-201 (Dong and Yang 2020): four nodes, an operation out of five on each of six edges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int8, UInt8

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Genes, GraphRelaxation, Graphs, Keys, lists_too, require_genes
from predictornas.spaces.hashing import mix
from predictornas.spaces.product import ProductSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""The official names of gene values 0..4."""

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The edge of each gene, in the order of the official architecture string."""

NONE, SKIP = 0, 1
_NUM = len(OPERATIONS)
_INPUT, _OUTPUT = _NUM - 1, _NUM  # vertex codes 0..3 are the operations but `none`


class NASBench201(ProductSpace):
    """The 15,625 cells of NAS-Bench-201; a row of the table is an architecture string, not a graph.

    Genes: six operations (`OPERATIONS`) on the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3.
    """

    name = "nasbench201"
    num_choices = (_NUM,) * len(EDGES)
    identity = SKIP - 1
    """The code in `graphs` of the operation that hands on what it is given: see `process.identities`."""

    @lists_too
    def graph_keys(self, genes: Genes) -> Keys:
        """The official classes of equal cells, 6,466 in all: `skip_connect` is the identity, `none` cuts an edge.

        As in the official API's unique string with zero and identity taken into account (Dong and Yang 2020,
        section 2.1), which does not merge a node fed by two cut edges with one fed by a single cut edge.
        """
        classes: Keys = self._classes[self.rows(genes)]
        return classes

    @cached_property
    def _classes(self) -> Keys:
        number: dict[str, int] = {}
        texts = (unique_text(row) for row in self.enumerate().tolist())
        index = np.array([number.setdefault(text, len(number)) for text in texts], np.uint64)
        return mix(index + np.uint64(len(self) + 1))

    @lists_too
    def graphs(self, genes: Genes) -> Graphs:
        """Operations moved from edges to vertices, `(n, 8, 8)`: input, one vertex an edge that is not cut, output.

        Two operations are joined where the first one's edge ends at the node at which the second one's begins.
        Vertices off every input-output path are removed. Codes: skip 0, conv1x1 1, conv3x3 2, avg_pool 3, input 4,
        output 5. A cell without any path is an input and an output without an edge.
        """
        genes = require_genes(self, genes)
        on_path = self._on_path(genes)
        full = _uncut()
        present = np.pad(on_path, ((0, 0), (1, 1)), constant_values=True)
        codes = np.pad(genes - 1, ((0, 0), (1, 1)), constant_values=_INPUT)
        codes[:, -1] = _OUTPUT
        order = np.argsort(~present, axis=1, kind="stable")
        rows = np.arange(len(genes))[:, None]
        edges = full[None] & present[:, :, None] & present[:, None, :]
        adjacency = edges[rows[:, :, None], order[:, :, None], order[:, None, :]]
        return Graphs(adjacency, np.where(present, codes, -1)[rows, order].astype(np.int8), _NUM + 1)

    def _on_path(self, genes: Genes) -> Bool[np.ndarray, "n 6"]:
        """Which edges carry something from node 0 to node 3."""
        open_edge = genes != NONE
        fed = np.zeros((len(genes), 4), bool)
        useful = np.zeros((len(genes), 4), bool)
        fed[:, 0] = useful[:, 3] = True
        for edge, (x, y) in enumerate(EDGES):
            fed[:, y] |= fed[:, x] & open_edge[:, edge]
        for edge, (x, y) in reversed(list(enumerate(EDGES))):
            useful[:, x] |= useful[:, y] & open_edge[:, edge]
        sources, targets = np.array(EDGES).T
        return np.asarray(open_edge & fed[:, sources] & useful[:, targets])

    def relaxation(self) -> GraphRelaxation:
        """Choices 1..4 of an edge label its vertex and 0, `none`, leaves it out; joints are those of the uncut cell."""
        full = _uncut().astype(np.float32)
        vertices = np.zeros((self.num_genes, _NUM, len(full), _NUM + 1), np.float32)
        for operation in range(1, _NUM):
            vertices[np.arange(self.num_genes), operation, np.arange(1, self.num_genes + 1), operation - 1] = 1
        fixed = np.zeros((len(full), _NUM + 1), np.float32)
        fixed[0, _INPUT] = fixed[-1, _OUTPUT] = 1
        return GraphRelaxation(np.zeros((self.num_genes, _NUM, *full.shape), np.float32), vertices, full, fixed)

    @lists_too
    def describe(self, genes: Int8[np.ndarray, " g"]) -> str:
        """The official architecture string."""
        return to_string(require_genes(self, genes[None])[0])

    def from_strings(self, texts: Sequence[str]) -> Genes:
        """Genes `(n, 6)` of official architecture strings.

        Raises:
            InvalidArchitectureError: a string of another form or with an unknown operation.
        """
        return from_strings(texts)


def _uncut() -> UInt8[np.ndarray, "8 8"]:
    """Which operations follow each other where no edge is cut: input, the six edges, output."""
    count = len(EDGES) + 2
    full = np.zeros((count, count), np.uint8)
    full[0, [1 + e for e, (x, _) in enumerate(EDGES) if x == 0]] = 1
    full[[1 + e for e, (_, y) in enumerate(EDGES) if y == 3], -1] = 1
    for first, (_, end) in enumerate(EDGES):
        full[1 + first, [1 + e for e, (x, _) in enumerate(EDGES) if x == end]] = 1
    return full


def to_string(genes: Int8[np.ndarray, " g"]) -> str:
    """The official architecture string, e.g. `|none~0|+|none~0|none~1|+|none~0|none~1|none~2|`."""
    groups = []
    for node in (1, 2, 3):
        parts = [f"{OPERATIONS[gene]}~{x}" for gene, (x, y) in zip(genes.tolist(), EDGES, strict=True) if y == node]
        groups.append("|" + "|".join(parts) + "|")
    return "+".join(groups)


_STRING = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")


def from_strings(strings: Sequence[str]) -> Genes:
    """Genes `(n, 6)` of official architecture strings.

    Raises:
        InvalidArchitectureError: a string of another form or with an unknown operation.
    """
    code = {name: value for value, name in enumerate(OPERATIONS)}
    rows = []
    for position, text in enumerate(strings):
        match = _STRING.fullmatch(text)
        unknown = [name for name in match.groups() if name not in code] if match else []
        if match is None or unknown:
            reason = f"unknown operation {unknown[0]!r}, known: {', '.join(OPERATIONS)}" if unknown else "another form"
            raise InvalidArchitectureError(
                f"Entry {position}, {text!r}, is no NAS-Bench-201 architecture string ({reason}). "
                "Expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2|."
            )
        rows.append([code[name] for name in match.groups()])
    return np.array(rows, np.int8).reshape(len(rows), len(EDGES))


def unique_text(genes: list[int]) -> str:
    """The official unique string: equal for cells that compute the same."""
    nodes = ["0", "", "", ""]
    for node in (1, 2, 3):
        inputs = []
        for gene, (x, y) in zip(genes, EDGES, strict=True):
            if y != node:
                continue
            if gene == NONE or nodes[x] == "#":
                inputs.append("#")
            elif gene == SKIP:
                inputs.append(nodes[x])
            else:
                inputs.append(f"({nodes[x]})@{OPERATIONS[gene]}")
        nodes[node] = "+".join(sorted(inputs))
    return nodes[3]
