"""The super-network: cells that hold every architecture of a space, with one set of operation weights."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from predictornas.errors import ConfigurationError
from predictornas.live.darts_cell import CIFARStem, ImageNetStem
from predictornas.live.joining import join_channels
from predictornas.live.nasbench201_cell import STAGES, ResidualBlock
from predictornas.live.operations import FactorizedReduce, ReLUConvBN
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.network.cell import MixedCell
from predictornas.supernet.network.lanes import LaneConvolution, LaneNoise, LaneNorm
from predictornas.supernet.network.memory_layout import laid_out
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.plans import WavePlan, plans_of
from predictornas.supernet.network.topology import CellTopology, Topology

Plans = dict[str, list[WavePlan]]
"""What the mixture asks of the cells, by cell type."""


class SuperNetwork(nn.Module):
    """A network whose cells mix all operations; its parameters are the operation weights w alone.

    Built as the released code of DARTS (Liu et al. 2019) and of NAS-Bench-201 (Dong and Yang 2020) builds it for
    search: batch normalisation inside cells learns no scale and shift, and in DARTS follows pools too. Equal up to
    rounding to one module an edge and operation, except that a pool that several edges from a node share has one set
    of running statistics, which every use moves, and that with sampled paths weight decay and momentum also move the
    weights of an edge that was not picked where another edge from its node picked the same operation.

    Args:
        topology: the cells.
        shape: width, depth, classes; an auxiliary head is refused.
        partial: k, the share 1/k of the channels that goes through the operations (PC-DARTS, Xu et al. 2020).
        generator: the only source of the initial weights, uniform in +-1/sqrt(inputs of a unit); its device is that of
            the network.

    Raises:
        ConfigurationError: a shape or `partial` that cannot be built.
    """

    def __init__(
        self, topology: Topology, shape: NetworkShape, *, partial: int = 1, generator: torch.Generator
    ) -> None:
        super().__init__()
        check_shape(topology, shape, partial)
        self.topology, self.shape, self.partial = topology, shape, partial
        with torch.device("meta"):
            body = _DARTSBody if topology.family == "darts" else _NASBench201Body
            self.body = body(topology, shape, partial)
            self.classifier = nn.Linear(self.body.features, shape.classes)
        self.to_empty(device=generator.device)
        _initialise(self, generator)
        for module in self.modules():
            if isinstance(module, (nn.BatchNorm2d, LaneNorm)):
                module.momentum = shape.batch_norm_momentum

    def forward(self, images: Float[Tensor, "n c h w"], mixture: Mixture) -> Float[Tensor, "n classes"]:
        """Logits of normalised images of at least 8 x 8."""
        plans = {cell.name: plans_of(cell, mixture) for cell in self.topology.cells}
        features: Tensor = self.body(laid_out(images), plans)
        logits: Tensor = self.classifier(features.mean((2, 3)))
        return logits

    def set_noise_generator(self, generator: torch.Generator | None) -> None:
        """Where the operation `noise` takes its numbers from; None for torch's own generator."""
        for module in self.modules():
            if isinstance(module, LaneNoise):
                module.generator = generator


