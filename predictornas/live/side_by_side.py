"""Trains several networks of one architecture as one: their channels side by side, their convolutions grouped.

Small networks keep a processor busy with everything but arithmetic. Three seeds of one cell, trained together, take
little more than half of the time of three trainings; each sees its own images in its own order, and its weights, batch
statistics and loss are its own, so that it learns what it would have learned alone up to the rounding of sums.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from predictornas.errors import ConfigurationError
from predictornas.live.augmentation import augmented, black, normalised
from predictornas.live.curve import Curve, empty_curve, one_epoch
from predictornas.live.images.image_sets import Images
from predictornas.live.images.partition import Partition
from predictornas.live.nasbench101_cell import NASBench101Body, NASBench101Cell
from predictornas.live.nasbench201_cell import NASBench201Body
from predictornas.live.passes import batches_of, generator_for
from predictornas.live.trainable_network import CellNetwork, NetworkShape, build_network
from predictornas.live.training import optimiser_of
from predictornas.live.training_recipes import Recipe
from predictornas.spaces.base import SearchSpace

_EVALUATION_BATCH = 100
"""Images at once in evaluation mode: few enough to stay in the processor's cache."""

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def train_side_by_side(
    space: SearchSpace,
    row: Int8[np.ndarray, " g"],
    shape: NetworkShape,
    recipe: Recipe,
    images: Partition,
    seeds: Sequence[int],
    *,
    evaluate_at: Sequence[int],
) -> list[Curve]:
    """What `training.train` gives for each seed, up to rounding, on the CPU.

    Args:
        space: NAS-Bench-101 or NAS-Bench-201.
        row: an architecture.
        shape: of its networks.
        recipe: how they learn; without a limit on the gradient, which would be one for all.
        images: what they learn from.
        seeds: one network each.
        evaluate_at: after which epochs (counted from 1) accuracies are measured.

    Returns:
        A curve a seed. Seconds are shared equally.

    Raises:
        ConfigurationError: a recipe with a gradient limit, auxiliary head, dropped paths, resized crops or changed
            colours, or a space whose networks cannot stand side by side.
        InvalidArchitectureError: genes that break the rules of the space.
    """
    recipe.check()
    changes = recipe.augmentation
    if recipe.clip is not None or recipe.auxiliary_weight or recipe.drop_path or changes.resized_crop or changes.jitter:
        raise ConfigurationError(
            "Networks side by side share no gradient limit, auxiliary head, dropped paths, resized crops or colours. "
            "Set clip=None, auxiliary_weight=0, drop_path=0, resized_crop=None and jitter=None, or train them singly."
        )
    networks = [build_network(space, row, shape, generator=generator_for(seed, 0, "weights", "cpu")) for seed in seeds]
    together = SideBySide(networks)
    optimiser = optimiser_of(together, recipe)
    curves = [empty_curve() for _ in seeds]
    for epoch in range(recipe.epochs):
        start = time.perf_counter()
        losses, right = _train_epoch(together, optimiser, images, recipe, seeds, epoch)
        validation = test = np.full(len(seeds), np.nan)
        if epoch + 1 in evaluate_at:
            validation, test = (_accuracies(together, part, images) for part in (images.validation, images.test))
        seconds = (time.perf_counter() - start) / len(seeds)
        for copy_, curve in enumerate(curves):
            if not curve.failed:
                entry = one_epoch(
                    train_loss=float(losses[copy_]),
                    train_accuracy=float(right[copy_]),
                    validation_accuracy=float(validation[copy_]),
                    test_accuracy=float(test[copy_]),
                    seconds=seconds,
                )
                curves[copy_] = curve.followed_by(entry)
    return curves


