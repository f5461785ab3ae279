from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from predictornas.live import zerocost
from predictornas.live.proxies import PROXIES, get_proxy
from predictornas.live.trainable_network import NetworkShape, build_network
from predictornas.live.zerocost import (
    Proxy,
    gradient_norm,
    jacobian_covariance,
    linear_regions,
    ntk_condition_number,
    ntk_condition_number_with_biases,
    synflow,
    weight_norm,
)
from predictornas.spaces.registry import get_space

LABELS = torch.tensor([0, 2, 1, 1])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def with_random_weights(network: nn.Module) -> nn.Module:
    for number, leaf in enumerate(network.parameters()):
        leaf.data = random(*leaf.shape, seed=number)
    return network


def tiny(norm: bool = True) -> nn.Module:
    """Two channels on 4 x 4 images, three classes, in float64."""
    layers = OrderedDict(
        conv=nn.Conv2d(1, 2, 3, padding=1),
        norm=nn.BatchNorm2d(2) if norm else nn.Identity(),
        relu=nn.ReLU(),
        flat=nn.Flatten(),
        linear=nn.Linear(32, 3),
    )
    return with_random_weights(nn.Sequential(layers).double())


IMAGES = random(4, 1, 4, 4, seed=9)


def test_synflow_of_two_layers_is_twice_the_flow_by_hand() -> None:
    # without biases R = 1 |W2| |W1| 1, and each layer's weights times their slopes sum to R again
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2), nn.Linear(2, 2, bias=False))
    network[1].weight.data = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
    network[3].weight.data = torch.tensor([[-1.0, 1.0], [2.0, -4.0]])
    network[2].running_mean += 5  # batch normalisation is left out, whatever its statistics
    # |W1| 1 = (3, 3), |W2| (3, 3) = (6, 18)
    assert synflow(network, torch.zeros(5, 1, 1, 2), LABELS, generator()) == pytest.approx(2 * 24)


def test_synflow_by_finite_differences() -> None:
    network = tiny()
    network.norm = nn.Identity()
    for leaf in network.parameters():
        leaf.data.abs_()

    def flow(layer: nn.Module, scale: float) -> float:
        scaled = copy.deepcopy(network)
        getattr(scaled, layer).weight.data *= scale
        return scaled(torch.ones(1, 1, 4, 4, dtype=torch.float64)).sum().item()

    expected = sum((flow(layer, 1 + 1e-4) - flow(layer, 1 - 1e-4)) / 2e-4 for layer in ("conv", "linear"))
    assert synflow(tiny(), IMAGES, LABELS, generator()) == pytest.approx(expected, rel=1e-8)


def test_jacobian_covariance_by_finite_differences() -> None:
    network, step = tiny().train(), 1e-5
    jacobian = np.zeros((4, 16))
    for image in range(4):
        for pixel in range(16):
            sides = []
            for sign in (1, -1):
                moved = IMAGES.clone()
                moved[image, 0, pixel // 4, pixel % 4] += sign * step
                sides.append(network(moved).sum().item())
            jacobian[image, pixel] = (sides[0] - sides[1]) / (2 * step)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(jacobian))
    expected = -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))
    assert jacobian_covariance(tiny(), IMAGES, LABELS, generator()) == pytest.approx(expected, rel=1e-6)


def test_images_that_nothing_depends_on_are_all_alike() -> None:
    class Blind(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            return self.bias.expand(len(images), -1)

    # a correlation matrix of ones has the eigenvalues 4, 0, 0, 0
    expected = -(np.log(4 + 1e-5) + 1 / (4 + 1e-5) + 3 * (np.log(1e-5) + 1e5))
    assert jacobian_covariance(Blind(2, 3), IMAGES, LABELS, generator()) == pytest.approx(expected, rel=1e-9)


def test_norms_by_hand() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 1), nn.Linear(1, 2))
    network[1].weight.data = torch.tensor([[3.0, 4.0]])
    network[2].weight.data = torch.tensor([[0.0], [0.0]])
    for layer in network[1:]:
        layer.bias.data.fill_(0)
    images = torch.tensor([[1.0, 1.0]]).reshape(1, 1, 1, 2)
    labels = torch.tensor([1])
    assert weight_norm(network, images, labels, generator()) == pytest.approx(5)
    # the logits are 0, so their slopes are 1/2 and -1/2, times the hidden 7; nothing comes through the zero weights
    assert gradient_norm(network, images, labels, generator()) == pytest.approx(np.hypot(3.5, 3.5), rel=1e-6)


def test_gradient_norm_is_that_of_a_training_step() -> None:
    network = tiny().train()
    nn.functional.cross_entropy(network(IMAGES), LABELS).backward()
    expected = (network.conv.weight.grad.norm() + network.linear.weight.grad.norm()).item()
    assert gradient_norm(tiny(), IMAGES, LABELS, generator()) == pytest.approx(expected, rel=1e-12)


