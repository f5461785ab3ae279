from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.live import side_by_side
from predictornas.live.augmentation import Augmentation
from predictornas.live.colour_jitter import Jitter
from predictornas.live.images.partition import partition
from predictornas.live.nasbench101_cell import NASBench101Cell
from predictornas.live.side_by_side import SideBySide, train_side_by_side
from predictornas.live.trainable_network import CellNetwork, NetworkShape, build_network
from predictornas.live.training import Job, train
from predictornas.live.training_recipes import Recipe
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from tests.live.training_examples import data, images

PARTS = images()
SHAPE = NetworkShape(channels=5, cells=1, classes=3, in_channels=1)
GENTLE = Recipe(epochs=2, batch_size=16, learning_rate=0.001, nesterov=True, weight_decay=5e-4)


def cell_of(edges: list[tuple[int, int]], operations: list[int]) -> np.ndarray:
    """Genes of NAS-Bench-101: edge x -> y at position x + y(y-1)/2, the vertices that are absent before the output."""
    last = len(operations) + 1
    row = np.zeros(26, np.int8)
    for source, target in edges:
        target = 6 if target == last else target
        row[source + target * (target - 1) // 2] = 1
    row[21:] = operations + [3] * (5 - len(operations))
    return row


CELLS = {
    # two vertices share 5 channels as 3 and 2, so the first is truncated on its way to the second
    "truncation and concatenation": cell_of([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 3)], [0, 1]),
    # three share them as 2, 2 and 1, behind a vertex of 2 that pools
    "a wider vertex inside": cell_of([(0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5)], [2, 0, 1, 2]),
    "input to output": cell_of([(0, 1)], []),
}
EDGES_OF_ALL_KINDS = np.array([3, 1, 2, 4, 0, 3], np.int8)


def networks_of(name: str, row: np.ndarray, copies: int = 3, stacks: int = 3) -> list[CellNetwork]:
    """Networks in float64, so that other orders of summing stay invisible, with running statistics of their own."""
    networks = []
    for seed in range(copies):
        generator = torch.Generator().manual_seed(seed)
        network = build_network(get_space(name), row, replace(SHAPE, stacks=stacks), generator=generator).double()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for values in (module.running_mean, module.running_var, module.weight, module.bias):
                    assert values is not None
                    values.data = torch.rand(values.shape, generator=generator, dtype=torch.float64) + 0.5
        networks.append(network)
    return networks


