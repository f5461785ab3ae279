"""`ModelSpec` of google-research/nasbench: a cell as a matrix and operation names, pruned, with its official hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Graphs
from predictornas.spaces.nasbench101_md5 import module_hashes


class ModelSpecError(InvalidArchitectureError, ValueError):
    """A matrix and operations that are no cell; a `ValueError` as in the original."""


class ModelSpec:
    """A cell, with the vertices left out that lie on no path from the first to the last.

    Any number of vertices and any operation names are accepted here; `NASBench` checks them.

    Args:
        matrix: `(V, V)` upper triangular adjacency, an array or nested lists.
        ops: V operation names, the first "input" and the last "output".
        data_format: kept, not used.

    Attributes:
        original_matrix: the matrix as given, a copy.
        original_ops: the operations as given, a copy.
        matrix: the matrix after pruning; None where input and output are not connected.
        ops: the operations after pruning; None where input and output are not connected.
        valid_spec: whether input and output are connected.

    Raises:
        ModelSpecError: a matrix that is not square or not upper triangular, or another number of operations.
    """

    def __init__(self, matrix: Any, ops: Sequence[str], data_format: str = "channels_last") -> None:
        array = np.array(matrix)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise ModelSpecError(f"The matrix must be square; its shape is {array.shape}.")
        if len(array) != len(ops):
            raise ModelSpecError(
                f"There are {len(ops)} operations for {len(array)} vertices; give one for each vertex."
            )
        if np.tril(array).any():
            x, y = np.argwhere(np.tril(array))[0]
            raise ModelSpecError(f"The matrix must be upper triangular; it has an edge {x} -> {y}.")
        self.original_matrix = array
        self.original_ops = list(ops)
        self.data_format = data_format
        kept = np.flatnonzero(_on_paths(array.astype(bool)))
        self.valid_spec = len(kept) >= 2
        self.matrix = array[np.ix_(kept, kept)] if self.valid_spec else None
        self.ops = [ops[vertex] for vertex in kept.tolist()] if self.valid_spec else None

    def hash_spec(self, canonical_ops: Sequence[str]) -> str:
        """The official MD5 hash: the same for isomorphic cells, 32 hexadecimal digits.

        Args:
            canonical_ops: the operation names in their canonical order, `NASBench.config["available_ops"]`.

        Raises:
            ModelSpecError: input and output are not connected, or an operation that is not in `canonical_ops`.
        """
        if self.matrix is None or self.ops is None:
            raise ModelSpecError(
                "Input and output are not connected, so the cell has no hash; check `valid_spec` first."
            )
        if unknown := [name for name in self.ops[1:-1] if name not in canonical_ops]:
            raise ModelSpecError(f"Unknown operation {unknown[0]!r}; known: {', '.join(canonical_ops)}.")
        codes = [0, *(canonical_ops.index(name) for name in self.ops[1:-1]), 0]
        adjacency = self.matrix.astype(bool).astype(np.uint8)
        graph = Graphs(adjacency[None], np.asarray([codes], np.int8), len(canonical_ops) + 2)
        digest: bytes = module_hashes(graph)[0].tobytes()
        return digest.hex()


def _on_paths(edges: Bool[np.ndarray, "v v"]) -> Bool[np.ndarray, " v"]:
    """Which vertices lie on a path from the first to the last vertex."""
    on_paths: Bool[np.ndarray, " v"] = _reached(edges) & _reached(edges[::-1, ::-1].T)[::-1]
    return on_paths


def _reached(edges: Bool[np.ndarray, "v v"]) -> Bool[np.ndarray, " v"]:
    """Which vertices can be reached from the first; edges point forwards."""
    reached: Bool[np.ndarray, " v"] = np.arange(len(edges)) == 0
    for vertex in range(1, len(edges)):
        reached[vertex] = (reached & edges[:, vertex]).any()
    return reached