class SideBySide(nn.Module):
    """Networks of one architecture as one.

    `forward` takes images `(n, k * c, h, w)`, those of each network one after the other, and gives logits
    `(n, k, classes)`.

    Args:
        networks: k networks, equal but for their weights, which are copied.

    Raises:
        ConfigurationError: networks of a space that mixes channels in other ways than these copies can.
    """

    def __init__(self, networks: Sequence[CellNetwork]) -> None:
        super().__init__()
        if not all(isinstance(network.body, (NASBench101Body, NASBench201Body)) for network in networks):
            raise ConfigurationError(
                "Only networks of NAS-Bench-101 and NAS-Bench-201 can stand side by side. Train these one by one."
            )
        self.copies = len(networks)
        self.body = _merged([network.body for network in networks])
        for weight in self.body.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(torch.stack([network.classifier.weight.detach() for network in networks]))
        self.bias = nn.Parameter(torch.stack([network.classifier.bias.detach() for network in networks]))

    def forward(self, images: Float[Tensor, "n kc h w"]) -> Float[Tensor, "n k classes"]:
        """Logits of every network for its own images."""
        features = self.body(images)[0].mean((2, 3)).unflatten(1, (self.copies, -1))
        return torch.einsum("nkf,kcf->nkc", features, self.weight) + self.bias


def _merged(modules: Sequence[ModuleT]) -> ModuleT:
    """The same module for all copies: parameters one after the other, convolutions in groups."""
    first = modules[0]
    merged = copy.copy(first)
    merged._parameters, merged._buffers, merged._modules = {}, {}, {}
    for name in first._parameters:
        values = [getattr(module, name) for module in modules]
        merged._parameters[name] = None if values[0] is None else nn.Parameter(torch.cat([v.detach() for v in values]))
    for name, buffer in first.named_buffers(recurse=False):
        values = [getattr(module, name) for module in modules]
        merged._buffers[name] = torch.cat(values) if buffer.ndim else buffer.clone()
    for name, _ in first.named_children():
        merged._modules[name] = _merged([module.get_submodule(name) for module in modules])
    if isinstance(merged, nn.Conv2d):
        merged.groups *= len(modules)
        merged.in_channels *= len(modules)
        merged.out_channels *= len(modules)
    elif isinstance(merged, nn.BatchNorm2d):
        merged.num_features *= len(modules)
    elif isinstance(merged, NASBench101Cell):
        merged.copies = len(modules)
    return merged


def _train_epoch(
    network: SideBySide,
    optimiser: torch.optim.Optimizer,
    images: Partition,
    recipe: Recipe,
    seeds: Sequence[int],
    epoch: int,
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """`passes.train_epoch` for every copy: mean loss and accuracy of each."""
    network.train()
    changes = [generator_for(seed, epoch, "augmentation", "cpu") for seed in seeds]
    padding = black(images.mean, images.std)
    everything = normalised(images.train.in_memory().pixels, images.mean, images.std)
    orders = [batches_of(len(images.train), recipe.batch_size, seed, epoch) for seed in seeds]
    loss_sum, right, seen = torch.zeros(len(seeds)), torch.zeros(len(seeds)), 0
    for step, rows in enumerate(zip(*orders, strict=True)):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(epoch, step, len(orders[0]))
        pixels = [
            augmented(everything[chosen], recipe.augmentation, generator, padding)
            for chosen, generator in zip(rows, changes, strict=True)
        ]
        labels = images.train.labels[torch.stack(rows, dim=1)]
        logits = network(torch.cat(pixels, dim=1).contiguous(memory_format=torch.channels_last))
        loss = cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=recipe.label_smoothing, reduction="none"
        ).view(labels.shape)
        optimiser.zero_grad()
        torch.autograd.backward(loss.mean(dim=0).sum())
        optimiser.step()
        seen += len(labels)
        loss_sum += loss.detach().sum(dim=0)
        right += (logits.argmax(2) == labels).sum(dim=0)
    return (loss_sum / seen).numpy().astype(np.float64), (right / seen).numpy().astype(np.float64)


def _accuracies(network: SideBySide, part: Images, images: Partition) -> Float[np.ndarray, " k"]:
    """`passes.accuracy` of every copy."""
    if len(part) == 0:
        return np.full(network.copies, np.nan)
    network.eval()
    right = torch.zeros(network.copies, dtype=torch.int64)
    with torch.inference_mode():
        pixels = normalised(part.in_memory().pixels, images.mean, images.std)
        batches = (torch.split(whole, _EVALUATION_BATCH) for whole in (pixels, part.labels))
        for shown, labels in zip(*batches, strict=True):
            copies = shown.repeat(1, network.copies, 1, 1).contiguous(memory_format=torch.channels_last)
            right += (network(copies).argmax(2) == labels[:, None]).sum(dim=0)
    return right.numpy() / len(part)