EXAMPLES = [("nasbench101", row, stacks) for row in CELLS.values() for stacks in (2, 3)]
EXAMPLES += [("nasbench201", EDGES_OF_ALL_KINDS, 3)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "row", "stacks"), EXAMPLES)
def test_outputs_gradients_and_statistics_are_those_of_the_networks_apart(
    name: str, row: np.ndarray, stacks: int
) -> None:
    space: SearchSpace = get_space(name)
    assert space.valid(row[None]).all()
    networks = networks_of(name, row, stacks=stacks)
    together = SideBySide(networks)
    own = torch.randn(3, 6, 1, 9, 9, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    weighting = torch.randn(6, 3, 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    side = torch.cat(list(own), dim=1).requires_grad_()
    for training in (True, False):
        apart = torch.stack([network.train(training)(part) for network, part in zip(networks, own, strict=True)], 1)
        found = together.train(training)(side)
        torch.testing.assert_close(found, apart)
        for network in (together, *networks):
            network.zero_grad()
        (found * weighting).sum().backward()
        (apart * weighting).sum().backward()
        compare(together, networks)


def compare(together: SideBySide, networks: list[CellNetwork]) -> None:
    """Every gradient and every running statistic."""
    joined = dict(together.body.named_parameters())
    assert len(joined) == len(list(networks[0].body.named_parameters()))
    for name, weight in joined.items():
        gradients = [network.body.get_parameter(name).grad for network in networks]
        assert (weight.grad is None) == all(gradient is None for gradient in gradients), name
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, torch.cat([known(gradient) for gradient in gradients]))
    for name in ("weight", "bias"):
        gradients = [getattr(network.classifier, name).grad for network in networks]
        torch.testing.assert_close(getattr(together, name).grad, torch.stack([known(own) for own in gradients]))
    for name, buffer in together.body.named_buffers():
        buffers = [network.body.get_buffer(name) for network in networks]
        torch.testing.assert_close(buffer, torch.cat(buffers) if buffer.ndim else buffers[0])


def known(gradient: Tensor | None) -> Tensor:
    assert gradient is not None
    return gradient


def test_the_networks_keep_their_own_weights() -> None:
    networks = networks_of("nasbench101", CELLS["truncation and concatenation"])
    before = [weight.detach().clone() for network in networks for weight in network.state_dict().values()]
    together = SideBySide(networks)
    together.train()(torch.randn(4, 3, 9, 9, dtype=torch.float64)).sum().backward()
    torch.optim.SGD(together.parameters(), 1.0).step()
    after = [weight for network in networks for weight in network.state_dict().values()]
    assert all(map(torch.equal, before, after))
    assert all(module.copies == 1 for module in networks[0].modules() if isinstance(module, NASBench101Cell))
    assert all(weight.grad is None for weight in networks[0].parameters())


RECIPES = {
    "plain": GENTLE,
    "everything": replace(
        GENTLE,
        schedule="exponential",
        decay=0.5,
        every_step=True,
        warm_up_epochs=1,
        label_smoothing=0.1,
        augmentation=Augmentation(crop_padding=1, flip=True, cutout=2),
    ),
    "rmsprop": replace(GENTLE, optimiser="rmsprop", nesterov=False),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row", "recipe"),
    [
        ("nasbench101", "truncation and concatenation", "plain"),
        ("nasbench101", "a wider vertex inside", "everything"),
        ("nasbench201", None, "rmsprop"),
    ],
)
def test_each_seed_learns_what_it_would_have_learned_alone(name: str, row: str | None, recipe: str) -> None:
    genes = EDGES_OF_ALL_KINDS if row is None else CELLS[row]
    seeds = (4, 0, 11)
    curves = train_side_by_side(get_space(name), genes, SHAPE, RECIPES[recipe], PARTS, seeds, evaluate_at=(2,))
    assert len(curves) == 3
    losses = set()
    for seed, curve in zip(seeds, curves, strict=True):
        job = Job(name, tuple(genes.tolist()), SHAPE, RECIPES[recipe], seed, evaluate_at=(2,))
        alone = train(job, PARTS)
        np.testing.assert_allclose(curve.train_loss, alone.train_loss, rtol=1e-4)
        for column in ("train_accuracy", "validation_accuracy", "test_accuracy"):
            np.testing.assert_allclose(getattr(curve, column), getattr(alone, column), atol=1e-9)
        assert np.isnan(curve.validation_accuracy).tolist() == [True, False]
        losses.add(float(curve.train_loss[0]))
        assert not curve.failed
    assert len(losses) == 3
    assert all((curve.seconds == curves[0].seconds).all() and (curve.seconds > 0).all() for curve in curves)


@pytest.mark.slow
def test_more_images_than_fit_into_a_batch_of_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    row = CELLS["truncation and concatenation"]
    arguments = (get_space("nasbench101"), row, SHAPE, replace(GENTLE, epochs=1), PARTS, (0, 1))
    whole = train_side_by_side(*arguments, evaluate_at=(1,))
    monkeypatch.setattr(side_by_side, "_EVALUATION_BATCH", 7)
    parts = train_side_by_side(*arguments, evaluate_at=(1,))
    for one, other in zip(whole, parts, strict=True):
        assert one.test_accuracy.tolist() == other.test_accuracy.tolist()
        assert one.validation_accuracy.tolist() == other.validation_accuracy.tolist()


@pytest.mark.slow
def test_a_copy_that_explodes_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    build = side_by_side.build_network

    def one_is_broken(*arguments: object, generator: torch.Generator) -> CellNetwork:
        network = build(*arguments, generator=generator)  # type: ignore[arg-type]
        if generator.initial_seed() == broken:
            network.classifier.weight.data *= 1e38
        return network

    broken = side_by_side.generator_for(1, 0, "weights", "cpu").initial_seed()
    monkeypatch.setattr(side_by_side, "build_network", one_is_broken)
    space, row = get_space("nasbench101"), CELLS["truncation and concatenation"]
    curves = train_side_by_side(space, row, SHAPE, GENTLE, PARTS, (0, 1, 2), evaluate_at=(1, 2))
    assert [curve.failed for curve in curves] == [False, True, False]
    assert [len(curve) for curve in curves] == [2, 1, 2]
    assert (curves[1].validation_accuracy[-1], curves[1].test_accuracy[-1]) == (0, 0)
    monkeypatch.undo()
    healthy = train_side_by_side(space, row, SHAPE, GENTLE, PARTS, (0, 2), evaluate_at=(1, 2))
    for one, other in zip(curves[::2], healthy, strict=True):
        np.testing.assert_allclose(one.train_loss, other.train_loss, rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"clip": 5.0},
        {"auxiliary_weight": 0.4},
        {"drop_path": 0.2},
        {"augmentation": Augmentation(resized_crop=0.5)},
        {"augmentation": Augmentation(jitter=Jitter(hue=0.1))},
    ],
)
def test_what_networks_cannot_share(change: dict[str, Any]) -> None:
    recipe = replace(GENTLE, **change)
    with pytest.raises(ConfigurationError, match="Set clip=None, auxiliary_weight=0, drop_path=0, resized_crop=None"):
        train_side_by_side(get_space("nasbench201"), EDGES_OF_ALL_KINDS, SHAPE, recipe, PARTS, (0,), evaluate_at=())


def test_networks_that_mix_channels_in_other_ways() -> None:
    darts = get_space("darts")
    row = darts.sample(1, np.random.default_rng(0))[0]
    shape = NetworkShape(channels=4, cells=2, classes=3, in_channels=1)
    with pytest.raises(ConfigurationError, match="Only networks of NAS-Bench-101 and NAS-Bench-201"):
        train_side_by_side(darts, row, shape, GENTLE, PARTS, (0, 1), evaluate_at=())


def test_settings_and_genes_that_cannot_be_trained() -> None:
    space, recipe = get_space("nasbench201"), replace(GENTLE, batch_size=1)
    with pytest.raises(ConfigurationError, match="batch_size must be at least 2"):
        train_side_by_side(space, EDGES_OF_ALL_KINDS, SHAPE, recipe, PARTS, (0,), evaluate_at=())
    with pytest.raises(InvalidArchitectureError):
        train_side_by_side(space, np.full(6, 9, np.int8), SHAPE, GENTLE, PARTS, (0,), evaluate_at=())


def test_without_images_to_validate_with_there_is_no_accuracy() -> None:
    row = get_space("nasbench201").enumerate()[5000]
    nothing = partition(data(), 0, seed=0)
    curves = train_side_by_side(get_space("nasbench201"), row, SHAPE, GENTLE, nothing, (1, 2), evaluate_at=(2,))
    for curve in curves:
        assert np.isnan(curve.validation_accuracy).all()
        assert np.isfinite(curve.test_accuracy[-1])
