import math

import numpy as np
import pytest
import torch
from torch import nn

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.live.operations import DropPath, Noise
from predictornas.live.trainable_network import NetworkShape, build_network, check_shape, weightless_network
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.nasbench101_cells import INPUT, OUTPUT
from predictornas.spaces.product import ProductSpace
from predictornas.spaces.registry import get_space

SPACES = ("nasbench101", "nasbench201", "darts", "darts-8", "darts-s1", "darts-s2", "darts-s3", "darts-s4")
SHAPE = NetworkShape(channels=8, cells=2, classes=5)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=2, size=8, channels=3):
    return torch.randn(n, channels, size, size, generator=generator(1))


def network_of(name, shape=SHAPE, seed=0):
    space = get_space(name)
    return build_network(space, space.sample(1, np.random.default_rng(3))[0], shape, generator=generator(seed))


def darts_v2(shape, seed=0):
    space = get_space("darts")
    return build_network(space, space.genes_of(NAMED_GENOTYPES["DARTS-V2"]), shape, generator=generator(seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_networks_of_every_space_learn(name):
    network = network_of(name)
    logits = network(images())
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert network.classifier.weight.grad.abs().sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (11, 3), (16, 2)])
def test_any_size_and_any_channels(name, size, channels):
    network = network_of(name, NetworkShape(8, 3, 2, in_channels=channels)).eval()
    assert network(images(1, size, channels)).shape == (1, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "stem"), [(8, "cifar"), (32, "cifar"), (8, "imagenet"), (75, "imagenet")])
def test_the_auxiliary_head_speaks_in_training_only(size, stem):
    network = darts_v2(NetworkShape(4, 3, 5, auxiliary=True, stem=stem))
    logits, auxiliary = network.with_auxiliary(images(4, size))
    assert logits.shape == auxiliary.shape == (4, 5)
    assert not torch.equal(logits, auxiliary)
    logits, auxiliary = network.eval().with_auxiliary(images(4, size))
    assert auxiliary is None
    assert torch.equal(logits, network(images(4, size)))


def test_no_auxiliary_head_was_asked_for():
    assert network_of("nasbench101").with_auxiliary(images())[1] is None
    assert darts_v2(SHAPE).with_auxiliary(images())[1] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
def test_the_generator_is_the_only_source_of_weights(name):
    before = torch.random.get_rng_state()
    torch.manual_seed(1)
    first = network_of(name, seed=7).state_dict()
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    second = network_of(name, seed=7).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.random.set_rng_state(before)
    assert all(torch.equal(first[key], second[key]) for key in first)
    other = network_of(name, seed=8)
    convolutions = [key for key, module in other.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert not any(torch.equal(first[f"{key}.weight"], other.state_dict()[f"{key}.weight"]) for key in convolutions)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
def test_every_parameter_and_buffer_has_a_start(name, monkeypatch):
    """Memory that is allocated holds not-a-number here, so that nothing can stay unset."""
    empty = nn.Module.to_empty

    def poisoned(self, *, device):
        network = empty(self, device=device)
        for tensor in network.state_dict().values():
            tensor.fill_(math.nan if tensor.is_floating_point() else 99)
        return network

    monkeypatch.setattr(nn.Module, "to_empty", poisoned)
    network = network_of(name, NetworkShape(8, 3, 5, auxiliary=name == "darts"))
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)
    assert all((norm.running_var == 1).all() and norm.num_batches_tracked == 0 for norm in norms)


def test_darts_starts_uniformly():
    network = darts_v2(NetworkShape(32, 3, 10))
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.weight.numel() > 5000:
            inputs = module.weight[0].numel()
            assert 0.99 / math.sqrt(inputs) < module.weight.abs().max() <= 1 / math.sqrt(inputs)
            assert abs(module.weight.std() * math.sqrt(3 * inputs) - 1) < 0.03
    assert 0 < network.classifier.bias.abs().max() <= 1 / math.sqrt(network.body.features)


