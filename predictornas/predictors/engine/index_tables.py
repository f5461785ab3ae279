"""A graph index as torch tensors, ready for the networks, and the one kernel that these compute with: `Gather`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from predictornas.predictors.engine.graph_index import GraphIndex, IndexLayer, SparseRows

BLOCK_ROWS = 2048
"""Sums held at once where they are read and dropped: 2 MiB at 256 features, so that they never leave the cache."""


class _Csr(NamedTuple):
    indices: Int32[Tensor, " nonzeros"]
    offsets: Int32[Tensor, " offsets"]
    weights: Float[Tensor, " nonzeros"]

    def __call__(self, table: Tensor) -> Tensor:
        # embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode=sum, sparse, weights, include_last_offset)
        sums: Tensor = torch.embedding_bag(table, self.indices, self.offsets, False, 0, False, self.weights, True)[0]
        return sums


class Gather:
    """One sparse matrix, applied from the left to tables of features.

    Its backward pass is a gather with the transposed matrix, many times faster than scattered additions.

    Args:
        rows: the matrix.
        columns: its number of columns, the rows of the tables it is applied to.
        device: where these tables are.
    """

    def __init__(self, rows: SparseRows, columns: int, device: str = "cpu") -> None:
        self.columns = columns
        arrays = (rows.indices, rows.offsets, rows.weights)
        self._forward = _Csr(*(torch.from_numpy(array).to(device) for array in arrays))

    def __len__(self) -> int:
        return len(self._forward.offsets) - 1

    def __call__(self, table: Float[Tensor, "columns width"]) -> Float[Tensor, "rows width"]:
        """The sums, differentiable once in the table."""
        if torch.is_grad_enabled() and table.requires_grad:
            sums: Tensor = _Gathered.apply(table, self)  # type: ignore[no-untyped-call]
            return sums
        return self._forward(table)

    def transposed(self, slopes: Float[Tensor, "rows width"]) -> Float[Tensor, "columns width"]:
        """The backward pass by itself: derivatives of the table from those of the sums."""
        return self._backward(slopes)

    def rectified_dot(
        self, table: Float[Tensor, "columns width"], vector: Float[Tensor, " width"]
    ) -> Float[Tensor, " rows"]:
        """relu(self(table)) @ vector; without gradients the sums are made, read and dropped block by block."""
        if torch.is_grad_enabled() and (table.requires_grad or vector.requires_grad):
            products: Tensor = _RectifiedDot.apply(table, vector, self)  # type: ignore[no-untyped-call]
            return products
        result = table.new_empty(len(self))
        for first, block in zip(range(0, len(self), BLOCK_ROWS), self._blocks, strict=True):
            torch.mv(block(table).relu_(), vector, out=result[first : first + BLOCK_ROWS])
        return result

    def rectified_dot_slopes(
        self,
        rectified: Float[Tensor, "rows width"],
        vector: Float[Tensor, " width"],
        slopes: Float[Tensor, " rows"],
    ) -> tuple[Float[Tensor, "columns width"], Float[Tensor, " width"]]:
        """The backward pass of `rectified_dot`: derivatives of the table and of the vector.

        With r = relu(G T): dw = r^T g and dT = (G^T diag(g) [r > 0]) diag(w), so that g costs nothing.

        Args:
            rectified: r, as the forward pass made it; overwritten.
            vector: w.
            slopes: g, derivatives of the products.
        """
        to_vector = slopes @ rectified
        transposed = self._backward
        scaled = transposed._replace(weights=transposed.weights * slopes.index_select(0, transposed.indices))
        # r >= 0, so its sign is [r > 0], in the memory of r
        return scaled(rectified.sign_()).mul_(vector), to_vector

    @cached_property
    def _blocks(self) -> list[_Csr]:
        indices, offsets, weights = self._forward
        bounds = [*offsets[:-1:BLOCK_ROWS].tolist(), len(indices)]
        return [
            _Csr(indices[start:stop], offsets[first : first + BLOCK_ROWS + 1] - start, weights[start:stop])
            for first, start, stop in zip(range(0, len(self), BLOCK_ROWS), bounds[:-1], bounds[1:], strict=True)
        ]

    @cached_property
    def _backward(self) -> _Csr:
        indices, offsets, weights = self._forward
        # stable, so that the slopes of a row are added in the order of its sums, the same in every process
        order = torch.argsort(indices, stable=True)
        rows = torch.repeat_interleave(
            torch.arange(len(self), dtype=torch.int32, device=indices.device), offsets.diff()
        )
        counts = torch.bincount(indices, minlength=self.columns).cumsum(0)
        ends = torch.cat([counts.new_zeros(1), counts]).to(torch.int32)
        return _Csr(rows[order].contiguous(), ends, weights[order].contiguous())


@dataclass(frozen=True)
class TableLayer:
    """One layer of an index; see `graph_index.IndexLayer`.

    Attributes:
        sums: for each propagation the distinct sums over the rows of the layer before.
        mean: makes rows from the sums of all propagations, one below the other: the mean of a row's parts. None where
            row r is sum r of the only propagation.
        segments: number of rows of each gate, one gate after the other; empty where layers are not gated.
    """

    sums: tuple[Gather, ...]
    mean: Gather | None
    segments: list[int]

    def rows(self, sums: Sequence[Float[Tensor, "_ width"]]) -> Float[Tensor, "rows width"]:
        """The rows of this layer from what was made of its sums, one table for each propagation."""
        if self.mean is None:
            return sums[0]
        return self.mean(sums[0] if len(sums) == 1 else torch.cat([*sums]))


@dataclass(frozen=True)
class IndexTables:
    """A graph index on torch's side; see `graph_index.GraphIndex`."""

    labels: Int64[Tensor, " rows"]
    layers: tuple[TableLayer, ...]
    vertices: Int32[Tensor, "v n"]
    shares: Float[Tensor, "v n"]

    @classmethod
    def of(cls, index: GraphIndex, device: str = "cpu") -> IndexTables:
        """The tables of an index on a device; on the CPU arrays are shared where numpy allows writing to them."""
        layers = []
        rows = len(index.labels)
        for layer in index.layers:
            layers.append(_table_layer(layer, rows, device))
            rows = len(layer.parts[0])
        return cls(
            labels=torch.from_numpy(index.labels.astype(np.int64)).to(device),
            layers=tuple(layers),
            vertices=torch.from_numpy(np.require(index.vertices, requirements="W")).to(device),
            shares=torch.from_numpy(np.require(index.shares, requirements="W")).to(device),
        )

    def read_out(self, vertex_scores: Float[Tensor, " rows"]) -> Float[Tensor, " n"]:
        """The score of each graph from the scores of the last layer's rows."""
        chosen = vertex_scores.index_select(0, self.vertices.view(-1)).view(self.vertices.shape)
        return (chosen * self.shares).sum(0)

    def read_out_features(self, features: Float[Tensor, "rows f"]) -> Float[Tensor, "n f"]:
        """`read_out` of several scores a vertex."""
        vertices, shares = self.vertices.t().contiguous(), self.shares.t().contiguous()
        return torch.nn.functional.embedding_bag(vertices, features, mode="sum", per_sample_weights=shares)

    def read_out_slopes(self, slopes: Float[Tensor, " n"], rows: int) -> Float[Tensor, " rows"]:
        """The backward pass of `read_out`: derivatives of the `rows` vertex scores from those of the graphs."""
        spread = (self.shares * slopes).view(-1)
        return spread.new_zeros(rows).index_add_(0, self.vertices.view(-1), spread)


