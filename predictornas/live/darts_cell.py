"""The DARTS space (Liu et al. 2019) as networks: the cell, the stack of cells, the auxiliary heads."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from predictornas.live.joining import join_channels
from predictornas.live.operations import DropPath, FactorizedReduce, ReLUConvBN, darts_operation

NODES = 4
"""Nodes of a cell beside its two inputs; their concatenation is its output."""

Edges = Sequence[tuple[str, int]]
"""The eight edges of a cell, two into each node in turn: name of the operation, and the input it reads."""


class DARTSBody(nn.Module):
    """Stem and cells; those at a third and at two thirds of the depth halve the image and double the channels.

    Args:
        normal: edges of a normal cell.
        reduction: edges of a reduction cell.
        in_channels: channels of the images.
        channels: channels of a node of the first cells (36 on CIFAR-10, 48 on ImageNet).
        cells: number of cells in all (20 on CIFAR-10, 14 on ImageNet).
        stem: `cifar`, which keeps the size, or `imagenet`, which divides it by 8.

    Attributes:
        features: channels of the last cell's output.
        middle_features: channels where the auxiliary head stands, after the second reduction.
    """

    def __init__(
        self, normal: Edges, reduction: Edges, in_channels: int, channels: int, cells: int, *, stem: str
    ) -> None:
        super().__init__()
        shrinks = stem == "imagenet"
        self.stem: nn.Module = ImageNetStem(in_channels, channels) if shrinks else CIFARStem(in_channels, 3 * channels)
        older = newer = channels if shrinks else 3 * channels
        after_reduction = shrinks
        self.cells = nn.ModuleList()
        self._middle = 2 * cells // 3
        for position in range(cells):
            reduces = position in (cells // 3, self._middle)
            channels *= 2 if reduces else 1
            edges = reduction if reduces else normal
            self.cells.append(DARTSCell(edges, older, newer, channels, reduces, after_reduction))
            older, newer, after_reduction = newer, NODES * channels, reduces
            if position == self._middle:
                self.middle_features = newer
        self.features = newer

    def forward(
        self, images: Float[Tensor, "n channels h w"]
    ) -> tuple[Float[Tensor, "n features rows columns"], Float[Tensor, "n middle tall wide"] | None]:
        """The last cell's output, and that of the second reduction cell."""
        older, newer = self.stem(images)
        middle = None
        for position, cell in enumerate(self.cells):
            older, newer = newer, cell(older, newer)
            if position == self._middle:
                middle = newer
        return newer, middle


class DARTSCell(nn.Module):
    """One cell: four nodes, each the sum of two operations on earlier ones.

    `none` is not computed. Paths are dropped as in the released code: one choice an image for each operation but the
    identity.

    Args:
        edges: the eight edges; inputs 0 and 1 are the outputs of the cell before the previous one and of the previous.
        older: channels of input 0.
        newer: channels of input 1.
        channels: channels of each node.
        reduces: whether operations on the two inputs have stride 2.
        after_reduction: whether input 0 is twice as large as input 1.
    """

    def __init__(
        self, edges: Edges, older: int, newer: int, channels: int, reduces: bool, after_reduction: bool
    ) -> None:
        super().__init__()
        self._edges = tuple(edges)
        self.prepare_older: nn.Module = (
            FactorizedReduce(older, channels) if after_reduction else ReLUConvBN(older, channels, 1)
        )
        self.prepare_newer = ReLUConvBN(newer, channels, 1)
        self.operations = nn.ModuleList(
            darts_operation(name, channels, stride=2 if reduces and source < 2 else 1) for name, source in edges
        )
        self.drop_path = DropPath()

    def forward(
        self, older: Float[Tensor, "n first h w"], newer: Float[Tensor, "n second tall wide"]
    ) -> Float[Tensor, "n features rows columns"]:
        """The four nodes, concatenated."""
        states = [self.prepare_older(older), self.prepare_newer(newer)]
        for node in range(NODES):
            states.append(self._carried(states, 2 * node, 2 * node + 1))
        return join_channels(states[2:])

    def _carried(self, states: Sequence[Tensor], first: int, second: int) -> Tensor:
        """The sum of two edges."""
        values: list[Tensor] = []
        for edge in (first, second):
            name, source = self._edges[edge]
            operation = self.operations[edge]
            if name != "none":
                value = operation(states[source])
                values.append(value if isinstance(operation, nn.Identity) else self.drop_path(value))
        if not values:  # both edges are `none`
            nothing: Tensor = self.operations[first](states[self._edges[first][1]])
            return nothing
        return values[0] if len(values) == 1 else values[0] + values[1]


class CIFARStem(nn.Module):
    """A 3 x 3 convolution, whose output is both inputs of the first cell."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.layers = nn.Sequential(conv, nn.BatchNorm2d(channels_out))

    def forward(
        self, images: Float[Tensor, "n channels h w"]
    ) -> tuple[Float[Tensor, "n features h w"], Float[Tensor, "n features h w"]]:
        """The two inputs of the first cell."""
        features = self.layers(images)
        return features, features


class ImageNetStem(nn.Module):
    """Three convolutions of stride 2: the first cell sees an image of a quarter and one of an eighth of the size."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.quarter = nn.Sequential(
            nn.Conv2d(channels_in, channels // 2, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels // 2),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.eighth = ReLUConvBN(channels, channels, 3, stride=2)

    def forward(
        self, images: Float[Tensor, "n channels h w"]
    ) -> tuple[Float[Tensor, "n features tall wide"], Float[Tensor, "n features rows columns"]]:
        """The two inputs of the first cell."""
        quarter = self.quarter(images)
        return quarter, self.eighth(quarter)


class AuxiliaryHead(nn.Module):
    """The classifier at two thirds of the depth, whose loss helps to train a deep network.

    Made for features of 8 x 8 (CIFAR) and 7 x 7 (ImageNet, where the second convolution has no batch normalisation,
    as in the released code); other sizes are averaged to the same 2 x 2 places (ours).

    Args:
        channels: channels of the features.
        classes: number of classes.
        stem: that of the network, `cifar` or `imagenet`.
    """

    def __init__(self, channels: int, classes: int, *, stem: str) -> None:
        super().__init__()
        self._size, self._stride = (7, 2) if stem == "imagenet" else (8, 3)
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.Identity() if stem == "imagenet" else nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, features: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n classes"]:
        """Logits."""
        active = features.relu()
        if features.shape[-2:] == (self._size, self._size):
            places = nn.functional.avg_pool2d(active, 5, self._stride)
        else:
            places = nn.functional.adaptive_avg_pool2d(active, 2)
        logits: Tensor = self.classifier(self.convolutions(places).flatten(1))
        return logits
