"""Which pairs of edges a node of a DARTS cell may have: by number, by genes, and one operation after the other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int8, Int16, Int64

from predictornas.spaces.base import Genes
from predictornas.spaces.darts_graphs import CELLS, NODES, SOURCES

ALL_NODES = CELLS * NODES
"""Nodes of both cells; their settings are independent of each other."""

MOST_OPERATIONS = 8
"""With nine there are more than 2^63 architectures, which `len` cannot say."""


@dataclass(frozen=True)
class NodeSettings:
    """The settings (input, operation, input, operation) of each of the eight nodes, inputs ascending.

    Attributes:
        allowed: the operations that may stand on each edge, as genes: one row a node of either cell, one entry an
            input of that node.
        choices: `(4 * 8,)`, the number of values of each gene.
    """

    allowed: tuple[tuple[tuple[int, ...], ...], ...]
    choices: tuple[int, ...]

    @cached_property
    def of_nodes(self) -> tuple[Int8[np.ndarray, "_ 4"], ...]:
        """All settings of each node."""
        return tuple(
            np.array(
                [
                    (first, one, second, other)
                    for first, second in itertools.combinations(range(len(inputs)), 2)
                    for one, other in itertools.product(inputs[first], inputs[second])
                ],
                np.int8,
            )
            for inputs in self.allowed
        )

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of settings of each node."""
        return tuple(len(settings) for settings in self.of_nodes)

    def numbers(self, genes: Genes) -> Int16[np.ndarray, "n 8"]:
        """The row of each node's setting in `of_nodes`, -1 where it has no such setting."""
        inside = (genes >= 0) & (genes < np.asarray(self.choices))
        nodes = np.where(inside, genes, 0).reshape(-1, ALL_NODES, 4)
        numbers = self._number_of_code[np.arange(ALL_NODES), _code(nodes)]
        return np.where(inside.reshape(nodes.shape).all(axis=2), numbers, np.int16(-1))

    @cached_property
    def _number_of_code(self) -> Int16[np.ndarray, "8 codes"]:
        numbers = np.full((ALL_NODES, SOURCES**2 * MOST_OPERATIONS**2), -1, np.int16)
        for node, settings in enumerate(self.of_nodes):
            numbers[node, _code(settings)] = np.arange(len(settings))
        return numbers

    def architectures(self, ranks: Int64[np.ndarray, " n"]) -> Genes:
        """The architectures at these places of the order in which the last node's setting changes first."""
        numbers = np.unravel_index(ranks, self.sizes)
        parts = [settings[number] for settings, number in zip(self.of_nodes, numbers, strict=True)]
        return np.concatenate(parts, axis=1)

    def ranks(self, genes: Genes) -> Int64[np.ndarray, " n"]:
        """The inverse of `architectures`."""
        numbers = self.numbers(genes).astype(np.int64)
        return np.asarray(np.ravel_multi_index(tuple(numbers.T), self.sizes, mode="wrap"))

    def with_operations(
        self, genes: Genes, redrawn: Bool[np.ndarray, "n 16"], fresh: Float[np.ndarray, "n 16"]
    ) -> Genes:
        """Rows with operations drawn anew: where `redrawn`, and where one may not stand on its edge.

        Args:
            genes: `(n, 32)`, inputs in range.
            redrawn: which of the 16 operations are drawn in any case.
            fresh: uniform in [0, 1), says which of the operations that an edge allows is drawn.
        """
        operations, counts, stands = self._operations_of_edges
        node = np.repeat(np.arange(ALL_NODES), 2)
        inputs, old = genes[:, ::2], genes[:, 1::2]
        drawn = operations[node, inputs, (fresh * counts[node, inputs]).astype(np.int64)]
        changed = genes.copy()
        changed[:, 1::2] = np.where(redrawn | ~stands[node, inputs, old], drawn, old)
        return changed

    @cached_property
    def _operations_of_edges(
        self,
    ) -> tuple[Int8[np.ndarray, "8 5 o"], Int64[np.ndarray, "8 5"], Bool[np.ndarray, "8 5 o"]]:
        """By node and input: the operations that may stand there, their number, and which ones they are."""
        shape = (ALL_NODES, SOURCES, MOST_OPERATIONS)
        operations, counts, stands = np.zeros(shape, np.int8), np.zeros(shape[:2], np.int64), np.zeros(shape, bool)
        for node, inputs in enumerate(self.allowed):
            for source, genes in enumerate(inputs):
                operations[node, source, : len(genes)] = genes
                counts[node, source] = len(genes)
                stands[node, source, list(genes)] = True
        return operations, counts, stands


def _code(settings: Int8[np.ndarray, "*n 4"]) -> Int64[np.ndarray, "*n"]:
    """A number for each setting of a node."""
    first, one, second, other = np.moveaxis(settings.astype(np.int64), -1, 0)
    return np.asarray(((first * SOURCES + second) * MOST_OPERATIONS + one) * MOST_OPERATIONS + other)
