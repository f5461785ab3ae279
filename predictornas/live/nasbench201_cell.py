"""NAS-Bench-201 (Dong and Yang 2020) as networks: the cell, and the stages around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from predictornas.live.operations import ReLUConvBN, nasbench201_operation
from predictornas.spaces.nasbench201 import EDGES

STAGES = 3
"""Stages of equal cells; a residual block halves the image and doubles the channels between them."""

_LAST_NODE = 3
_OF_ZERO_IS_ZERO = ("skip_connect", "avg_pool_3x3")


class NASBench201Body(nn.Module):
    """Stem, then three stages of cells with residual blocks between, as in the released `TinyNetwork`.

    Args:
        operations: official names of the operations on the six edges, in the order of `EDGES`.
        in_channels: channels of the images.
        channels: channels of the first stage, 16 in the paper.
        cells: cells in a stage, 5 in the paper.

    Attributes:
        features: channels of what `forward` returns.
    """

    def __init__(self, operations: Sequence[str], in_channels: int, channels: int, cells: int) -> None:
        super().__init__()
        stem = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(channels)]
        for stage in range(STAGES):
            if stage > 0:
                layers.append(ResidualBlock(channels, 2 * channels))
                channels *= 2
            layers.extend(NASBench201Cell(operations, channels) for _ in range(cells))
        self.layers = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.features = channels

    def forward(
        self, images: Float[Tensor, "n channels h w"]
    ) -> tuple[Float[Tensor, "n features rows columns"], Float[Tensor, "n middle tall wide"] | None]:
        """The features before the average over places; no auxiliary head ever stood on this network."""
        return self.layers(images), None


class NASBench201Cell(nn.Module):
    """One cell: each node is the sum of what its edges carry.

    `none` costs nothing, nor does an edge into a node from which no path leads on: its weights exist, because the
    benchmark counts them, but are not used.

    Args:
        operations: as in `NASBench201Body`.
        channels: channels in and out.
    """

    def __init__(self, operations: Sequence[str], channels: int) -> None:
        super().__init__()
        self._names = tuple(operations)
        self._used = _edges_that_matter(operations)
        self.operations = nn.ModuleList(nasbench201_operation(name, channels, channels, 1) for name in operations)

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        """What the last node holds."""
        nodes: list[Tensor | None] = [images, None, None, None]  # None: zero, and nobody has computed it
        for edge in self._used:
            source, target = EDGES[edge]
            value = nodes[source]
            if value is None and self._names[edge] in _OF_ZERO_IS_ZERO:
                continue
            carried = self.operations[edge](torch.zeros_like(images) if value is None else value)
            before = nodes[target]
            nodes[target] = carried if before is None else before + carried
        last = nodes[_LAST_NODE]
        return torch.zeros_like(images) if last is None else last


class ResidualBlock(nn.Module):
    """Halves the image and changes the channels: two 3 x 3 convolutions beside a pooled 1 x 1 convolution.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            ReLUConvBN(channels_in, channels_out, 3, stride=2), ReLUConvBN(channels_out, channels_out, 3)
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),  # as the convolution does, rounds an odd size up; the paper's are even
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
        )

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n filters rows columns"]:
        """Half the height and half the width, rounded up."""
        total: Tensor = self.shortcut(images) + self.convolutions(images)
        return total


def _edges_that_matter(operations: Sequence[str]) -> list[int]:
    """The edges other than `none` from which the output can be reached, in the order in which they can be computed."""
    useful = {_LAST_NODE}
    used = []
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        if target in useful and operations[edge] != "none":
            useful.add(source)
            used.append(edge)
    return used[::-1]
