"""`ModelSpec` of google-research/nasbench: a cell as a matrix and operation names, pruned, with its official hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from predictornas.compat.one_cell import module_hash
from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.nasbench101_text import on_paths


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
        rows = array.tolist()
        for x, row in enumerate(rows):
            if any(row[: x + 1]):
                y = next(y for y in range(x + 1) if row[y])
                raise ModelSpecError(f"The matrix must be upper triangular; it has an edge {x} -> {y}.")
        self.original_matrix = array
        self.original_ops = list(ops)
        self.data_format = data_format
        kept = on_paths(rows)
        self.valid_spec = len(kept) >= 2
        self.matrix = (
            None if not self.valid_spec else array.copy() if len(kept) == len(ops) else array[np.ix_(kept, kept)]
        )
        self.ops = [ops[vertex] for vertex in kept] if self.valid_spec else None

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
        return module_hash(self.matrix.tolist(), [-1, *(canonical_ops.index(name) for name in self.ops[1:-1]), -2])
