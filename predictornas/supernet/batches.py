"""The images of a super-network search as batches: pairs from both halves to learn from, or one half to measure on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import torch
from jaxtyping import Int64
from torch import Tensor

from predictornas.live.augmentation import Augmentation, normalised, training_images
from predictornas.live.images.image_sets import Images, ImageSet
from predictornas.live.images.partition import Partition
from predictornas.live.passes import generator_for
from predictornas.seeding import rng_for
from predictornas.supernet.parts.perturbation import Batches
from predictornas.supernet.state import Batch

SMALLEST_BATCH = 2
"""Images that batch normalisation needs; a smaller rest of an epoch is left out."""


def steps_of(images: Images, size: int) -> int:
    """Batches in an epoch."""
    whole, rest = divmod(len(images), size)
    return whole + (rest >= SMALLEST_BATCH)


def paired_batches(
    images: Partition, augmentation: Augmentation, *, size: int, seed: int, epoch: int
) -> Iterator[tuple[Batch, Batch]]:
    """For every batch of the training half one of the validation half, which begins anew where it is the shorter one.

    Both are changed at random, as in the released code of DARTS. Orders and changes are functions of seed and epoch.

    Args:
        images: both halves, on the device of the network.
        augmentation: the changes.
        size: images of a batch; the last one of a half may be smaller.
        seed: of the search.
        epoch: of the search.
    """
    changes = generator_for(seed, epoch, "augmentation", "cpu")  # so that every device sees the same images

    def batch(chosen: ImageSet) -> Batch:
        return Batch(training_images(chosen.pixels, augmentation, changes, images.mean, images.std), chosen.labels)

    train = _places(len(images.train), size, seed, epoch, "order")
    valid = list(islice(cycle(_places(len(images.validation), size, seed, epoch, "validation order")), len(train)))
    for both in zip(images.train.batches(train), images.validation.batches(valid), strict=True):
        yield batch(both[0]), batch(both[1])


def validation_batches(images: Partition, size: int) -> Batches:
    """The whole validation half as it is, in the same batches at every call.

    What is left over and too small for a batch of its own goes into the one before it.
    """
    places = list(torch.split(torch.arange(len(images.validation)), size))
    if len(places) > 1 and len(places[-1]) < SMALLEST_BATCH:
        places[-2:] = [torch.cat(places[-2:])]

    def batches() -> Iterator[Batch]:
        for chosen in images.validation.batches([batch for batch in places if len(batch) >= SMALLEST_BATCH]):
            yield Batch(normalised(chosen.pixels, images.mean, images.std), chosen.labels)

    return batches


def _places(total: int, size: int, seed: int, epoch: int, purpose: str) -> list[Int64[Tensor, " b"]]:
    order = torch.from_numpy(rng_for(seed, epoch, purpose).permutation(total))
    return [places for places in torch.split(order, size) if len(places) >= SMALLEST_BATCH]
