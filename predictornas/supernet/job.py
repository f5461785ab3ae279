"""One search with a super-network, apart from its images: what is asked for, and whether it can work."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch

from predictornas.errors import ConfigurationError
from predictornas.live.checkpoints import Identity
from predictornas.live.devices import checked_device
from predictornas.live.images.partition import Partition
from predictornas.live.trainable_network import NetworkShape
from predictornas.spaces.registry import get_space
from predictornas.supernet.method import Method, as_json
from predictornas.supernet.network.super_network import check_shape
from predictornas.supernet.network.topology import Topology, topology_of
from predictornas.supernet.parts.relaxations import ConcentrationRelaxation
from predictornas.supernet.parts.updates import is_second_order
from predictornas.supernet.warm_start import WarmStart


@dataclass(frozen=True)
class SearchJob:
    """One search: equal jobs on equal images give equal architectures, bit for bit on CPUs.

    Attributes:
        space: name of the search space in the registry.
        method: how to search.
        shape: depth and width of the super-network.
        seed: of weights, order, augmentation and samples, >= 0.
        device: `cpu`, `cuda` or `cuda:N`; GPUs compute in bfloat16, second derivatives excepted.
        threads: CPU threads.
        curvature: whether the dominant eigenvalue of the Hessian of the validation loss is measured after each epoch,
            on one batch.
        second_order_error: whether the error of the finite difference of second-order methods is measured after each
            epoch, on one pair of batches.
        start: the trained super-network that it starts from; None for fresh weights.
    """

    space: str
    method: Method
    shape: NetworkShape
    seed: int
    device: str = "cpu"
    threads: int = 1
    curvature: bool = False
    second_order_error: bool = False
    start: WarmStart | None = None

    @property
    def topology(self) -> Topology:
        """The cells of the space."""
        return topology_of(get_space(self.space))

    @property
    def epochs(self) -> int:
        """Length of the search and of the fine-tuning in perturbation selection."""
        return self.method.epochs + self.method.fine_tuning_epochs(self.topology)

    def identity(self, images: Partition) -> Identity:
        """Everything that decides what the search computes, as JSON has it."""
        settings = {**as_json(self), "device": torch.device(self.device).type, "images": images.digest}
        settings["start"] = None if self.start is None else self.start.identity
        plain: Identity = json.loads(json.dumps(settings))
        return plain

    def check(self, images: Partition) -> None:
        """Says what cannot work.

        Raises:
            ConfigurationError: settings out of range, another kind of images than the shape says, too few images, a
                device that is not there, a space that the method cannot search, or another super-network to start from.
            UnknownNameError: no space has this name.
        """
        recipe = self.method.weights
        recipe.check()
        if recipe.augmentation.resized_crop is not None:
            raise ConfigurationError("A super-network learns from whole images. Set resized_crop=None.")
        self.method.fine_tuning_epochs(self.topology)
        for partial in [stage.partial for stage in self.method.stages] or [self.method.partial]:
            check_shape(self.topology, self.shape, partial)
        there = (images.train.image_shape[0], images.classes)
        if there != (self.shape.in_channels, self.shape.classes):
            raise ConfigurationError(
                f"{images.name!r} has {there[0]} channels and {there[1]} classes, but the super-network is made for "
                f"{self.shape.in_channels} and {self.shape.classes}. Change NetworkShape's in_channels and classes."
            )
        halves = {"training": len(images.train), "validation": len(images.validation)}
        for name, count in halves.items():
            if count < recipe.batch_size:
                raise ConfigurationError(
                    f"The {name} half of {images.name!r} has {count} images, fewer than one batch of "
                    f"{recipe.batch_size}. Take a batch_size of at most {min(halves.values())}, or more images."
                )
        if self.curvature and isinstance(self.method.mixing, ConcentrationRelaxation):
            raise ConfigurationError(
                "The Hessian of the validation loss cannot be measured with samples of a Dirichlet, which have no "
                "second derivative. Set curvature to False, or use another relaxation."
            )
        if self.second_order_error and not is_second_order(self.method.update):
            raise ConfigurationError(
                "There is no finite difference whose error could be measured: the update is not of second order. Set "
                "second_order_error to False, or use darts-2 or darts-2-exact."
            )
        if self.start is not None:
            self.start.check(self.space, self.shape, self.method, images)
        checked_device(self.device)
