from __future__ import annotations

import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.live.trainable_network import NetworkShape
from predictornas.spaces.darts import DARTS_OPERATIONS
from predictornas.supernet.network.mixture import Decisions, Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology, darts_topology, nasbench201_topology
from tests.supernet.straightforward import paired, reference_of

DARTS = darts_topology(DARTS_OPERATIONS)
PER_EDGE = darts_topology(
    DARTS_OPERATIONS,
    tuple(DARTS_OPERATIONS[edge % 4 : edge % 4 + 2 + edge % 3] for edge in range(14)),
    tuple(DARTS_OPERATIONS[3:5] if edge % 2 else ("max_pool_3x3",) for edge in range(14)),
)
"""Edges of one to four operations, as in a space with its own operations on each edge."""
CELL = nasbench201_topology()
SMALL = NetworkShape(channels=4, cells=3, classes=3, in_channels=1)
TALL = NetworkShape(channels=4, cells=2, classes=3, in_channels=1, stem="imagenet")
SHALLOW = NetworkShape(channels=4, cells=1, classes=3, in_channels=1)


def network_of(topology: Topology, shape: NetworkShape, partial: int = 1) -> SuperNetwork:
    return SuperNetwork(topology, shape, partial=partial, generator=torch.Generator().manual_seed(0)).double()


def random_weights(topology: Topology) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        cell.name: torch.rand(len(cell.edges), cell.width, generator=generator, dtype=torch.float64)
        for cell in topology.cells
    }


def images_of(size: int) -> Tensor:
    return torch.randn(3, 1, size, size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def with_gradients(model, images: Tensor, mixture: Mixture) -> tuple[Tensor, list[Tensor]]:
    """Logits, and the gradients of a loss with respect to the factors, zero where they ask for none."""
    model.zero_grad()
    logits = model(images, mixture)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2]))
    leaves = [*mixture.weights.values(), *(mixture.edge_weights or {}).values()]
    for leaf in leaves:
        leaf.grad = torch.zeros_like(leaf)
    loss.backward()
    return logits.detach(), [leaf.grad for leaf in leaves]


def assert_equal_to_the_reference(network: SuperNetwork, images: Tensor, mixture: Mixture) -> None:
    reference = reference_of(network)
    expected, slopes = with_gradients(reference, images, mixture)
    found, own_slopes = with_gradients(network, images, mixture)
    torch.testing.assert_close(found, expected)
    for own, slope in zip(own_slopes, slopes, strict=True):
        torch.testing.assert_close(own, slope)
    ours = dict(network.named_parameters())
    for name, lane, parameter in paired(network, reference):
        gradient = ours[name].grad
        if gradient is not None and parameter.grad is not None:
            torch.testing.assert_close(gradient if lane is None else gradient[lane], parameter.grad)
        else:  # what was not computed has no influence
            assert parameter.grad is None or not parameter.grad.any()
            assert gradient is None or not (gradient if lane is None else gradient[lane]).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("topology", "shape", "size"),
    [(DARTS, SMALL, 8), (PER_EDGE, SMALL, 8), (CELL, SHALLOW, 8), (DARTS, SHALLOW, 9), (DARTS, TALL, 32)],
    ids=["darts", "own operations on each edge", "nasbench201", "odd size", "imagenet stem"],
)
def test_logits_and_all_gradients_equal_those_of_one_module_an_edge_and_operation(
    topology: Topology, shape: NetworkShape, size: int
) -> None:
    weights = {name: values.requires_grad_() for name, values in random_weights(topology).items()}
    assert_equal_to_the_reference(network_of(topology, shape), images_of(size), Mixture(weights))


@pytest.mark.slow
@pytest.mark.parametrize(("topology", "shape"), [(DARTS, SMALL), (CELL, SHALLOW)], ids=["darts", "nasbench201"])
def test_partial_channels_and_edge_weights_equal_the_reference(topology: Topology, shape: NetworkShape) -> None:
    weights = {name: values.requires_grad_() for name, values in random_weights(topology).items()}
    edges = {name: (values.detach().sum(1) / 3).requires_grad_() for name, values in weights.items()}
    assert_equal_to_the_reference(network_of(topology, shape, 2), images_of(8), Mixture(weights, edges))


