from __future__ import annotations

import pytest
import torch

from predictornas.supernet.network.memory_layout import laid_out, lay_out_weights
from predictornas.supernet.network.super_network import SuperNetwork
from tests.supernet.network.test_super_network import CELL, SMALL

WIDE = torch.channels_last


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_channels_come_last(device: str) -> None:
    """Also elsewhere, where a device without memory stands for a GPU."""
    images = laid_out(torch.zeros(2, 3, 4, 4, device=device))
    assert images.stride() == (48, 1, 12, 3)
    network = SuperNetwork(CELL, SMALL, generator=torch.Generator()).to(device)
    lay_out_weights(network)
    weights = dict(network.named_parameters())
    assert all(weight.is_contiguous(memory_format=WIDE) for weight in weights.values() if weight.ndim == 4)
    assert not all(weight.is_contiguous() for weight in weights.values() if weight.ndim == 4)
    assert all(weight.is_contiguous() for weight in weights.values() if weight.ndim != 4)
