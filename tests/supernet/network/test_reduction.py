from __future__ import annotations

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.reduction import reduced
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import darts_topology

NAMES = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_5x5")
TOPOLOGY = darts_topology(NAMES)
SHAPE = NetworkShape(channels=8, cells=3, classes=3, in_channels=1)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network_of(partial: int) -> SuperNetwork:
    """A network whose running statistics have moved."""
    network = SuperNetwork(TOPOLOGY, SHAPE, partial=partial, generator=generator(0)).double()
    with torch.no_grad():
        network(images(), mixture())
    return network


def images() -> Tensor:
    return torch.randn(3, 1, 8, 8, generator=generator(2), dtype=torch.float64)


def mixture() -> Mixture:
    return Mixture(
        {name: torch.rand(14, 5, generator=generator(1), dtype=torch.float64) for name in TOPOLOGY.cell_types}
    )


def kept_columns() -> dict[str, list[list[int]]]:
    """Two to four random operations an edge, in the order of the edge."""
    draws = generator(3)
    return {
        name: [sorted(torch.randperm(5, generator=draws)[: 2 + edge % 3].tolist()) for edge in range(14)]
        for name in TOPOLOGY.cell_types
    }


def kept_names() -> dict[str, list[list[str]]]:
    return {name: [[NAMES[column] for column in columns] for columns in rows] for name, rows in kept_columns().items()}


def masked(full: Mixture) -> Mixture:
    """The mixture of the full network without the operations that are dropped."""
    weights = {name: torch.zeros_like(values) for name, values in full.weights.items()}
    for name, rows in kept_columns().items():
        for edge, columns in enumerate(rows):
            weights[name][edge, columns] = full.weights[name][edge, columns]
    return Mixture(weights)


def narrowed(full: Mixture) -> Mixture:
    """The mixture of the reduced network, padded."""
    weights = {name: torch.zeros(14, 4, dtype=torch.float64) for name in full.weights}
    for name, rows in kept_columns().items():
        for edge, columns in enumerate(rows):
            weights[name][edge, : len(columns)] = full.weights[name][edge, columns]
    return Mixture(weights)


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_fewer_operations_compute_what_the_full_network_computes_without_the_others(training: bool) -> None:
    network = network_of(2).train(training)
    smaller, _ = reduced(network, kept_names(), partial=2, generator=generator(4))
    assert smaller.training == training
    torch.testing.assert_close(smaller(images(), narrowed(mixture())), network(images(), masked(mixture())))
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in network.parameters())


@pytest.mark.slow
def test_training_goes_on_with_the_momentum_of_the_kept_operations() -> None:
    """Two more steps of SGD by the reduced network are those of the full one without the dropped operations."""
    network = network_of(2)
    optimiser = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    step(network, optimiser, mixture())
    smaller, transfer = reduced(network, kept_names(), partial=2, generator=generator(4))
    own = torch.optim.SGD(smaller.parameters(), 0.1, momentum=0.9)
    transfer.copy_momentum((network, optimiser), (smaller, own))
    for _ in range(2):  # the second time its own momentum has joined
        step(network, optimiser, masked(mixture()))
        step(smaller, own, narrowed(mixture()))
    full = dict(network.named_parameters())
    for name, parameter in smaller.named_parameters():
        torch.testing.assert_close(parameter, transfer.of(name, full[name]))


def step(network: SuperNetwork, optimiser: torch.optim.Optimizer, factors: Mixture) -> None:
    """One step; operations that are not computed have a gradient of zero, not none, so that momentum moves all."""
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(network(images(), factors), torch.tensor([0, 1, 2])).backward()
    for parameter in network.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    optimiser.step()


@pytest.mark.slow
def test_wider_channels_keep_the_old_ones_and_copy_some_of_them() -> None:
    network = network_of(4)  # 2 of 8 channels, then 4 of 8
    every = {name: [list(NAMES)] * 14 for name in TOPOLOGY.cell_types}
    smaller, _ = reduced(network, every, partial=2, generator=generator(4))
    old, new = network.state_dict(), smaller.state_dict()
    widened = [name for name in new if new[name].shape != old[name].shape]
    assert {name.rsplit(".", 1)[1] for name in widened} == {"weight", "running_mean", "running_var"}
    for name in new:
        corner = tuple(slice(size) for size in old[name].shape)
        if "skip_connect" not in name:  # its halves of the channels grow separately
            assert new[name][corner].equal(old[name])
        if name.endswith("depthwise.weight"):
            filters = old[name].flatten(2)
            copies = new[name].flatten(2)
            equal = (copies[:, :, None] == filters[:, None]).all(-1)  # lane, new channel, old channel
            assert equal.any(-1).all()
    assert smaller(images(), mixture()).isfinite().all()
    assert smaller.partial == 2


def test_both_halves_of_a_halving_skip_follow_their_statistics() -> None:
    """A channel of the wider operation is normalised by the statistics of the channel whose filter it copies."""
    network = network_of(4)
    every = {name: [list(NAMES)] * 14 for name in TOPOLOGY.cell_types}
    smaller, _ = reduced(network, every, partial=2, generator=generator(4))
    path = "body.cells.1.mixed.waves.0.lanes.skip_connect."
    old, new = network.state_dict(), smaller.state_dict()
    filters = {
        name: torch.cat([state[path + "straight.weight"], state[path + "shifted.weight"]], dim=1)[0, :, :4, 0, 0]
        for name, state in (("old", old), ("new", new))
    }
    for channel in range(8):
        copied = (filters["old"] == filters["new"][channel]).all(1).nonzero().item()
        assert new[path + "norm.running_var"][0, channel] == old[path + "norm.running_var"][0, copied]


@pytest.mark.slow
def test_the_same_generator_copies_the_same_channels() -> None:
    network = network_of(4)
    every = {name: [list(NAMES)] * 14 for name in TOPOLOGY.cell_types}
    first, second = (reduced(network, every, partial=2, generator=generator(4))[0] for _ in range(2))
    for name, values in first.state_dict().items():
        assert values.equal(second.state_dict()[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "partial", "message"),
    [
        ({}, 4, "only grow wider: partial = 4 after 2"),
        ({"normal": [["sep_conv_5x5"]] * 14}, 2, "cannot keep .*sep_conv_5x5"),
        ({"normal": [[]] * 14}, 2, "cannot keep nothing"),
        ({"normal": [["none"]] * 13}, 2, "13 edges"),
    ],
)
def test_what_cannot_be_reduced_is_refused(change: dict[str, list[list[str]]], partial: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        reduced(network_of(2), kept_names() | change, partial=partial, generator=generator(4))
