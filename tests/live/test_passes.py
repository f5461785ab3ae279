from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from predictornas.live.augmentation import Augmentation
from predictornas.live.passes import accuracy, generator_for, train_epoch
from predictornas.live.trainable_network import CellNetwork, NetworkShape, build_network
from predictornas.live.training_recipes import Recipe
from predictornas.seeding import rng_for
from predictornas.spaces.registry import get_space
from tests.live.training_examples import GENES, RECIPE, SHAPE, images

PARTS = images()
PLAIN = replace(RECIPE, augmentation=Augmentation(), batch_size=11, clip=None, weight_decay=0.0, momentum=0.0)


def network(seed: int = 1) -> CellNetwork:
    return build_network(get_space("nasbench201"), GENES[0], SHAPE, generator=torch.Generator().manual_seed(seed))


def darts_network() -> CellNetwork:
    shape = NetworkShape(channels=2, cells=3, classes=3, in_channels=1, auxiliary=True)
    space = get_space("darts")
    row = space.sample(1, np.random.default_rng(0))[0]
    return build_network(space, row, shape, generator=torch.Generator().manual_seed(1))


def run(model: CellNetwork, recipe: Recipe, *, seed: int = 3, epoch: int = 1, parts=PARTS) -> tuple[float, float]:
    optimiser = torch.optim.SGD(model.parameters(), recipe.learning_rate, momentum=recipe.momentum)
    return train_epoch(model, model.with_auxiliary, optimiser, parts, recipe, seed=seed, epoch=epoch)


def weights(model: CellNetwork) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


@pytest.mark.slow
def test_an_epoch_is_that_of_a_plain_loop() -> None:
    """Cross-entropy with smoothed labels, an auxiliary head and clipping, all written out."""
    recipe = replace(PLAIN, label_smoothing=0.3, auxiliary_weight=0.4, clip=0.5, learning_rate=0.2)
    model, plain = darts_network(), darts_network()
    loss, right = run(model, recipe)
    mean, std = PARTS.mean[0], PARTS.std[0]
    inputs = (PARTS.train.pixels.float() / 255 - mean) / std
    targets = torch.full((33, 3), 0.1)
    targets[torch.arange(33), PARTS.train.labels] += 0.7
    rate = 0.1 * (1 + np.cos(np.pi / 4))
    losses, correct = [], 0
    for chosen in rng_for(3, 1, "order").permutation(33).reshape(3, 11):
        logits, auxiliary = plain.with_auxiliary(inputs[chosen])
        main = -(targets[chosen] * log_softmax(logits, 1)).sum(1).mean()
        total = main - 0.4 * (targets[chosen] * log_softmax(auxiliary, 1)).sum(1).mean()
        gradients = torch.autograd.grad(total, list(plain.parameters()))
        norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
        assert norm > 0.5
        with torch.no_grad():
            for weight, gradient in zip(plain.parameters(), gradients, strict=True):
                weight -= rate * 0.5 / norm * gradient
        losses.append(main.item())
        correct += int((logits.argmax(1) == PARTS.train.labels[chosen]).sum())
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert right == correct / 33
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-5)


def test_the_last_batch_is_smaller_and_never_a_single_image() -> None:
    sizes: list[int] = []
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)

    def forward(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        sizes.append(len(batch))
        return model.with_auxiliary(batch)

    for size in (15, 16):
        recipe = replace(PLAIN, batch_size=size)
        train_epoch(model, forward, optimiser, PARTS, recipe, seed=0, epoch=0)
    assert sizes == [15, 15, 3, 16, 16]


@pytest.mark.slow
def test_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    outcomes = []
    for seed, epoch in ((3, 1), (3, 1), (4, 1), (3, 2)):
        model = network()
        run(model, replace(RECIPE, schedule="constant"), seed=seed, epoch=epoch)
        outcomes.append(weights(model))
    assert torch.equal(outcomes[0], outcomes[1])
    assert not torch.equal(outcomes[0], outcomes[2])
    assert not torch.equal(outcomes[0], outcomes[3])


@pytest.mark.slow
def test_nothing_is_drawn_from_the_generator_of_torch() -> None:
    before = torch.get_rng_state()
    model = darts_network()
    run(model, replace(RECIPE, drop_path=0.5, auxiliary_weight=0.4))
    accuracy(model, PARTS.test, PARTS, Augmentation(), seed=0, epoch=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_paths_are_dropped_in_proportion_to_the_epoch() -> None:
    model = darts_network()
    run(model, replace(RECIPE, drop_path=0.4), epoch=3)
    assert model.drop_path == pytest.approx(0.3)


def test_a_crop_is_padded_with_black() -> None:
    seen: list[torch.Tensor] = []
    model = network()
    optimiser = torch.optim.SGD(model.parameters(), 0.1)

    def forward(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        seen.append(batch)
        return model.with_auxiliary(batch)

    white = replace(PARTS, train=replace(PARTS.train, pixels=torch.full_like(PARTS.train.pixels, 255)))
    recipe = replace(PLAIN, augmentation=Augmentation(crop_padding=2))
    train_epoch(model, forward, optimiser, white, recipe, seed=0, epoch=0)
    values = torch.cat(seen).unique()
    mean, std = PARTS.mean[0], PARTS.std[0]
    assert values.tolist() == pytest.approx([-mean / std, (1 - mean) / std], rel=1e-5)


def test_accuracy_counts_what_is_right() -> None:
    model = network()
    run(model, PLAIN)
    pixels = (PARTS.test.pixels.float() / 255 - PARTS.mean[0]) / PARTS.std[0]
    model.eval()
    right = sum(int(model(pixels[i : i + 1]).argmax() == PARTS.test.labels[i]) for i in range(30))
    before = weights(model)
    assert accuracy(model, PARTS.test, PARTS, Augmentation(), seed=0, epoch=0) == right / 30
    assert 0 < right < 30
    assert torch.equal(weights(model), before)


def test_noise_is_repeated_in_evaluation() -> None:
    space = get_space("darts-s4")
    row = space.sample(1, np.random.default_rng(0))[0]
    row[1::2] = 0  # noise on every edge
    shape = NetworkShape(channels=2, cells=3, classes=3, in_channels=1)
    model = build_network(space, row, shape, generator=torch.Generator().manual_seed(1))
    model.classifier.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    values = [accuracy(model, PARTS.test, PARTS, Augmentation(), seed=seed, epoch=0) for seed in (0, 0, 1, 2, 3)]
    assert values[0] == values[1]
    assert len(set(values[1:])) > 1


def test_generators_of_different_purposes() -> None:
    draws = [
        torch.rand(1, generator=generator_for(seed, epoch, purpose, "cpu")).item()
        for seed, epoch, purpose in ((0, 0, "a"), (0, 0, "b"), (0, 1, "a"), (1, 0, "a"), (0, 0, "a"))
    ]
    assert len(set(draws)) == 4
    assert draws[0] == draws[-1]