def _table_layer(layer: IndexLayer, rows: int, device: str) -> TableLayer:
    sums = tuple(Gather(matrix, rows, device) for matrix in layer.sums)
    count, total = len(layer.parts), sum(map(len, sums))
    if count == 1 and layer.gates is None:
        return TableLayer(sums, None, [])
    starts = np.cumsum([0, *map(len, sums[:-1])], dtype=np.int32)
    chosen = np.stack([part + start for part, start in zip(layer.parts, starts, strict=True)], axis=1)
    mean = SparseRows(
        indices=chosen.reshape(-1),
        weights=np.full(chosen.size, 1 / count, np.float32),
        offsets=np.arange(0, chosen.size + 1, count, dtype=np.int32),
    )
    return TableLayer(sums, Gather(mean, total, device), [] if layer.gates is None else layer.gates.tolist())


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, gather: Gather) -> Tensor:
        ctx.gather = gather
        return gather._forward(table)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.gather._backward(grad.contiguous()), None


class _RectifiedDot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, vector: Tensor, gather: Gather) -> Tensor:
        rectified = gather._forward(table).relu_()
        ctx.gather = gather
        ctx.rectified = rectified
        ctx.save_for_backward(vector)
        return rectified @ vector

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        (vector,) = ctx.saved_tensors
        to_table, to_vector = ctx.gather.rectified_dot_slopes(ctx.rectified, vector, grad)
        return to_table, to_vector, None
