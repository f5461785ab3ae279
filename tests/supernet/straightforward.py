"""The reference for the super-network: one module an edge and operation, one sum of products an edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from predictornas.live.darts_cell import CIFARStem, ImageNetStem
from predictornas.live.nasbench201_cell import ResidualBlock
from predictornas.live.operations import FactorizedReduce, ReLUConvBN, darts_operation, nasbench201_operation
from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import CellTopology, Topology


class MixedEdge(nn.Module):
    """All operations of one edge, with partial channels as in the released code of PC-DARTS."""

    def __init__(self, names, channels: int, stride: int, partial: int, family: str) -> None:
        super().__init__()
        self.partial, self.mixed, self.stride = partial, channels // partial, stride
        if family == "darts":
            made = [darts_operation(name, self.mixed, stride, False, normalised_pools=True) for name in names]
        else:
            made = [nasbench201_operation(name, self.mixed, self.mixed, stride, False) for name in names]
        self.operations = nn.ModuleList(made)

    def forward(self, images: Tensor, weights: Tensor) -> Tensor:
        first, rest = images[:, : self.mixed], images[:, self.mixed :]
        terms = [
            weight * operation(first)
            for weight, operation in zip(weights, self.operations, strict=False)
            if weight.requires_grad or weight != 0
        ]
        total = sum(terms) if terms else 0 * nn.functional.avg_pool2d(first, self.stride, ceil_mode=True)
        if self.partial == 1:
            return total
        if self.stride == 2:
            rest = nn.functional.max_pool2d(rest, 2)
        joined = torch.cat([total, rest], dim=1)
        return joined.unflatten(1, (self.partial, -1)).transpose(1, 2).reshape(joined.shape)


class Cell(nn.Module):
    """Every node is the sum of its edges, each times its weight."""

    def __init__(self, topology: CellTopology, channels: int, partial: int, family: str) -> None:
        super().__init__()
        self.topology = topology
        self.edges = nn.ModuleList(
            MixedEdge(names, channels, 2 if topology.name == "reduction" and source < 2 else 1, partial, family)
            for names, (source, _) in zip(topology.operations, topology.edges, strict=True)
        )

    def forward(self, given: list[Tensor], mixture: Mixture) -> list[Tensor]:
        weights, nodes = mixture.weights[self.topology.name], list(given)
        for node in self.topology.nodes:
            total = 0
            for edge in self.topology.edges_into(node):
                carried = self.edges[edge](nodes[self.topology.edges[edge][0]], weights[edge])
                factor = 1 if mixture.edge_weights is None else mixture.edge_weights[self.topology.name][edge]
                total = total + factor * carried
            nodes.append(total)
        return nodes[len(given) :]


class DARTSCell(nn.Module):
    def __init__(self, topology, older: int, newer: int, channels: int, after_reduction: bool, partial: int) -> None:
        super().__init__()
        self.prepare_older = (
            FactorizedReduce(older, channels, False) if after_reduction else ReLUConvBN(older, channels, 1, 1, False)
        )
        self.prepare_newer = ReLUConvBN(newer, channels, 1, 1, False)
        self.mixed = Cell(topology, channels, partial, "darts")

    def forward(self, older: Tensor, newer: Tensor, mixture: Mixture) -> Tensor:
        return torch.cat(self.mixed([self.prepare_older(older), self.prepare_newer(newer)], mixture), dim=1)


class Straightforward(nn.Module):
    """The same mathematics as `SuperNetwork`."""

    def __init__(self, topology: Topology, shape: NetworkShape, partial: int = 1) -> None:
        super().__init__()
        self.family = topology.family
        channels = shape.channels
        self.cells = nn.ModuleList()
        if self.family == "darts":
            shrinks = shape.stem == "imagenet"
            older = newer = channels if shrinks else 3 * channels
            self.stem = (ImageNetStem if shrinks else CIFARStem)(shape.in_channels, older)
            after = shrinks
            for position in range(shape.cells):
                reduces = position in (shape.cells // 3, 2 * shape.cells // 3)
                channels *= 1 + reduces
                cell = topology.cells[reduces]
                self.cells.append(DARTSCell(cell, older, newer, channels, after, partial))
                older, newer, after = newer, 4 * channels, reduces
            self.head = nn.Identity()
        else:
            stem = nn.Conv2d(shape.in_channels, channels, 3, padding=1, bias=False)
            self.stem = nn.Sequential(stem, nn.BatchNorm2d(channels))
            for stage in range(3):
                if stage:
                    self.cells.append(ResidualBlock(channels, 2 * channels))
                    channels *= 2
                for _ in range(shape.cells):
                    self.cells.append(Cell(topology.cells[0], channels, partial, "nasbench201"))
            self.head, newer = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU()), channels
        self.classifier = nn.Linear(newer, shape.classes)

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        if self.family == "darts":
            older, newer = self.stem(images)
            for cell in self.cells:
                older, newer = newer, cell(older, newer, mixture)
        else:
            newer = self.stem(images)
            for cell in self.cells:
                newer = cell([newer], mixture)[-1] if isinstance(cell, Cell) else cell(newer)
        return self.classifier(self.head(newer).mean((2, 3)))


LANE_PARTS = {
    "skip_connect": ("straight", "shifted"),
    "nor_conv_1x1": ("1",),
    "nor_conv_3x3": ("1",),
    "dil_conv_3x3": ("1", "2"),
    "dil_conv_5x5": ("1", "2"),
    "sep_conv_3x3": ("0.1", "0.2", "1.1", "1.2"),
    "sep_conv_5x5": ("0.1", "0.2", "1.1", "1.2"),
}
"""The convolutions of the reference's modules, in the order of those of `LaneOperation`."""


def paired(network: SuperNetwork, reference: Straightforward) -> list[tuple[str, int | None, Tensor]]:
    """For each weight of the reference: the name of the super-network's, its lane or None, and the weight itself."""
    pairs = []
    of_reference = dict(reference.named_parameters())
    for name, parameter in of_reference.items():
        if ".edges." not in name:
            outside = name if name.startswith("classifier") else f"body.{name}"
            pairs.append((outside, None, parameter))
    modules = {name: module for name, module in network.named_modules() if hasattr(module, "wave")}
    for path, module in modules.items():
        prefix = path.removeprefix("body.").rsplit(".waves", 1)[0]
        for operation, places in module.wave.lanes.items():
            weights = [name for name, _ in module.lanes[operation].named_parameters()]
            for lane, (edge, column) in enumerate(places):
                for ours, theirs in zip(weights, LANE_PARTS.get(operation, ()), strict=True):
                    inside = f"{prefix}.edges.{edge}.operations.{column}.{theirs}.weight"
                    pairs.append((f"{path}.lanes.{operation}.{ours}", lane, of_reference[inside]))
    return pairs


def reference_of(network: SuperNetwork) -> Straightforward:
    """The straightforward network with the weights of a super-network, every one of them."""
    reference = Straightforward(network.topology, network.shape, network.partial)
    reference = reference.to(next(network.parameters()))
    ours = dict(network.named_parameters())
    pairs = paired(network, reference)
    if len(pairs) != len(list(reference.parameters())):
        raise AssertionError("some weights of the reference have no counterpart")
    with torch.no_grad():
        for name, lane, parameter in pairs:
            parameter.copy_(ours[name] if lane is None else ours[name][lane])
    return reference
