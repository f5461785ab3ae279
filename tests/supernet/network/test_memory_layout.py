from __future__ import annotations

import pytest
import torch

from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.network.memory_layout import laid_out, lay_out_weights
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology
from tests.supernet.network.test_super_network import CELL, DARTS, SMALL, TALL, images_of, network_of, random_weights

WIDE = torch.channels_last


def test_on_cpus_everything_stays_as_it_is() -> None:
    images = torch.zeros(2, 3, 4, 4)
    assert laid_out(images) is images
    network = network_of(CELL, SMALL)
    strides = [weight.stride() for weight in network.parameters()]
    lay_out_weights(network)
    assert [weight.stride() for weight in network.parameters()] == strides


def test_elsewhere_channels_come_last() -> None:
    """A device without memory stands for a GPU."""
    images = laid_out(torch.zeros(2, 3, 4, 4, device="meta"))
    assert images.stride() == (48, 1, 12, 3)
    network = SuperNetwork(CELL, SMALL, generator=torch.Generator()).to("meta")
    lay_out_weights(network)
    weights = dict(network.named_parameters())
    assert all(weight.is_contiguous(memory_format=WIDE) for weight in weights.values() if weight.ndim == 4)
    assert not all(weight.is_contiguous() for weight in weights.values() if weight.ndim == 4)
    assert all(weight.is_contiguous() for weight in weights.values() if weight.ndim != 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topology", "shape", "partial"), [(DARTS, SMALL, 1), (DARTS, SMALL, 2), (DARTS, TALL, 1), (CELL, SMALL, 1)]
)
def test_the_layout_changes_nothing_but_rounding(topology: Topology, shape: NetworkShape, partial: int) -> None:
    mixture = Mixture(random_weights(topology))
    images = images_of(32).expand(-1, 3, -1, -1) * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).view(3, 1, 1)
    shape = NetworkShape(shape.channels, shape.cells, 3, in_channels=3, stem=shape.stem)
    network = network_of(topology, shape, partial)
    expected = network(images.contiguous(), mixture)
    slopes = torch.autograd.grad(expected.square().sum(), list(network.parameters()))
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=WIDE)
    found = network(images.contiguous(memory_format=WIDE), mixture)
    torch.testing.assert_close(found, expected)
    again = torch.autograd.grad(found.square().sum(), list(network.parameters()))
    torch.testing.assert_close(again, slopes)
