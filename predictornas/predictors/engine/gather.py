"""Weighted sums over the rows of a table, forwards and backwards: the one kernel of the indexed networks."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from predictornas.predictors.engine.graph_index import SparseRows

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
