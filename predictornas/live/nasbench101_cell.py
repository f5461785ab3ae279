"""NAS-Bench-101 (Ying et al. 2019) as networks: the module of a cell, and the stacks around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from predictornas.errors import ConfigurationError
from predictornas.live.joining import join_channels
from predictornas.live.operations import ConvBNReLU, nasbench101_operation


class NASBench101Body(nn.Module):
    """Stem, then stacks of equal modules, as in the released model builder.

    Between two stacks the image is halved and the channels are doubled.

    Args:
        adjacency: `(V, V)` upper triangular; vertex 0 is the input and the last one the output, and each vertex lies
            on a path between them.
        operations: official names of the operations of the V - 2 vertices between.
        in_channels: channels of the images.
        channels: channels of the first stack, 128 in the paper.
        cells: modules in a stack, 3 in the paper.
        stacks: stacks of modules, 3 in the paper.

    Attributes:
        features: channels of what `forward` returns.

    Raises:
        ConfigurationError: fewer channels than vertices that share the output.
    """

    def __init__(
        self,
        adjacency: UInt8[np.ndarray, "v v"],
        operations: Sequence[str],
        in_channels: int,
        channels: int,
        cells: int,
        stacks: int = 3,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvBNReLU(in_channels, channels, 3)]
        before = channels
        for stack in range(stacks):
            if stack > 0:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))  # TensorFlow's "same" padding of an odd size
            for _ in range(cells):
                after = channels * 2**stack
                layers.append(NASBench101Cell(adjacency, operations, before, after))
                before = after
        self.layers = nn.Sequential(*layers)
        self.features = before

    def forward(
        self, images: Float[Tensor, "n channels h w"]
    ) -> tuple[Float[Tensor, "n features rows columns"], Float[Tensor, "n middle tall wide"] | None]:
        """The features before the average over places; no auxiliary head ever stood on this network."""
        return self.layers(images), None


class NASBench101Cell(nn.Module):
    """One module: operations on the vertices, sums into them, a concatenation into the output.

    Args:
        adjacency: as in `NASBench101Body`.
        operations: as in `NASBench101Body`.
        channels_in: channels of the input.
        channels_out: channels of the output.

    Attributes:
        copies: networks whose channels stand side by side in each tensor; see `predictornas.live.side_by_side`.

    Raises:
        ConfigurationError: fewer channels than vertices that share the output.
    """

    def __init__(
        self, adjacency: UInt8[np.ndarray, "v v"], operations: Sequence[str], channels_in: int, channels_out: int
    ) -> None:
        super().__init__()
        self.copies = 1
        self._channels = vertex_channels(adjacency, channels_in, channels_out)
        self._inputs = [[source for source in range(1, v) if adjacency[source, v]] for v in range(len(adjacency))]
        self.projections = nn.ModuleDict(
            {
                str(vertex): ConvBNReLU(channels_in, channels, 1)
                for vertex, channels in enumerate(self._channels)
                if adjacency[0, vertex]
            }
        )
        self.operations = nn.ModuleList(
            nasbench101_operation(name, channels)
            for name, channels in zip(operations, self._channels[1:-1], strict=True)
        )

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n filters h w"]:
        """What the output vertex holds."""
        values = [images]
        for vertex, operation in enumerate(self.operations, start=1):
            channels = self._channels[vertex]
            received = [truncated(values[source], channels, self.copies) for source in self._inputs[vertex]]
            values.append(operation(sum_of([*received, *self._projected(images, vertex)])))
        last = len(values)
        joined = [values[source] for source in self._inputs[last]]
        kept = [concatenated(joined, self.copies)] if joined else []
        return sum_of([*kept, *self._projected(images, last)])

    def _projected(self, images: Tensor, vertex: int) -> list[Tensor]:
        """The input projected for this vertex, where it has an edge from there."""
        name = str(vertex)
        return [self.projections[name](images)] if name in self.projections else []


def vertex_channels(adjacency: UInt8[np.ndarray, "v v"], channels_in: int, channels_out: int) -> list[int]:
    """Channels of every vertex, as `compute_vertex_channels` of the released code counts them.

    The vertices that feed the output share its channels, the first ones take what is left over; any other has as many
    as the widest vertex it feeds. So isomorphic cells whose vertices stand in another order can differ a little.

    Raises:
        ConfigurationError: fewer channels than vertices that share them.
    """
    last = len(adjacency) - 1
    sharing = [vertex for vertex in range(1, last) if adjacency[vertex, last]]
    if len(sharing) > channels_out:
        raise ConfigurationError(
            f"{len(sharing)} vertices of this NAS-Bench-101 cell share {channels_out} channels. Give the network at "
            f"least {len(sharing)}."
        )
    channels = [channels_in] + [0] * (last - 1) + [channels_out]
    for position, vertex in enumerate(sharing):
        share, left_over = divmod(channels_out, len(sharing))
        channels[vertex] = share + (position < left_over)
    for vertex in range(last - 1, 0, -1):
        if not adjacency[vertex, last]:
            channels[vertex] = max(channels[after] for after in range(vertex + 1, last) if adjacency[vertex, after])
    return channels


def truncated(values: Float[Tensor, "n c h w"], channels: int, copies: int) -> Float[Tensor, "n d h w"]:
    """The first channels of every copy."""
    if values.shape[1] == channels * copies:
        return values
    return values[:, :channels] if copies == 1 else _joined(_apart(values, copies)[..., :channels])


def concatenated(parts: Sequence[Tensor], copies: int) -> Float[Tensor, "n channels h w"]:
    """The channels of several tensors one after the other, copy by copy."""
    if len(parts) == 1:
        return parts[0]
    if copies == 1:
        return join_channels(parts)
    return _joined(torch.cat([_apart(part, copies) for part in parts], dim=-1))


def _apart(values: Float[Tensor, "n kc h w"], copies: int) -> Float[Tensor, "n h w k c"]:
    """Copies apart, channels last: a view of memory that is channels last."""
    last = values.movedim(1, -1)
    return last.reshape(*last.shape[:-1], copies, last.shape[-1] // copies)


def _joined(values: Float[Tensor, "n h w k c"]) -> Float[Tensor, "n kc h w"]:
    return values.flatten(-2).movedim(-1, 1)


def sum_of(terms: Sequence[Float[Tensor, "n channels h w"]]) -> Float[Tensor, "n channels h w"]:
    """The sum of one or more tensors, without a start from zero."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
