"""From genes to a network that can be trained: `build_network`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.live.darts_cell import AuxiliaryHead, DARTSBody
from predictornas.live.nasbench101_cell import NASBench101Body
from predictornas.live.nasbench201_cell import NASBench201Body
from predictornas.live.operations import DropPath, Noise
from predictornas.spaces import nasbench101, nasbench201
from predictornas.spaces.base import SearchSpace, lists_too
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench101_cells import MAX_EDGES
from predictornas.spaces.restricted import RestrictedSpace

_STEMS = ("cifar", "imagenet")
_TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a standard normal variable that is cut off at +-2."""


@dataclass(frozen=True)
class NetworkShape:
    """How many cells of which width make a network, and what goes in and out.

    Attributes:
        channels: channels of the first cells (papers: NAS-Bench-101 128, NAS-Bench-201 16, DARTS 36 or 48).
        cells: cells in each of the three stacks of NAS-Bench-101 (3 in the paper), in each of the three stages of
            NAS-Bench-201 (5), in all for DARTS (20 on CIFAR-10, 14 on ImageNet).
        classes: number of classes, >= 2.
        in_channels: channels of the images.
        auxiliary: whether a second classifier stands at two thirds of the depth; DARTS only.
        stacks: stacks of NAS-Bench-101; the other spaces have three stages always.
        stem: `cifar`, or for DARTS also `imagenet`, which divides height and width by 8 before the first cell.
        batch_norm_momentum: share of a batch in the running statistics of batch normalisation. NAS-Bench-101's paper
            has 0.003, which needs thousands of steps; the others have the default.
    """

    channels: int
    cells: int
    classes: int
    in_channels: int = 3
    auxiliary: bool = False
    stacks: int = 3
    stem: str = "cifar"
    batch_norm_momentum: float = 0.1


