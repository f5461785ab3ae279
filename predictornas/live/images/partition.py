"""The images of a task taken apart: to train with, to validate with, to judge with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from predictornas.counting import counted
from predictornas.errors import ConfigurationError
from predictornas.live.images.image_sets import ImageData, Images
from predictornas.live.images.loading import split


@dataclass(frozen=True, eq=False)
class Partition:
    """Disjoint images.

    Attributes:
        name: of the task.
        train: what the weights learn from.
        validation: what a search sees; without images where all are there to train with.
        test: what only judges.
        classes: number of classes.
        mean: of each channel, by which pixels / 255 are normalised.
        std: of each channel, likewise.
        class_names: what each label means, in the order of labels; empty where nobody knows.
    """

    name: str
    train: Images
    validation: Images
    test: Images
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of what tells the images from others, and of what they are normalised by."""
        state = hashlib.sha256(repr((self.classes, self.mean, self.std)).encode())
        for part in (self.train, self.validation, self.test):
            part.hashed_into(state)
        return state.hexdigest()

    def to(self, device: torch.device | str) -> Partition:
        """The same images on another device."""
        train, validation, test = (part.to(device) for part in (self.train, self.validation, self.test))
        return replace(self, train=train, validation=validation, test=test)


def partition(data: ImageData, validation: int | float, seed: int) -> Partition:
    """The training images of a task taken apart, stratified by label; images of one source stay together.

    Args:
        data: the task.
        validation: number of validation images, or their share of the training images; 0 leaves all to train with.
            Where the task has validation images of its own, these are taken instead, whatever their number.
        seed: decides which images these are.

    Raises:
        ConfigurationError: nothing would be left to train or to validate with.
    """
    if validation == 0:
        none = data.train.rows(torch.empty(0, dtype=torch.int64, device=data.train.device))
        return _parts(data, data.train, none)
    if data.validation is not None:
        return _parts(data, data.train, data.validation)
    total = len(data.train)
    held = round(validation * total) if isinstance(validation, float) else validation
    spare = _spare(data.train)
    most = total - spare - 2
    if not 0 < held <= most:
        choice = f"a number of images from 1 to {most}, a share between 0 and 1, or" if most > 0 else "more images, or"
        raise ConfigurationError(
            f"validation={validation} takes {held} of the {counted(total, 'training image')} of {data.name!r}. "
            f"Choose {choice} 0 for none."
        )
    held_out, train = split(data.train, (held, total - held - spare), seed)
    return _parts(data, train, held_out)


def most_in_halves(data: ImageData) -> int:
    """The most images of a task of which one half can train and the other validate."""
    return len(data.train) if data.validation is None else 2 * min(len(data.train), len(data.validation))


def in_halves(data: ImageData, number: int, seed: int) -> ImageData:
    """The task with fewer images, of which `partition` at 0.5 makes two halves.

    Args:
        data: the task.
        number: of images to train and to validate with, drawn from both where the task has its own to validate with.
        seed: decides which images these are.

    Raises:
        ConfigurationError: more than `most_in_halves`, or none for one of two parts.
    """
    if data.validation is not None:
        held = round(number / 2)
        (train,), (validation,) = split(data.train, (number - held,), seed), split(data.validation, (held,), seed)
        return replace(data, train=train, validation=validation)
    return data if number == len(data.train) else replace(data, train=split(data.train, (number,), seed)[0])


def _parts(data: ImageData, train: Images, validation: Images) -> Partition:
    return Partition(data.name, train, validation, data.test, data.classes, data.mean, data.std, data.class_names)


def _spare(images: Images) -> int:
    """How many images may be in no part: the rest of the source in which the first part ends."""
    if images.sources is None:
        return 0
    _, counts = np.unique(images.sources.cpu().numpy(), return_counts=True)
    return int(counts.max()) - 1