@pytest.mark.slow
def test_k_of_one_and_edge_weights_of_one_are_darts() -> None:
    network, weights = network_of(DARTS, SMALL), random_weights(DARTS)
    ones = {name: torch.ones(14, dtype=torch.float64) for name in weights}
    plain = network(images_of(8), Mixture(weights))
    torch.testing.assert_close(network(images_of(8), Mixture(weights, ones)), plain)
    doubled = {name: 2 * values for name, values in ones.items()}
    assert not torch.allclose(network(images_of(8), Mixture(weights, doubled)), plain)


def one_hot(topology: Topology, seed: int) -> dict[str, Tensor]:
    """A random operation on each edge."""
    generator = torch.Generator().manual_seed(seed)
    return {
        cell.name: torch.stack(
            [
                torch.eye(cell.width, dtype=torch.float64)[torch.randint(len(names), (), generator=generator)]
                for names in cell.operations
            ]
        )
        for cell in topology.cells
    }


@pytest.mark.slow
@pytest.mark.parametrize("topology", [DARTS, PER_EDGE, CELL], ids=["darts", "own operations", "nasbench201"])
def test_a_sampled_path_equals_the_reference_and_leaves_the_rest_alone(topology: Topology) -> None:
    network = network_of(topology, SHALLOW)
    for seed in range(3):
        assert_equal_to_the_reference(network, images_of(8), Mixture(one_hot(topology, seed)))


def test_a_sparse_mixture_gives_gradients_to_the_factors_of_the_path_alone() -> None:
    network, choice = network_of(CELL, SHALLOW), one_hot(CELL, 0)
    weights = {"cell": choice["cell"].clone().requires_grad_()}
    _, (dense,) = with_gradients(network, images_of(8), Mixture(weights))
    _, (sparse,) = with_gradients(network, images_of(8), Mixture(weights, sparse=True))
    torch.testing.assert_close(sparse, dense * choice["cell"])
    assert dense[choice["cell"] == 0].any()


def test_lanes_off_the_path_keep_their_running_statistics() -> None:
    network, choice = network_of(CELL, SHALLOW), one_hot(CELL, 0)
    before = {name: value.clone() for name, value in network.state_dict().items() if "lanes" in name}
    network(images_of(8), Mixture(choice))
    moved = {name for name, value in network.state_dict().items() if name in before and not value.equal(before[name])}
    assert moved
    wave = network.body.cells[0].waves[0]
    for name, places in wave.wave.lanes.items():
        for lane, (edge, column) in enumerate(places):
            key = f"body.cells.0.waves.0.lanes.{name}.norm.running_var"
            same = network.state_dict()[key][lane].equal(before[key][lane])
            assert same == (choice["cell"][edge, column] == 0)


@pytest.mark.slow
def test_running_statistics_serve_evaluation_as_in_the_reference() -> None:
    network, mixture = network_of(DARTS, SMALL), Mixture(random_weights(DARTS))
    reference = reference_of(network)
    for model in (network, reference):
        for _ in range(3):
            model(images_of(8), mixture)
        model.eval()
    torch.testing.assert_close(network(images_of(8), mixture), reference(images_of(8), mixture))


def test_nothing_chosen_is_a_network_of_zeros() -> None:
    """Logits do not depend on the images where every edge carries nothing."""
    network = network_of(CELL, SHALLOW)
    weights = {"cell": torch.zeros(6, 5, dtype=torch.float64)}
    logits = network.eval()(images_of(8), Mixture(weights))
    torch.testing.assert_close(logits, logits[:1].expand(3, -1))


