"""One pass over images: to learn from them, or to count how many are right."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.optimizer import Optimizer

from predictornas.live.augmentation import Augmentation, evaluation_images, training_images
from predictornas.live.devices import computing_in, forward_precision
from predictornas.live.images.image_sets import Images
from predictornas.live.images.partition import Partition
from predictornas.live.trainable_network import CellNetwork
from predictornas.live.training_recipes import Recipe
from predictornas.seeding import rng_for, seed_sequence

EVALUATION_BATCH = 250
"""Images at once in evaluation mode, where their number changes nothing but the memory (ours)."""

MEMORY_FORMAT = torch.channels_last
"""Of images and weights: convolutions are faster that way, on CPUs (1.2 to 1.7 times) as on GPUs (ours)."""

Forward = Callable[[Tensor], tuple[Tensor, Tensor | None]]
"""From normalised images to logits and those of the auxiliary head."""


def generator_for(seed: int, epoch: int, purpose: str, device: torch.device | str) -> torch.Generator:
    """A torch generator on the stream of `seed_sequence(seed, epoch, purpose)`."""
    state = int(seed_sequence(seed, epoch, purpose).generate_state(1, "uint64")[0])
    return torch.Generator(device).manual_seed(state)


def train_epoch(
    network: CellNetwork,
    forward: Forward,
    optimiser: Optimizer,
    images: Partition,
    recipe: Recipe,
    *,
    seed: int,
    epoch: int,
) -> tuple[float, float]:
    """Trains on every training image once; returns mean loss and accuracy, both of the images as they were seen.

    Order, augmentation and dropped paths are functions of `seed` and `epoch`. The last batch may be smaller; one of a
    single image is left out, because batch normalisation cannot take it (ours).

    Args:
        network: changed in place.
        forward: the network's `with_auxiliary`, or that compiled.
        optimiser: of its weights; its rate is set here.
        images: on the network's device.
        recipe: how to train.
        seed: of this training.
        epoch: 0 .. recipe.epochs - 1.
    """
    device = images.train.device
    network.train()
    network.drop_path = recipe.drop_path_at(epoch)
    network.path_generator = generator_for(seed, epoch, "paths", device)
    changes = generator_for(seed, epoch, "augmentation", "cpu")  # so that every device sees the same images
    batches = batches_of(len(images.train), recipe.batch_size, seed, epoch)
    loss_sum, right = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
    for step, chosen in enumerate(images.train.batches(batches)):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(epoch, step, len(batches))
        pixels = training_images(chosen.pixels, recipe.augmentation, changes, images.mean, images.std)
        pixels = pixels.contiguous(memory_format=MEMORY_FORMAT)
        optimiser.zero_grad()
        with computing_in(forward_precision(device), device):
            logits, auxiliary = forward(pixels)
            loss = cross_entropy(logits, chosen.labels, label_smoothing=recipe.label_smoothing)
            total = loss + _auxiliary_loss(auxiliary, chosen.labels, recipe)
        torch.autograd.backward(total)
        if recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimiser.step()
        # sums stay on the device: reading one would make the host wait for every batch
        loss_sum += loss.detach() * len(chosen)
        right += (logits.argmax(1) == chosen.labels).sum()
    seen = sum(len(batch) for batch in batches)
    return loss_sum.item() / seen, right.item() / seen


def accuracy(
    network: CellNetwork, part: Images, images: Partition, augmentation: Augmentation, *, seed: int, epoch: int
) -> float:
    """Share of images that are right in evaluation mode; NaN where there are none.

    Args:
        network: left in evaluation mode.
        part: the images, on the network's device.
        images: the partition they belong to.
        augmentation: that of the training, which decides what of the images is seen.
        seed: of this training, for networks that add noise.
        epoch: of this training, likewise.
    """
    if len(part) == 0:
        return float("nan")
    device = part.device
    network.eval()
    network.path_generator = generator_for(seed, epoch, "evaluation", device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    with torch.inference_mode(), computing_in(forward_precision(device), device):
        for chosen in part.batches(torch.split(torch.arange(len(part)), EVALUATION_BATCH)):
            pixels = evaluation_images(chosen.pixels, augmentation, images.mean, images.std)
            right += (network(pixels.contiguous(memory_format=MEMORY_FORMAT)).argmax(1) == chosen.labels).sum()
    return right.item() / len(part)


def batches_of(total: int, size: int, seed: int, epoch: int) -> list[Int64[Tensor, " b"]]:
    """Places of the images of each batch of an epoch: a random order; a last batch of one image is left out."""
    order = torch.from_numpy(rng_for(seed, epoch, "order").permutation(total))
    return [batch for batch in torch.split(order, size) if len(batch) > 1]


def _auxiliary_loss(
    logits: Float[Tensor, "n classes"] | None, labels: Int64[Tensor, " n"], recipe: Recipe
) -> Float[Tensor, ""] | float:
    if logits is None or recipe.auxiliary_weight == 0:
        return 0.0
    return recipe.auxiliary_weight * cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