def test_nasbench101_starts_as_tensorflow_does():
    network = network_of("nasbench101", NetworkShape(32, 2, 100))
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            std = 1 / math.sqrt(module.weight[0].numel())
            assert abs(module.weight.std() / std - 1) < 0.03
            assert 1.9 / 0.8796 * std < module.weight.abs().max() <= 2 / 0.8796 * std
    bound = math.sqrt(6 / (128 + 100))
    assert 0.99 * bound < network.classifier.weight.abs().max() <= bound
    assert (network.classifier.bias == 0).all()


def test_the_share_of_a_batch_in_running_statistics():
    network = network_of("nasbench101", NetworkShape(8, 1, 5, batch_norm_momentum=0.003))
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm2d)} == {0.003}


def test_dropped_paths_follow_the_generator():
    network = darts_v2(NetworkShape(4, 3, 5))
    network.drop_path = 0.5
    assert network.drop_path == 0.5
    assert {m.probability for m in network.modules() if isinstance(m, DropPath)} == {0.5}

    def logits(seed):
        network.path_generator = generator(seed)
        return network(images(4))

    first = logits(1)
    torch.manual_seed(0)
    assert torch.equal(logits(1), first)
    assert not torch.equal(logits(2), first)
    network.drop_path = 0.0
    assert torch.equal(logits(1), logits(2))


def test_noise_follows_the_generator_in_evaluation_too():
    network = network_of("darts-s4").eval()
    assert any(isinstance(module, Noise) for module in network.modules())
    network.path_generator = generator(1)
    first = network(images())
    assert not torch.equal(network(images()), first)
    network.path_generator = generator(1)
    assert torch.equal(network(images()), first)


def test_only_darts_drops_paths():
    network = network_of("nasbench201")
    network.drop_path = 0.0
    with pytest.raises(ConfigurationError, match=r"drop_path = 0.2.*only networks of the DARTS spaces"):
        network.drop_path = 0.2
    with pytest.raises(ConfigurationError, match=r"drop_path = 1.0 is not in \[0, 1\)"):
        darts_v2(SHAPE).drop_path = 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
def test_other_memory_formats_and_precisions(name):
    network = network_of(name, NetworkShape(8, 3, 5)).eval()
    expected = network(images())
    network.to(memory_format=torch.channels_last)
    turned = images().to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(turned), expected, atol=1e-5, rtol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = network(turned)
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.float(), expected, atol=0.05 * expected.abs().max().item(), rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts-s4"])
def test_on_a_gpu(name):
    network = network_of(name).to("cuda", memory_format=torch.channels_last)
    network.path_generator = torch.Generator("cuda").manual_seed(0)
    network.drop_path = 0.2 if name == "darts-s4" else 0.0
    with torch.autocast("cuda", torch.bfloat16):
        logits = network(images(4, 32).cuda())
    logits.float().sum().backward()
    assert logits.isfinite().all()


def test_a_restricted_space_has_the_networks_of_its_base():
    space = get_space("nasbench201")
    rows = space.enumerate()[5000:5003]
    part = space.restricted_to(space.keys(rows))
    networks = [build_network(which, rows[1], SHAPE, generator=generator()) for which in (space, part)]
    first, second = (network.state_dict() for network in networks)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    with pytest.raises(InvalidArchitectureError, match="no architecture of nasbench201"):
        build_network(part, space.enumerate()[0], SHAPE, generator=generator())


def test_stacks_of_nasbench101():
    space = get_space("nasbench101")
    row = space.enumerate()[0]
    assert weightless_network(space, row, NetworkShape(8, 1, 5, stacks=2)).body.features == 16
    with pytest.raises(ConfigurationError, match=r"stacks = 2.*three stages"):
        weightless_network(get_space("darts"), darts_row(), NetworkShape(8, 1, 5, stacks=2))


def darts_row():
    return get_space("darts").genes_of(NAMED_GENOTYPES["DARTS-V1"])


