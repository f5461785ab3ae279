"""A task so small that an epoch takes hundredths of a second, and trainings on it."""

from __future__ import annotations

import numpy as np
import torch

from predictornas.live.augmentation import Augmentation
from predictornas.live.images.image_sets import ImageData, ImageSet, image_data
from predictornas.live.images.partition import Partition, partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.live.training import Job
from predictornas.live.training_recipes import Recipe

SHAPE = NetworkShape(channels=4, cells=1, classes=3, in_channels=1)
RECIPE = Recipe(
    epochs=4,
    batch_size=11,
    learning_rate=0.1,
    nesterov=True,
    weight_decay=5e-4,
    clip=5.0,
    augmentation=Augmentation(crop_padding=1, flip=True, cutout=2),
)
GENES = np.array([[3, 1, 3, 1, 2, 3], [3, 2, 1, 3, 4, 3], [1, 3, 3, 4, 1, 3]], dtype=np.int8)
"""Three architectures of NAS-Bench-201 with three convolutions or more on paths to the output."""


def stripes(count: int, seed: int) -> ImageSet:
    """Images of 8 x 8, in noise: every second row bright, every second column, or both as on a chessboard."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((8, 8))
    patterns = np.stack([rows % 2, columns % 2, (rows + columns) % 2])
    labels = np.arange(count) % 3
    pixels = rng.integers(0, 190, (count, 1, 8, 8)) + 65 * patterns[labels][:, None]
    return ImageSet(torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels))


def data() -> ImageData:
    """48 images to train and validate with, 30 to judge with."""
    return image_data("stripes", stripes(48, seed=1), stripes(30, seed=2), 3)


def images() -> Partition:
    """33 images to train with, 15 to validate with."""
    return partition(data(), 15, seed=0)


def job(row: int = 0, seed: int = 5, recipe: Recipe = RECIPE) -> Job:
    """The training of one of the three architectures."""
    return Job("nasbench201", tuple(GENES[row].tolist()), SHAPE, recipe, seed)