class CellNetwork(nn.Module):
    """A network of stacked cells; `build_network` makes one from genes.

    Args:
        body: everything before the average over places; returns features, and those for the auxiliary head.
        shape: classes and auxiliary head.

    Attributes:
        body: as given.
        classifier: the linear layer to the logits.
        auxiliary_head: the second classifier, or None.
    """

    def __init__(self, body: NASBench101Body | NASBench201Body | DARTSBody, shape: NetworkShape) -> None:
        super().__init__()
        self.body = body
        self.classifier = nn.Linear(body.features, shape.classes)
        self.auxiliary_head: AuxiliaryHead | None = None
        if shape.auxiliary and isinstance(body, DARTSBody):
            self.auxiliary_head = AuxiliaryHead(body.middle_features, shape.classes, stem=shape.stem)
        self._drop_path = 0.0
        self._path_generator: torch.Generator | None = None

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Logits of normalised images of at least 8 x 8."""
        logits: Tensor = self.classifier(self.body(images)[0].mean((2, 3)))
        return logits

    def with_auxiliary(
        self, images: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n classes"], Float[Tensor, "n classes"] | None]:
        """Logits, and in training those of the auxiliary head where there is one."""
        features, middle = self.body(images)
        logits = self.classifier(features.mean((2, 3)))
        if self.auxiliary_head is None or not self.training:
            return logits, None
        return logits, self.auxiliary_head(middle)

    @property
    def drop_path(self) -> float:
        """Chance that an image loses an operation in training, in [0, 1); DARTS only (Liu et al. 2019).

        Raises:
            ConfigurationError: set outside [0, 1), or above 0 for a network that has no such paths.
        """
        return self._drop_path

    @drop_path.setter
    def drop_path(self, probability: float) -> None:
        paths = [module for module in self.modules() if isinstance(module, DropPath)]
        if not 0 <= probability < 1:
            raise ConfigurationError(f"drop_path = {probability} is not in [0, 1).")
        if probability > 0 and not paths:
            raise ConfigurationError(
                f"drop_path = {probability}, but only networks of the DARTS spaces drop paths. Set it to 0."
            )
        for path in paths:
            path.probability = probability
        self._drop_path = probability

    @property
    def path_generator(self) -> torch.Generator | None:
        """Where dropped paths, and the noise of the operation `noise`, come from; None for torch's own generator.

        It has to be on the device of the images.
        """
        return self._path_generator

    @path_generator.setter
    def path_generator(self, generator: torch.Generator | None) -> None:
        for module in self.modules():
            if isinstance(module, (DropPath, Noise)):
                module.generator = generator
        self._path_generator = generator


@lists_too
def build_network(
    space: SearchSpace, row: Int8[np.ndarray, " g"], shape: NetworkShape, *, generator: torch.Generator
) -> CellNetwork:
    """The network of an architecture, with fresh weights, on the generator's device.

    DARTS and NAS-Bench-201 start as their PyTorch code does: weights and biases uniform in +-1/sqrt(inputs of a unit).
    NAS-Bench-101 starts as its TensorFlow code does: convolutions normal with variance 1/inputs, cut off at two
    standard deviations; the classifier uniform in +-sqrt(6 / (inputs + outputs)) with biases 0.

    Args:
        space: NAS-Bench-101, NAS-Bench-201, a DARTS space, or a restriction of one.
        row: its genes, valid.
        shape: depth, width, images and classes.
        generator: the only source of the weights; equal states give equal weights, bit for bit.

    Raises:
        ConfigurationError: a shape that the space cannot have, or a space without networks.
        InvalidArchitectureError: genes that break the rules of the space.
    """
    network = weightless_network(space, row, shape).to_empty(device=generator.device)
    tensorflow = isinstance(network.body, NASBench101Body)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            (_start_as_tensorflow if tensorflow else _start_as_torch)(module, generator)
    return network


@lists_too
def weightless_network(space: SearchSpace, row: Int8[np.ndarray, " g"], shape: NetworkShape) -> CellNetwork:
    """The network without memory for its weights (on torch's meta device), to count parameters and multiply-adds.

    Args:
        space: as in `build_network`.
        row: as in `build_network`.
        shape: as in `build_network`.

    Raises:
        ConfigurationError: as in `build_network`.
        InvalidArchitectureError: as in `build_network`.
    """
    if not space.valid(row[None])[0]:
        raise InvalidArchitectureError(
            f"The genes {row.tolist()} are no architecture of {space.name} in normal form. Bring them to it with the "
            "space's `normalise`, and check them with `valid`."
        )
    base = space.base if isinstance(space, RestrictedSpace) else space
    _check(base, shape)
    with torch.device("meta"):
        network = CellNetwork(_body(base, row, shape), shape)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = shape.batch_norm_momentum
    return network


def check_shape(space: SearchSpace, shape: NetworkShape) -> None:
    """Refuses a shape that some network of a space cannot have, before a search comes across that one.

    Raises:
        ConfigurationError: such a shape, or a space without networks.
    """
    base = space.base if isinstance(space, RestrictedSpace) else space
    _check(base, shape)
    if isinstance(base, nasbench101.NASBench101) and shape.channels < MAX_EDGES // 2:
        sharing = _sharing(space)
        if shape.channels < sharing:
            raise ConfigurationError(
                f"channels = {shape.channels}, but up to {sharing} vertices share the channels of a NAS-Bench-101 "
                f"cell. Give the networks at least {sharing}."
            )


def _sharing(space: SearchSpace) -> int:
    """The most vertices that share the channels of the output in any cell of NAS-Bench-101, or of a part of it.

    Each of them has two edges, so of 9 edges at most 4 do.
    """
    if not isinstance(space, RestrictedSpace):
        return MAX_EDGES // 2
    graphs = space.graphs(space.enumerate())
    outputs = (graphs.operations >= 0).sum(axis=1) - 1
    feeding = graphs.adjacency[np.arange(len(outputs)), :, outputs]
    return int(feeding[:, 1:].sum(axis=1).max(initial=1))


def _body(
    space: SearchSpace, row: Int8[np.ndarray, " g"], shape: NetworkShape
) -> NASBench101Body | NASBench201Body | DARTSBody:
    sizes = (shape.in_channels, shape.channels, shape.cells)
    if isinstance(space, nasbench101.NASBench101):
        graph = space.graphs(row[None])
        vertices = int((graph.operations[0] >= 0).sum())
        names = [nasbench101.OPERATIONS[code] for code in graph.operations[0, 1 : vertices - 1]]
        return NASBench101Body(graph.adjacency[0, :vertices, :vertices], names, *sizes, shape.stacks)
    if isinstance(space, nasbench201.NASBench201):
        return NASBench201Body([nasbench201.OPERATIONS[gene] for gene in row], *sizes)
    genotype = cast("DARTS", space).genotype(row)
    return DARTSBody(genotype.normal, genotype.reduce, *sizes, stem=shape.stem)


def _check(space: SearchSpace, shape: NetworkShape) -> None:
    """Refuses a space without networks, and what no network of this space can have."""
    darts = isinstance(space, DARTS)
    if not darts and not isinstance(space, (nasbench101.NASBench101, nasbench201.NASBench201)):
        raise ConfigurationError(
            f"No network is known for architectures of {space.name!r}: only for nasbench101, nasbench201 and the DARTS "
            "spaces. Choose one of those."
        )
    least = {"channels": 2 if darts else 1, "cells": 1, "stacks": 1, "classes": 2, "in_channels": 1}
    for name, bound in least.items():
        if getattr(shape, name) < bound:
            raise ConfigurationError(f"NetworkShape: {name} = {getattr(shape, name)}; it has to be at least {bound}.")
    if not 0 < shape.batch_norm_momentum <= 1:
        raise ConfigurationError(
            f"NetworkShape: batch_norm_momentum = {shape.batch_norm_momentum}; it has to be in (0, 1]."
        )
    if shape.stem not in _STEMS:
        raise ConfigurationError(f"NetworkShape: stem = {shape.stem!r}; it has to be one of {', '.join(_STEMS)}.")
    if not darts and (shape.auxiliary or shape.stem != "cifar"):
        raise ConfigurationError(
            f"NetworkShape: auxiliary = {shape.auxiliary}, stem = {shape.stem!r}, but a network of {space.name} has no "
            "auxiliary head and only the stem 'cifar'. Leave both at their defaults."
        )
    if shape.stacks != 3 and not isinstance(space, nasbench101.NASBench101):
        raise ConfigurationError(
            f"NetworkShape: stacks = {shape.stacks}, but a network of {space.name} always has three stages. Leave it "
            "at 3 and change `cells`."
        )


def _start_as_torch(module: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    bound = 1 / math.sqrt(module.weight[0].numel())
    for parameter in module.parameters(recurse=False):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)


def _start_as_tensorflow(module: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight, generator=generator)
        nn.init.zeros_(module.bias)
        return
    std = 1 / math.sqrt(module.weight[0].numel()) / _TRUNCATED_STD
    nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std, generator=generator)
