"""Batches of graphs as dense torch tensors: the clear reference, and the only form that can be relaxed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor

from predictornas.predictors.engine.message_passing import MessagePassing, Normalisation, Readout, readout_shares


class DenseBatch(NamedTuple):
    """A `MessagePassing` batch as float tensors.

    Attributes:
        propagations: the weighted adjacency `(n, V, V)` of each direction.
        labels: `(n, V, K)` one-hot, zero on padding.
        gates: `(n, V, K')` one-hot, zero on padding; None where no layer looks at labels again.
        shares: `(n, V)` weight of each vertex in the read-out.
    """

    propagations: Sequence[Float[Tensor, "n v v"]]
    labels: Float[Tensor, "n v k"]
    gates: Float[Tensor, "n v c"] | None
    shares: Float[Tensor, "n v"]


def dense_batch(messages: MessagePassing, rows: slice, device: str = "cpu") -> DenseBatch:
    """Some graphs of a batch in dense form, on a device."""
    gates = messages.gates
    return DenseBatch(
        propagations=[torch.from_numpy(p.dense(rows)).to(device) for p in messages.propagations],
        labels=_one_hot(messages.labels[rows], messages.num_labels).to(device),
        gates=None if gates is None else _one_hot(gates[rows], messages.num_gates).to(device),
        shares=torch.from_numpy(messages.shares[rows]).to(device),
    )


def relaxed_propagation(
    adjacency: Float[Tensor, "n v v"],
    real: Float[Tensor, "n v"],
    *,
    normalisation: Normalisation,
    reverse: bool = False,
) -> Float[Tensor, "n v v"]:
    """`message_passing.propagation`, differentiable in a real-valued adjacency.

    Args:
        adjacency: strength of each edge i -> j, >= 0.
        real: 1 where a vertex is real, 0 on padding.
        normalisation: as in `message_passing.propagation`.
        reverse: whether messages travel the other way.
    """
    looped = (adjacency.transpose(1, 2) if reverse else adjacency) + torch.diag_embed(real)
    # rows of padding sum to 0: without the bound their 0 * inf would be NaN, and NaN in the gradient of all
    scale = looped.sum(2).clamp_min(torch.finfo(looped.dtype).eps).rsqrt()
    if normalisation != "none":
        looped = looped * scale[:, :, None]
    if normalisation == "symmetric":
        looped = looped * scale[:, None, :]
    return looped


def relaxed_shares(operations: Float[Tensor, "n v k"], readout: Readout) -> Float[Tensor, "n v"]:
    """`message_passing.readout_shares` of relaxed graphs: a vertex is real where its operations are not all zero."""
    real = relaxed_real(operations).bool().numpy(force=True)
    return torch.from_numpy(readout_shares(real, readout)).to(operations)


def relaxed_real(operations: Float[Tensor, "n v k"]) -> Float[Tensor, "n v"]:
    """1 where a vertex of a relaxed graph is real, 0 on padding; without gradient."""
    return (operations.detach() != 0).any(2).to(operations)


def _one_hot(labels: Int8[np.ndarray, "n v"], width: int) -> Float[Tensor, "n v k"]:
    """One-hot rows of width `width`, zero where the label is -1."""
    return torch.from_numpy((labels[:, :, None] == np.arange(width)).astype(np.float32))