def test_a_decided_edge_computes_only_its_operation_and_a_pruned_one_nothing() -> None:
    decisions = Decisions().with_edge("cell", 0, 3).with_edge("cell", 5, None)
    weights = random_weights(CELL)["cell"]
    weights[0] = torch.eye(5, dtype=torch.float64)[3]
    weights[5] = 0
    mixture = Mixture({"cell": weights.requires_grad_()}, decisions=decisions)
    network = network_of(CELL, SHALLOW, 2)
    calls = {}
    for name, module in network.body.cells[0].named_modules():
        if hasattr(module, "shares_input"):
            module.register_forward_hook(lambda _, inputs, __, name=name: calls.update({name: len(inputs[2])}))
    network(images_of(8), mixture)
    assert calls == {
        "waves.0.lanes.nor_conv_1x1": 2,
        "waves.0.lanes.nor_conv_3x3": 3,
        "waves.1.lanes.nor_conv_1x1": 2,
        "waves.1.lanes.nor_conv_3x3": 2,
    }


def test_an_edge_without_weight_carries_no_bypass_either() -> None:
    """Without edges into the last node, partial channels or not, the images have no influence."""
    network, mixture = network_of(CELL, SHALLOW, 2), Mixture(random_weights(CELL))
    for edge in (3, 4, 5):
        mixture = mixture.without_edge("cell", edge)
    logits = network.eval()(images_of(8), mixture)
    torch.testing.assert_close(logits, logits[:1].expand(3, -1))


def test_the_parameters_are_those_of_the_released_search_network() -> None:
    """The code of DARTS prints 1.930618 MB for its search network of 8 cells and 16 channels."""
    network = SuperNetwork(
        DARTS, NetworkShape(channels=16, cells=8, classes=10), generator=torch.Generator().manual_seed(0)
    )
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_930_618


def test_the_same_generator_gives_the_same_weights_and_another_others() -> None:
    first, second = network_of(CELL, SHALLOW), network_of(CELL, SHALLOW)
    other = SuperNetwork(CELL, SHALLOW, generator=torch.Generator().manual_seed(1))
    for name, values in first.state_dict().items():
        assert values.equal(second.state_dict()[name])
    assert not first.classifier.weight.equal(other.classifier.weight.double())


def test_weights_start_uniform_within_one_over_the_root_of_the_inputs() -> None:
    network = SuperNetwork(DARTS, SHALLOW, generator=torch.Generator().manual_seed(0))
    separable = network.body.cells[0].mixed.waves[0].lanes["sep_conv_5x5"]
    for weight, inputs in ((separable.first.depthwise.weight, 25), (separable.second.pointwise.weight, 8)):
        bound = inputs**-0.5
        assert 0.9 * bound < weight.abs().max() <= bound


def test_noise_comes_from_the_generator_and_is_weighted() -> None:
    topology = darts_topology(("noise", "sep_conv_3x3"))
    network = network_of(topology, SHALLOW)
    weights = {name: torch.tensor([[1.0, 0.0]] * 14, dtype=torch.float64) for name in ("normal", "reduction")}

    def logits(seed: int) -> Tensor:
        network.set_noise_generator(torch.Generator().manual_seed(seed))
        return network.eval()(images_of(8), Mixture(weights))

    assert logits(0).equal(logits(0))
    assert not logits(0).equal(logits(1))


@pytest.mark.parametrize(
    ("topology", "shape", "partial", "message"),
    [
        (DARTS, SMALL, 3, "partial = 3"),
        (DARTS, SMALL, 4, "at least 2"),
        (DARTS, NetworkShape(4, 3, 3, auxiliary=True), 1, "no auxiliary head"),
        (CELL, NetworkShape(4, 3, 3, stem="imagenet"), 1, "Use 'cifar'"),
        (CELL, NetworkShape(4, 0, 3), 1, "cells = 0"),
    ],
)
def test_what_cannot_be_built_is_refused(topology: Topology, shape: NetworkShape, partial: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        network_of(topology, shape, partial)
