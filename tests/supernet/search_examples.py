"""Searches so small that an epoch takes a tenth of a second."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from predictornas.live.augmentation import Augmentation
from predictornas.live.images.image_sets import image_data
from predictornas.live.images.partition import Partition, partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.spaces.registry import get_space
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method
from predictornas.supernet.published import get_method
from predictornas.supernet.records import EpochRecord
from predictornas.supernet.shortening import with_epochs
from tests.live.training_examples import stripes


def images(half: int = 16) -> Partition:
    """So many images of three classes to train with, and as many to validate with."""
    return partition(image_data("stripes", stripes(2 * half, seed=1), stripes(30, seed=2), 3), half, seed=0)


def tiny(method: Method, epochs: int) -> Method:
    """The same method in few epochs, with batches of 16."""
    weights = replace(method.weights, batch_size=16, augmentation=Augmentation(crop_padding=1))
    return with_epochs(replace(method, weights=weights), epochs)


def job(method: Method | str, space: str = "darts-s2", *, epochs: int = 2, seed: int = 3) -> SearchJob:
    """A search in two cells, or in NAS-Bench-201 in one a stage; wide enough for its partial channels."""
    method = get_method(method, get_space(space)) if isinstance(method, str) else method
    partial = max([method.partial, *(stage.partial for stage in method.stages)])
    channels = 4 if partial == 1 else 2 * partial
    shape = NetworkShape(channels=channels, cells=1 if space == "nasbench201" else 2, classes=3, in_channels=1)
    return SearchJob(space, tiny(method, epochs), shape, seed)


def without_seconds(record: EpochRecord) -> dict[str, Any]:
    """What must not depend on the machine."""
    return {name: value for name, value in asdict(record).items() if name != "seconds"}
