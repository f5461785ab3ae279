"""Posterior means in single precision: what ranks a whole space has to be fast. Numpy and scipy only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float32
from scipy import sparse

from predictornas.predictors.process.views import View, columns_of, squared_norms

_BLOCK = 1 << 16
"""Kernel entries worked on at once: 256 KiB, so that all passes over them stay in the second-level cache."""
_MOST_COLUMNS = 512
"""Observations worked on at once; more would leave too few rows a block for a product of matrices."""

_Table: TypeAlias = Float32[np.ndarray, "r n"]
_Fill: TypeAlias = Callable[[slice, _Table, _Table], None]
"""Writes the squared distances of some inputs to the observations into the first table; the second is for spare."""


class ViewMean:
    """One view's part of the mean: the sum over what was observed of weight * m(distance / length), m = Matern-5/2.

    A sum of kernels is a sum of such parts, so that inputs which are alike in a view share its part, whatever the
    others say of them.

    Args:
        observed: `(n, f)` what was observed, with its relevances.
        weights: `(n,)` how much the kernel of each counts.
        length: of the kernel, for distances over the root of the number of features.
    """

    def __init__(self, observed: View, weights: Float[np.ndarray, " n"], length: float) -> None:
        # sqrt(5) * distance / length is all that the kernel reads, so its square comes right out of the product:
        # (x, factor |x|^2, 1) times (-2 factor z, 1, factor |z|^2)
        self._factor = 5 / (length**2 * max(1, observed.shape[1]))
        squares = self._factor * squared_norms(observed)
        rows = [-2 * self._factor * columns_of(observed), np.ones((1, len(squares))), squares[None]]
        self._columns = np.concatenate(rows).astype(np.float32)
        self._weights = weights.astype(np.float32)

    def __call__(self, view: View) -> Float32[np.ndarray, " m"]:
        """Its part at each input, `(m, f)` with their relevances."""
        view = view.astype(np.float32, copy=False)
        squares = np.float32(self._factor) * squared_norms(view)
        prepare = _from_dense(view, squares) if isinstance(view, np.ndarray) else _from_sparse(view, squares)
        total = np.zeros(len(squares), np.float32)
        for start in range(0, len(self._weights), _MOST_COLUMNS):
            columns = slice(start, start + _MOST_COLUMNS)
            fill = prepare(np.ascontiguousarray(self._columns[:, columns]))
            total += _weighted_sums(fill, len(squares), self._weights[columns])
        return total


def _weighted_sums(fill: _Fill, count: int, weights: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " m"]:
    """The kernels of some inputs with some observations, times their weights."""
    rows = max(1, _BLOCK // len(weights))
    tables = np.empty((2, rows, len(weights)), np.float32)
    result = np.empty(count, np.float32)
    for start in range(0, count, rows):
        block = slice(start, min(start + rows, count))
        r, decay = tables[:, : block.stop - start]
        fill(block, r, decay)
        # what is near can round to less than 0, by as much as it may be off anyway; the larger of it and 0 would take
        # four times as long
        np.sqrt(np.abs(r, out=r), out=r)
        np.exp(np.negative(r, out=decay), out=decay)
        # k = (1 + r + r^2 / 3) exp(-r), term by term: a product with the weights writes nothing back
        total = decay @ weights
        total += np.multiply(decay, r, out=decay) @ weights
        total += (np.multiply(decay, r, out=decay) @ weights) / np.float32(3)
        result[block] = total
    return result


def _from_dense(
    view: Float32[np.ndarray, "m f"], squares: Float32[np.ndarray, " m"]
) -> Callable[[Float32[np.ndarray, "f2 n"]], _Fill]:
    extended = np.column_stack([view, squares, np.ones_like(squares)])

    def prepare(columns: Float32[np.ndarray, "f2 n"]) -> _Fill:
        def fill(block: slice, distances: _Table, spare: _Table) -> None:
            np.matmul(extended[block], columns, out=distances)

        return fill

    return prepare


def _from_sparse(
    view: sparse.csr_array, squares: Float32[np.ndarray, " m"]
) -> Callable[[Float32[np.ndarray, "f2 n"]], _Fill]:
    # few values, roots of small counts, make all entries: what each value of each feature adds to a row is made once
    # and gathered, because a table of products for every row, or half a row, is larger than any cache
    values, features = np.unique(view.data), view.shape[1]
    lengths = np.diff(view.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    places = np.full((lengths.max(initial=0), len(lengths)), len(values) * features, np.int64)  # where nothing is
    places[np.arange(len(rows)) - view.indptr[rows], rows] = (
        np.searchsorted(values, view.data) * features + view.indices
    )

    def prepare(columns: Float32[np.ndarray, "f2 n"]) -> _Fill:
        added = (values[:, None, None] * columns[None, :features]).reshape(-1, columns.shape[1])
        table = np.concatenate([added, np.zeros_like(columns[:1])])

        def fill(block: slice, distances: _Table, spare: _Table) -> None:
            np.add(squares[block, None], columns[-1], out=distances)
            for entry in places:
                distances += np.take(table, entry[block], axis=0, out=spare, mode="clip")

        return fill

    return prepare
