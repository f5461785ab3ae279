import numpy as np
import pytest
import torch
from torch import nn

from predictornas.live.counting import count_multiply_adds, count_other_operations, count_parameters
from predictornas.live.operations import FactorizedReduce
from predictornas.live.trainable_network import NetworkShape, build_network, weightless_network
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space


def generator():
    return torch.Generator().manual_seed(0)


def test_the_smallest_nasbench101_cell_by_hand():
    space = get_space("nasbench101")
    network = weightless_network(space, space.enumerate()[0], NetworkShape(4, 1, 10, in_channels=1))
    # stem 3 x 3, then a projection of 4 -> 4, 4 -> 8 and 8 -> 16 channels at 8 x 8, 4 x 4 and 2 x 2, then 16 -> 10
    assert count_parameters(network) == (36 + 8) + (16 + 8) + (32 + 16) + (128 + 32) + 170
    assert count_multiply_adds(network, 1, 8) == 64 * 36 + 64 * 16 + 16 * 32 + 4 * 128 + 160


@pytest.mark.slow
@pytest.mark.parametrize(("genes", "ones", "threes"), [([4, 2, 1, 2, 1, 1], 2, 0), ([3, 3, 4, 1, 3, 2], 1, 3)])
def test_multiply_adds_of_nasbench201_by_hand(genes, ones, threes):
    by_hand = 27 * 16 * 32**2 + 64 * 10
    for channels, size in ((16, 32), (32, 16), (64, 8)):
        by_hand += 5 * size**2 * channels**2 * (ones + 9 * threes)
        if channels > 16:  # the residual block: two convolutions and a shortcut
            by_hand += size**2 * (9 * channels // 2 + 9 * channels + channels // 2) * channels
    network = weightless_network(get_space("nasbench201"), np.array(genes, np.int8), NetworkShape(16, 5, 10))
    assert count_multiply_adds(network, 3, 32) == by_hand


@pytest.mark.slow
def test_multiply_adds_of_darts_v2_on_imagenet():
    """The paper's 574M is the count of no public tool for the released genotype.

    The 544.59M that users of its code report is ours with two for each value of a batch normalisation and one for each
    of an activation or a pool.
    """
    space = get_space("darts")
    shape = NetworkShape(48, 14, 1000, stem="imagenet")
    network = weightless_network(space, space.genes_of(NAMED_GENOTYPES["DARTS-V2"]), shape)
    counted, other = count_multiply_adds(network, 3, 224), count_other_operations(network, 3, 224)
    convolutions, others = [768 * 1000], [768 * 49]

    def count(module, given, out):
        if isinstance(module, nn.Conv2d):
            convolutions.append(out.numel() * module.weight[0].numel())
        elif isinstance(module, nn.BatchNorm2d):
            others.append(2 * out.numel())
        elif isinstance(module, (nn.ReLU, nn.MaxPool2d, FactorizedReduce)):
            others.append(given[0].numel())

    for module in network.modules():
        module.register_forward_hook(count)
    network.eval()(torch.empty(1, 3, 224, 224, device="meta"))
    assert counted == sum(convolutions) == 529_911_552
    assert round((counted + sum(others)) / 1e6, 2) == 544.59
    assert other == sum(others)


def test_other_operations_of_the_smallest_cell_by_hand():
    space = get_space("nasbench101")
    network = weightless_network(space, space.enumerate()[0], NetworkShape(4, 1, 10, in_channels=1))
    # normalised and activated: 4 channels at 8 x 8 twice, 8 at 4 x 4, 16 at 2 x 2; pools halve what the first two gave;
    # the last average reads 16 channels at 2 x 2
    normalised = 2 * 4 * 64 + 8 * 16 + 16 * 4
    assert count_other_operations(network, 1, 8) == 3 * normalised + 4 * 64 + 8 * 16 + 16 * 4
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.slow
def test_the_auxiliary_head_is_not_counted():
    space = get_space("darts")
    row = space.genes_of(NAMED_GENOTYPES["DARTS-V1"])
    without, with_head = (
        weightless_network(space, row, NetworkShape(4, 3, 10, auxiliary=auxiliary)) for auxiliary in (False, True)
    )
    assert count_parameters(without) == count_parameters(with_head)
    assert count_multiply_adds(without, 3, 16) == count_multiply_adds(with_head, 3, 16)


@pytest.mark.slow
def test_counting_leaves_a_network_as_it_was(rng):
    space = get_space("darts-s4")
    row = space.sample(1, rng)[0]
    network = build_network(space, row, NetworkShape(4, 3, 10), generator=generator())
    network.path_generator = generator()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = network.path_generator.get_state()
    assert count_multiply_adds(network, 3, 16) == count_multiply_adds(
        weightless_network(space, row, NetworkShape(4, 3, 10)), 3, 16
    )
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(network.path_generator.get_state(), state)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.eval() is network
    count_multiply_adds(network, 3, 16)
    assert not network.training


def test_what_is_not_computed_is_not_counted():
    space = get_space("nasbench201")
    shape = NetworkShape(4, 1, 10)
    cut = weightless_network(space, np.zeros(6, np.int8), shape)
    dead = weightless_network(space, np.array([3, 3, 3, 0, 0, 0], np.int8), shape)
    assert count_multiply_adds(cut, 3, 8) == count_multiply_adds(dead, 3, 8)
    assert count_parameters(dead) - count_parameters(cut) == 3 * sum(9 * c * c + 2 * c for c in (4, 8, 16))