def test_genes_that_break_the_rules():
    space = get_space("nasbench101")
    broken = space.enumerate()[0].copy()
    broken[:21] = 0  # no path from input to output
    with pytest.raises(InvalidArchitectureError, match=r"no architecture of nasbench101.*`normalise`"):
        build_network(space, broken, SHAPE, generator=generator())
    doubled = darts_row()
    doubled[2] = doubled[0]  # the same input twice
    with pytest.raises(InvalidArchitectureError, match="no architecture of darts"):
        build_network(get_space("darts"), doubled, SHAPE, generator=generator())


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("nasbench201", {"channels": 0}, "channels = 0; .* at least 1"),
        ("darts", {"channels": 1}, "channels = 1; .* at least 2"),
        ("darts", {"cells": 0}, "cells = 0"),
        ("darts", {"classes": 1}, "classes = 1"),
        ("darts", {"in_channels": 0}, "in_channels = 0"),
        ("nasbench101", {"stacks": 0}, "stacks = 0"),
        ("darts", {"stem": "mnist"}, "stem = 'mnist'; .* cifar, imagenet"),
        ("darts", {"batch_norm_momentum": 0.0}, "batch_norm_momentum = 0.0"),
        ("nasbench201", {"auxiliary": True}, "auxiliary = True.*no auxiliary head"),
        ("nasbench101", {"stem": "imagenet"}, "stem = 'imagenet'.*only the stem 'cifar'"),
    ],
)
def test_shapes_that_cannot_be(name, change, message):
    with pytest.raises(ConfigurationError, match=message):
        network_of(name, NetworkShape(**{"channels": 8, "cells": 2, "classes": 5, **change}))


def test_channels_that_some_cell_cannot_share():
    """Four vertices between input and output, each with an edge to both: 8 edges; a fifth would need 10 in all."""
    space = get_space("nasbench101")
    row = space.from_matrices(
        np.array([[[0, 1, 1, 1, 1, 0], *[[0, 0, 0, 0, 0, 1]] * 4, [0] * 6]], np.uint8),
        np.array([[INPUT, 0, 0, 0, 0, OUTPUT]], np.int8),
    )[0]
    with pytest.raises(ConfigurationError, match="4 vertices of this NAS-Bench-101 cell share 3 channels"):
        weightless_network(space, row, NetworkShape(3, 1, 2))
    with pytest.raises(ConfigurationError, match="channels = 3, but up to 4 vertices share"):
        check_shape(space, NetworkShape(3, 1, 2))
    weightless_network(space, row, NetworkShape(4, 1, 2))
    check_shape(space, NetworkShape(4, 1, 2))
    check_shape(get_space("nasbench201"), NetworkShape(1, 1, 2))
    with pytest.raises(ConfigurationError, match="channels = 1; it has to be at least 2"):
        check_shape(get_space("darts-s2"), NetworkShape(1, 1, 2))


def test_a_space_without_networks():
    class Other(ProductSpace):
        name = "other"
        num_choices = (2, 2, 2)

        def describe(self, genes):
            return str(genes)

        def graphs(self, genes):
            raise NotImplementedError

        graph_keys = ProductSpace.keys

    with pytest.raises(ConfigurationError, match="No network is known for architectures of 'other'"):
        build_network(Other(), np.zeros(3, np.int8), SHAPE, generator=generator())
    with pytest.raises(ConfigurationError, match="No network is known for architectures of 'other'"):
        check_shape(Other(), SHAPE)


def test_a_part_of_a_space_may_be_narrower_than_the_whole():
    """Nothing that three vertices share with each other needs a fourth channel."""
    whole = get_space("nasbench101")
    cells = whole.sample(300, np.random.default_rng(0))
    graphs = whole.graphs(cells)
    outputs = (graphs.operations >= 0).sum(axis=1) - 1
    sharing = graphs.adjacency[np.arange(len(cells)), 1:, outputs].sum(axis=1)
    assert sharing.max() > 2
    part = whole.restricted_to(whole.keys(cells[sharing <= 2]))
    check_shape(part, NetworkShape(2, 1, 2))
    for shape, space in ((NetworkShape(1, 1, 2), part), (NetworkShape(3, 1, 2), whole)):
        with pytest.raises(ConfigurationError, match="vertices share the channels"):
            check_shape(space, shape)
