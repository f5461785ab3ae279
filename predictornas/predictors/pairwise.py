"""The pairwise cross-entropy over ordered pairs: half of the N x N square, in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int8
from torch import Tensor

BLOCK_ELEMENTS = 1 << 17
"""Pairs worked on at once: 512 KiB in fp32, about half of a core's second-level cache."""


class _Block(NamedTuple):
    """Rows [start, stop) of the sorted square against every column from `worse` on."""

    start: int
    stop: int
    worse: int
    ties: Tensor | None
    """Added to the first columns: -inf where column and row are tied, and 0 elsewhere."""


class OrderedPairs:
    """The pairs (i, j) with v_i > v_j of fixed values, ready for the scores of every epoch.

    Sorted by value, the ordered pairs are the upper triangle of the square, less the ties along its diagonal.

    Args:
        values: `(n,)`, or `(members, n)` for independent members that are worked on together.
    """

    def __init__(self, values: Float[Tensor, "*members n"]) -> None:
        rows = values[None] if values.ndim == 1 else values
        # stable, so that equal values keep one order on every machine; the order is undone by the scatter in `gradient`
        self._order = rows.argsort(dim=1, descending=True, stable=True)
        ranked = rows.gather(1, self._order)
        # first_worse[m, i]: the first column whose value is strictly below that of row i, n where there is none
        # `searchsorted` wants ascending rows, hence the signs; `right` steps over ties, which have no order (ours: eq.
        # 6 of Mauch et al. 2020 counts them)
        first_worse = torch.searchsorted(-ranked, -ranked, right=True)
        size = ranked.shape[1]
        count = (size - first_worse).sum(1, keepdim=True)
        # where all values are equal there is no pair: the loss is then 0 instead of 0 / 0
        self._scale = 1.0 / count.clamp_min(1).to(torch.float32)
        self._blocks = list(_blocks(first_worse))

    def gradient(self, scores: Float[Tensor, "*members n"]) -> Float[Tensor, "*members n"]:
        """Derivative of the loss with respect to each score, without the loss itself."""
        ranked = scores.reshape(self._order.shape).gather(1, self._order)
        total = torch.zeros_like(ranked)
        for block in self._blocks:
            # a pair costs -ln sigmoid(s_i - s_j) = softplus(s_j - s_i) (eq. 5 to 7): its slope, sigmoid(s_j - s_i),
            # pushes the better one up and the worse one down by the same amount
            wrong = _differences(ranked, block).sigmoid_()
            total[:, block.start : block.stop] -= wrong.sum(2)
            total[:, block.worse :] += wrong.sum(1)
        total *= self._scale
        return torch.empty_like(total).scatter_(1, self._order, total).reshape(scores.shape)

    def loss(self, scores: Float[Tensor, "*members n"]) -> Float[Tensor, ""]:
        """Mean over the pairs, summed over members; differentiable once."""
        value: Tensor = _PairwiseLoss.apply(scores, self)  # type: ignore[no-untyped-call]
        return value

    def _value(self, scores: Tensor) -> Tensor:
        ranked = scores.reshape(self._order.shape).gather(1, self._order)
        total = torch.zeros_like(ranked[:, :1])
        for block in self._blocks:
            # softplus and not log(sigmoid): it does not overflow where a pair is wrong by a lot
            total += torch.nn.functional.softplus(_differences(ranked, block)).sum((1, 2))[:, None]
        return (total * self._scale).sum()


class LabelledPairs:
    """Pairs whose order is given one by one, ready for the scores of every epoch.

    Args:
        signs: `(n, n)`, antisymmetric: +1 where the row's architecture is better, -1 where the column's is, 0 where the
            pair has no order.
    """

    def __init__(self, signs: Int8[Tensor, "n n"]) -> None:
        # antisymmetric, so the upper triangle has every pair once
        upper = signs.triu(1)
        size = len(upper)
        rows = max(1, BLOCK_ELEMENTS // max(1, size))
        self._scale = 1.0 / max(1, int(upper.count_nonzero()))
        self._blocks = [(start, upper[start : start + rows, start:].float()) for start in range(0, size, rows)]

    def gradient(self, scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Derivative of the mean of -ln sigmoid(s_i - s_j) over the pairs (i better than j)."""
        total = torch.zeros_like(scores)
        for start, signs in self._blocks:
            rows = slice(start, start + len(signs))
            # a pair of sign z costs softplus(-z (s_row - s_column)), and nothing moves where z is 0
            pull = (signs * (scores[None, start:] - scores[rows, None])).sigmoid_() * signs
            total[rows] -= pull.sum(1)
            total[start:] += pull.sum(0)
        return total * self._scale


class _PairwiseLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, pairs: OrderedPairs) -> Tensor:
        # made here, because the backward pass would have to keep, or to compute again, all N x N differences
        ctx.save_for_backward(pairs.gradient(scores))
        return pairs._value(scores)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return grad * gradient, None


def _differences(ranked: Tensor, block: _Block) -> Tensor:
    """s_j - s_i for the rows i and columns j of a block, -inf for ties."""
    difference = ranked[:, None, block.worse :] - ranked[:, block.start : block.stop, None]
    # sigmoid(-inf) = softplus(-inf) = 0 exactly, so that ties add nothing and need no mask of their own
    if block.ties is not None:
        difference[:, :, : block.ties.shape[2]] += block.ties
    return difference


def _blocks(first_worse: Tensor) -> Iterator[_Block]:
    """Cuts the upper triangle of the sorted square into blocks of about `BLOCK_ELEMENTS` pairs."""
    members, size = first_worse.shape
    lowest, highest = first_worse.amin(0).tolist(), first_worse.amax(0).tolist()
    start = 0
    while start < size and lowest[start] < size:
        # members have their ties in different places: a block begins where the first member has something worse, and
        # what is no worse yet in another member counts as tied there
        worse = lowest[start]
        rows = max(1, BLOCK_ELEMENTS // (members * (size - worse)))
        stop = min(size, start + rows)
        columns = torch.arange(worse, highest[stop - 1], device=first_worse.device)
        tied = columns < first_worse[:, start:stop, None]
        ties = torch.zeros(tied.shape, device=tied.device).masked_fill_(tied, -torch.inf) if len(columns) else None
        yield _Block(start, stop, worse, ties)
        start = stop
