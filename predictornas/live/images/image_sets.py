"""Labelled images as tensors: a set of them, and the data of one classification task."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor


class Images(ABC):
    """Images with their labels, wherever the pixels are.

    Attributes:
        labels: `int64 (n,)`, 0 .. classes - 1.
        sources: `int64 (n,)`, the original that each image was made from, or None where every image is an original.
    """

    labels: Int64[Tensor, " n"]
    sources: Int64[Tensor, " n"] | None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where labels are, and the pixels of batches."""

    @abstractmethod
    def rows(self, indices: Int64[Tensor, " m"]) -> Images:
        """The images at `indices`, in that order."""

    @abstractmethod
    def to(self, device: torch.device | str) -> Images:
        """The same images on another device."""

    @abstractmethod
    def batches(self, places: Iterable[Int64[Tensor, " _"]]) -> Iterator[ImageSet]:
        """The images at each of the places in turn, with their pixels."""

    @abstractmethod
    def in_memory(self) -> ImageSet:
        """All images with their pixels."""

    @abstractmethod
    def hashed_into(self, state: hashlib._Hash) -> None:
        """Adds to a checksum what tells these images from others."""


@dataclass(frozen=True, eq=False)
class ImageSet(Images):
    """Images that are in memory, with their labels.

    Attributes:
        pixels: `uint8 (n, c, h, w)`.
        labels: `int64 (n,)`, 0 .. classes - 1.
        sources: `int64 (n,)`, the original that each image was made from, or None where every image is an original.
    """

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    sources: Int64[Tensor, " n"] | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.pixels.device

    def rows(self, indices: Int64[Tensor, " m"]) -> ImageSet:
        """The images at `indices`, in that order."""
        sources = None if self.sources is None else self.sources[indices]
        return ImageSet(self.pixels[indices], self.labels[indices], sources)

    def to(self, device: torch.device | str) -> ImageSet:
        """The same images on another device."""
        sources = None if self.sources is None else self.sources.to(device)
        return ImageSet(self.pixels.to(device), self.labels.to(device), sources)

    def batches(self, places: Iterable[Int64[Tensor, " _"]]) -> Iterator[ImageSet]:
        """The images at each of the places in turn."""
        return (self.rows(batch.to(self.device)) for batch in places)

    def in_memory(self) -> ImageSet:
        """These images."""
        return self

    def hashed_into(self, state: hashlib._Hash) -> None:
        """Adds every pixel and label to a checksum."""
        state.update(repr(tuple(self.pixels.shape)).encode())
        for tensor in (self.pixels, self.labels):
            state.update(tensor.cpu().numpy().tobytes())


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
    train: Images
    test: Images
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...] = ()
    validation: Images | None = None

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
    mean, std = moments(value_counts(train.pixels))
    return ImageData(name, train, test, classes, mean, std, class_names)


def value_counts(pixels: UInt8[Tensor, "n c h w"]) -> list[list[int]]:
    """How often each value 0 .. 255 occurs in each channel."""
    return [torch.bincount(channel.flatten(), minlength=256).tolist() for channel in pixels.swapaxes(0, 1)]


def moments(counts: Sequence[Sequence[int]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means and standard deviations of pixels / 255, from exact integer sums: the same floats on every machine.

    Args:
        counts: of each channel, how often each value 0 .. 255 occurs.
    """
    mean, std = zip(*map(_moments, counts), strict=True)
    return mean, std


def _moments(counts: Sequence[int]) -> tuple[float, float]:
    number = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return total / number / 255, math.sqrt(squares * number - total * total) / number / 255
