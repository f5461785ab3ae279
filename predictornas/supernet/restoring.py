"""Trying something on a network and leaving no trace of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def restored(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Puts back, bit for bit, what the tensors hold now, whatever happens to them inside.

    Weights that are moved for an unrolled step, or the running statistics of batch norm that a measurement in
    training mode would change.
    """
    kept = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, values in kept:
                tensor.copy_(values)


@contextmanager
def mode(network: torch.nn.Module, *, training: bool) -> Iterator[None]:
    """The network in training or in evaluation mode, and afterwards as it was."""
    before = network.training
    network.train(training)
    try:
        yield
    finally:
        network.train(before)