class _DARTSBody(nn.Module):
    """Stem and cells; those at a third and at two thirds of the depth reduce, as in `live.darts_cell.DARTSBody`."""

    def __init__(self, topology: Topology, shape: NetworkShape, partial: int) -> None:
        super().__init__()
        shrinks = shape.stem == "imagenet"
        channels = shape.channels
        older = newer = channels if shrinks else 3 * channels
        stem = ImageNetStem if shrinks else CIFARStem
        self.stem: nn.Module = stem(shape.in_channels, older)
        self.cells = nn.ModuleList()
        after_reduction = shrinks
        for position in range(shape.cells):
            reduces = position in (shape.cells // 3, 2 * shape.cells // 3)
            channels *= 2 if reduces else 1
            cell = topology.cell("reduction" if reduces else "normal")
            self.cells.append(_DARTSCell(cell, older, newer, channels, after_reduction, partial))
            older, newer, after_reduction = newer, len(cell.nodes) * channels, reduces
        self.features = newer

    def forward(self, images: Float[Tensor, "n c h w"], plans: Plans) -> Float[Tensor, "n features rows columns"]:
        """The last cell's output."""
        older, newer = self.stem(images)
        for cell in self.cells:
            older, newer = newer, cell(older, newer, plans)
        last: Tensor = newer
        return last


class _DARTSCell(nn.Module):
    """Both inputs brought to the channels of the cell, the mixed nodes, and their concatenation."""

    def __init__(
        self, topology: CellTopology, older: int, newer: int, channels: int, after_reduction: bool, partial: int
    ) -> None:
        super().__init__()
        self._cell_type = topology.name
        self.prepare_older: nn.Module = (
            FactorizedReduce(older, channels, affine=False)
            if after_reduction
            else ReLUConvBN(older, channels, 1, affine=False)
        )
        self.prepare_newer = ReLUConvBN(newer, channels, 1, affine=False)
        self.mixed = MixedCell(topology, channels, partial=partial, normalised_pools=True)

    def forward(
        self, older: Float[Tensor, "n first h w"], newer: Float[Tensor, "n second tall wide"], plans: Plans
    ) -> Float[Tensor, "n features rows columns"]:
        """The nodes, concatenated."""
        given = [self.prepare_older(older), self.prepare_newer(newer)]
        return join_channels(self.mixed(given, plans[self._cell_type]))


class _NASBench201Body(nn.Module):
    """Stem, then three stages of cells with residual blocks between, as in `live.nasbench201_cell.NASBench201Body`."""

    def __init__(self, topology: Topology, shape: NetworkShape, partial: int) -> None:
        super().__init__()
        channels = shape.channels
        stem = nn.Conv2d(shape.in_channels, channels, 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(channels))
        self.cells = nn.ModuleList()
        for stage in range(STAGES):
            if stage > 0:
                self.cells.append(ResidualBlock(channels, 2 * channels))
                channels *= 2
            self.cells.extend(
                MixedCell(topology.cells[0], channels, partial=partial, normalised_pools=False)
                for _ in range(shape.cells)
            )
        self.head = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.features = channels

    def forward(self, images: Float[Tensor, "n c h w"], plans: Plans) -> Float[Tensor, "n features rows columns"]:
        """The features before the average over places."""
        features = self.stem(images)
        for cell in self.cells:
            features = cell([features], plans["cell"])[-1] if isinstance(cell, MixedCell) else cell(features)
        last: Tensor = self.head(features)
        return last


def _initialise(network: SuperNetwork, generator: torch.Generator) -> None:
    """Fresh weights, and running statistics as at the start."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, LaneNorm)):
            module.reset_parameters()
        elif isinstance(module, (nn.Conv2d, nn.Linear, LaneConvolution)):
            weight = module.weight.flatten(0, 1) if isinstance(module, LaneConvolution) else module.weight
            bound = 1 / math.sqrt(weight[0].numel())
            for parameter in module.parameters(recurse=False):
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def check_shape(topology: Topology, shape: NetworkShape, partial: int) -> None:
    """Refuses what cannot be built.

    Raises:
        ConfigurationError: a shape or `partial` out of range; says what would fit.
    """
    least = {"channels": 2, "cells": 1, "classes": 2, "in_channels": 1}
    for name, bound in least.items():
        if getattr(shape, name) < bound:
            raise ConfigurationError(f"NetworkShape: {name} = {getattr(shape, name)}; it has to be at least {bound}.")
    if partial < 1 or shape.channels % partial or (topology.family == "darts" and shape.channels // partial < 2):
        raise ConfigurationError(
            f"partial = {partial} does not fit {shape.channels} channels: it has to divide them and to leave the "
            "operations of DARTS at least 2. Choose another `partial` or `channels`."
        )
    if shape.auxiliary:
        raise ConfigurationError("A super-network has no auxiliary head. Set auxiliary = False in its NetworkShape.")
    if shape.stem not in ("cifar", "imagenet") or (shape.stem != "cifar" and topology.family != "darts"):
        raise ConfigurationError(f"stem = {shape.stem!r} is not known for {topology.family!r}. Use 'cifar'.")