def test_condition_numbers_of_two_images_by_hand_without_and_with_the_bias() -> None:
    """The gradient of w x + b is x, or (x, 1): kernels ((1, 0), (0, 4)) and ((2, 1), (1, 5))."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 1)).double()
    images = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64).reshape(2, 1, 1, 2)
    assert ntk_condition_number(network, images, LABELS[:2], generator()) == pytest.approx(-4)
    both = ntk_condition_number_with_biases(network, images, LABELS[:2], generator())
    assert both == pytest.approx(-(7 + 13**0.5) / (7 - 13**0.5))


@pytest.mark.parametrize(
    ("proxy", "counted"),
    [
        (ntk_condition_number, ["conv.weight", "norm.weight", "linear.weight"]),
        (ntk_condition_number_with_biases, [name for name, _ in tiny().named_parameters()]),
    ],
)
def test_the_condition_number_is_the_square_of_the_dense_jacobians(proxy: Proxy, counted: list[str]) -> None:
    network = tiny().train()
    names, leaves = zip(*((name, leaf) for name, leaf in network.named_parameters() if name in counted), strict=True)

    def logits(*values: Tensor) -> Tensor:
        return functional_call(network, dict(zip(names, values, strict=True)), (IMAGES,)).sum(1)

    blocks = torch.autograd.functional.jacobian(logits, leaves)
    dense = torch.cat([block.flatten(1) for block in blocks], dim=1).numpy()
    expected = -(np.linalg.cond(dense) ** 2)
    assert proxy(tiny(), IMAGES, LABELS, generator()) == pytest.approx(expected, rel=1e-6)


def test_a_kernel_of_equal_images_is_singular() -> None:
    same = IMAGES[:1].expand(4, -1, -1, -1)
    assert ntk_condition_number(tiny(norm=False), same, LABELS, generator()) < -1e12
    assert ntk_condition_number(tiny(norm=False), IMAGES[:1], LABELS[:1], generator()) == -1


def two_hidden_layers() -> nn.Module:
    return with_random_weights(
        nn.Sequential(nn.Flatten(), nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    )


@pytest.mark.slow
def test_regions_are_the_distinct_patterns_on_a_fine_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    network, points = two_hidden_layers(), 3001
    order = torch.randperm(4, generator=generator(5))
    counts = []
    with torch.no_grad():
        for one, other in zip(order, order.roll(1), strict=True):
            grid = torch.linspace(0, 1, points, dtype=torch.float64)[:, None]
            line = (1 - grid) * IMAGES[one].flatten() + grid * IMAGES[other].flatten()
            first = network[1](line)
            patterns = torch.cat([first > 0, network[3](first.relu()) > 0], dim=1)
            counts.append(len(np.unique(patterns.numpy(), axis=0)))
    monkeypatch.setattr(zerocost, "_INTERVALS", 300)
    assert max(counts) > 4
    assert linear_regions(network, IMAGES, LABELS, generator(5)) == np.mean(counts)


def test_one_hidden_layer_switches_at_most_once_a_segment() -> None:
    network = with_random_weights(nn.Sequential(nn.Flatten(), nn.Linear(16, 40), nn.ReLU(), nn.Linear(40, 3)).double())
    order = torch.randperm(4, generator=generator(3))
    active = (network[1](IMAGES.flatten(1)) > 0)[order]
    expected = 1 + float((active ^ active.roll(1, 0)).sum()) / 4
    assert expected > 5
    assert linear_regions(network, IMAGES, LABELS, generator(3)) == expected
    assert linear_regions(network, IMAGES[:1], LABELS[:1], generator(3)) == 1


def test_relus_of_one_input_are_one_relu() -> None:
    class Twice(nn.Module):
        def __init__(self, layers: nn.Sequential, again: bool) -> None:
            super().__init__()
            self.layers, self.again = layers, again

        def forward(self, images: Tensor) -> Tensor:
            hidden = self.layers[:2](images)
            active = nn.functional.relu(hidden) + (hidden.clone().relu_() if self.again else 0)
            return self.layers[3:](active / (2 if self.again else 1))

    once, twice = (Twice(two_hidden_layers(), again) for again in (False, True))
    regions = linear_regions(once, IMAGES, LABELS, generator())
    assert regions > 3
    assert linear_regions(twice, IMAGES, LABELS, generator()) == regions


@pytest.fixture(scope="module")
def cells() -> list[nn.Module]:
    space, shape = get_space("nasbench201"), NetworkShape(channels=4, cells=1, classes=3, in_channels=1)
    rows = np.array([[3, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0], [1, 4, 2, 3, 0, 1]], np.int8)
    return [build_network(space, row, shape, generator=generator()) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROXIES)
def test_a_network_is_left_as_it_was(name: str, cells: list[nn.Module]) -> None:
    network = cells[2]
    for number, module in enumerate(network.modules()):
        module.training = number % 3 == 0
    for number, leaf in enumerate(network.parameters()):
        leaf.grad = torch.full_like(leaf, 0.5) if number % 2 else None
        leaf.requires_grad_(number % 5 > 0)
    images = torch.randn(4, 1, 8, 8, generator=generator())
    before, training = copy.deepcopy(network), [module.training for module in network.modules()]
    gradients = [leaf.grad for leaf in network.parameters()]
    random_state = torch.random.get_rng_state()
    with torch.no_grad():
        score = get_proxy(name)(network, images, LABELS, generator(1))
    assert [module.training for module in network.modules()] == training
    assert not any(module._forward_hooks for module in network.modules())
    for (key, value), (_, then) in zip(network.state_dict().items(), before.state_dict().items(), strict=True):
        assert torch.equal(value, then), key
    for leaf, then, gradient in zip(network.parameters(), before.parameters(), gradients, strict=True):
        assert leaf.requires_grad == then.requires_grad
        assert leaf.grad is gradient
        assert gradient is None or bool((gradient == 0.5).all())
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert get_proxy(name)(before, images, LABELS, generator(1)) == score


@pytest.mark.slow
@pytest.mark.parametrize("name", PROXIES)
def test_cells_that_compute_outrank_a_cell_that_hands_nothing_on(name: str, cells: list[nn.Module]) -> None:
    images = torch.randn(4, 1, 8, 8, generator=generator())
    full, empty = (get_proxy(name)(network, images, LABELS, generator()) for network in cells[:2])
    assert np.isfinite(full)
    assert full > empty
