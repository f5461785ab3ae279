"""Labelled images as tensors: a set of them, and the data of one classification task."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels.

    Attributes:
        pixels: `uint8 (n, c, h, w)`.
        labels: `int64 (n,)`, 0 .. classes - 1.
        sources: `int64 (n,)`, the original that each image was made from, or None where every image is an original.
    """

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    sources: Int64[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, indices: Int64[Tensor, " m"]) -> ImageSet:
        """The images at `indices`, in that order."""
        sources = None if self.sources is None else self.sources[indices]
        return ImageSet(self.pixels[indices], self.labels[indices], sources)

    def to(self, device: torch.device | str) -> ImageSet:
        """The same images on another device."""
        sources = None if self.sources is None else self.sources.to(device)
        return ImageSet(self.pixels.to(device), self.labels.to(device), sources)


@dataclass(frozen=True, eq=False)
class ImageData:
    """The images of one classification task.

    Attributes:
        name: what the task is called in results.
        train: the images to train and to validate with; `predictornas.live.images.loading.split` takes them apart.
        test: the images that only judge.
        classes: number of classes.
        mean: mean of each channel over the training pixels / 255.
        std: standard deviation (that of 1/n) of each channel over the training pixels / 255.
        class_names: what each label means, in the order of labels; empty where nobody knows.
        validation: the images to validate with where the source has such a part; None where they are to be drawn.
    """

    name: str
    train: ImageSet
    test: ImageSet
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...] = ()
    validation: ImageSet | None = None

    def to(self, device: torch.device | str) -> ImageData:
        """The same data on another device."""
        validation = None if self.validation is None else self.validation.to(device)
        return replace(self, train=self.train.to(device), test=self.test.to(device), validation=validation)


def image_set(pixels: UInt8[np.ndarray, "n c h w"], labels: Int64[np.ndarray, " n"]) -> ImageSet:
    """A set of originals from arrays."""
    return ImageSet(torch.from_numpy(np.ascontiguousarray(pixels)), torch.from_numpy(labels))


def image_data(
    name: str, train: ImageSet, test: ImageSet, classes: int, class_names: tuple[str, ...] = ()
) -> ImageData:
    """The data of a task, with the mean and standard deviation of its training pixels worked out."""
    moments = [_moments(train.pixels[:, channel]) for channel in range(train.pixels.shape[1])]
    mean, std = zip(*moments, strict=True)
    return ImageData(name, train, test, classes, mean, std, class_names)


def _moments(pixels: UInt8[Tensor, "n h w"]) -> tuple[float, float]:
    """Mean and standard deviation of pixels / 255, from exact integer sums: the same floats on every machine."""
    counts = torch.bincount(pixels.flatten(), minlength=256).tolist()
    number = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return total / number / 255, math.sqrt(squares * number - total * total) / number / 255
