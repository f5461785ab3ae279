"""Operations of several edges at once: each edge is a lane, and lanes run in one grouped kernel.

The images of `m` lanes lie side by side, `(n, m * channels, h, w)`, in memory with the channels last. On a GPU all
lanes run together, because starting a kernel is what takes time there; on a CPU only as many as fill its vectors, so
that their images stay in its cache (`lanes_at_once`). Parameters keep the lane as their first dimension,
so that a lane can be picked out, or copied into another network, by an index. Each operation multiplies its result by
one factor a lane; that costs nothing, because the factor is the scale of the last batch normalisation, which has no
learnt one in a super-network (Liu et al. 2019, section 2.4).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from predictornas.live.separable import depthwise, pointwise

Lanes = list[int] | slice | None
"""The lanes that are computed; None for all of them."""

CHANNELS_ON_CPU = 16
"""Channels that lanes have together on a CPU: fewer leave vectors half empty, more leave the cache (measured)."""

Images = Float[Tensor, "n channels h w"]
Results = Float[Tensor, "n filters rows columns"]
Factors = Float[Tensor, " lanes"]


def lanes_at_once(channels: int, device: torch.device) -> int | None:
    """How many lanes of so many channels run together; None for all."""
    return max(1, CHANNELS_ON_CPU // channels) if device.type == "cpu" else None


class LaneConvolution(nn.Module):
    """A convolution without bias in each lane.

    Attributes:
        weight: `(lanes, filters, inputs, kernel, kernel)`; `inputs` is 1 where it is depthwise.
    """

    def __init__(
        self, lanes: int, inputs: int, filters: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(lanes, filters, inputs, kernel, kernel))
        self.stride, self.dilation = stride, dilation
        self.padding = dilation * (kernel // 2)

    def forward(self, images: Images, lanes: Lanes) -> Results:
        """The images of the lanes side by side, or those that all lanes share."""
        weight = self.weight if lanes is None else self.weight[lanes]
        # images that all lanes share are one group, whose filters are then those of all lanes: one convolution for all
        # edges
        groups = images.shape[1] // weight.shape[2]
        if weight.shape[-1] == 1:
            # a kernel of one pixel sees every stride-th pixel only, so the others can go before the product
            return self._product(images[:, :, :: self.stride, :: self.stride], weight, groups)
        if weight.shape[2] == 1 and groups == len(weight) * weight.shape[1]:
            return depthwise(images, weight.flatten(0, 1), stride=self.stride, dilation=self.dilation)
        return functional.conv2d(
            images, weight.flatten(0, 1), None, self.stride, self.padding, self.dilation, groups=groups
        )

    def _product(self, images: Images, weight: Float[Tensor, "_ _ _ 1 1"], groups: int) -> Results:
        """A convolution of 1 x 1 as products of matrices; with groups, torch runs it one group after the other."""
        if groups == 1:
            return pointwise(images, weight.reshape(-1, weight.shape[2]))
        if images.device.type == "cpu":  # few lanes, whose matrices fit into one with zeros between
            joined: Tensor = torch.block_diag(*weight.flatten(2).unbind())  # type: ignore[no-untyped-call]
            return pointwise(images, joined)
        pixels = images.reshape(len(images), groups, weight.shape[2], -1)
        results = torch.matmul(weight.reshape(groups, -1, weight.shape[2]), pixels)
        return results.reshape(len(images), -1, *images.shape[2:])


class LaneNorm(nn.Module):
    """Batch normalisation without learnt scale and shift in each lane.

    Attributes:
        running_mean: `(lanes, channels)`.
        running_var: `(lanes, channels)`.
        momentum: share of a batch in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, lanes: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(lanes, channels))
        self.register_buffer("running_var", torch.ones(lanes, channels))
        self.momentum = 0.1

    def reset_parameters(self) -> None:
        """Running statistics as at the start."""
        self.running_mean.zero_()
        self.running_var.fill_(1)

    def forward(self, images: Images, lanes: Lanes, factors: Factors | None = None) -> Images:
        """Normalised, and multiplied by the factor of the lane; lanes that are not computed keep their statistics."""
        mean, variance = self.running_mean, self.running_var
        if lanes is not None:
            # copies, because the backward pass needs them as they are, and a later call may move those of other lanes
            mean, variance = mean[lanes].clone(), variance[lanes].clone()
        # A copy: the backward pass of torch's batch normalisation misreads a scale that is an expanded view.
        scale = None if factors is None else factors.repeat_interleave(mean.shape[1])
        statistics = mean.view(-1), variance.view(-1)
        normal = functional.batch_norm(images, *statistics, scale, None, self.training, self.momentum)
        if lanes is not None and self.training:
            self.running_mean[lanes], self.running_var[lanes] = mean, variance
        return normal


class LaneOperation(nn.Module, ABC):
    """An operation with weights, or noise, of its own on each edge.

    Attributes:
        shares_input: whether one image can serve all lanes that begin at the same node.
    """

    shares_input = False

    @abstractmethod
    def forward(self, active: Images, lanes: Lanes, factors: Factors) -> Results:
        """The results of the lanes side by side, each times its factor; `active` has gone through a ReLU."""


class LaneConvNorm(LaneOperation):
    """Convolution and batch normalisation: NAS-Bench-201's `nor_conv` behind its ReLU."""

    shares_input = True

    def __init__(self, lanes: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.convolution = LaneConvolution(lanes, channels, channels, kernel)
        self.norm = LaneNorm(lanes, channels)

    def forward(self, active: Images, lanes: Lanes, factors: Factors) -> Results:
        """See `LaneOperation`."""
        normal: Tensor = self.norm(self.convolution(active, lanes), lanes, factors)
        return normal


class LaneDilatedConv(LaneOperation):
    """Depthwise convolution, 1 x 1 convolution and batch normalisation: `dil_conv`, and half of `sep_conv`."""

    def __init__(self, lanes: int, channels: int, kernel: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.depthwise = LaneConvolution(lanes, 1, channels, kernel, stride=stride, dilation=dilation)
        self.pointwise = LaneConvolution(lanes, channels, channels, 1)
        self.norm = LaneNorm(lanes, channels)

    def forward(self, active: Images, lanes: Lanes, factors: Factors | None = None) -> Results:
        """See `LaneOperation`; without factors inside `sep_conv`."""
        normal: Tensor = self.norm(self.pointwise(self.depthwise(active, lanes), lanes), lanes, factors)
        return normal


class LaneSeparableConv(LaneOperation):
    """Two depthwise-separable convolutions, the stride in the first: `sep_conv`."""

    def __init__(self, lanes: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.first = LaneDilatedConv(lanes, channels, kernel, stride, 1)
        self.second = LaneDilatedConv(lanes, channels, kernel, 1, 1)

    def forward(self, active: Images, lanes: Lanes, factors: Factors) -> Results:
        """See `LaneOperation`."""
        results: Tensor = self.second(self.first(active, lanes).relu_(), lanes, factors)
        return results


class LaneReduce(LaneOperation):
    """Halves the image by two 1 x 1 convolutions, one a pixel further down and right: `skip_connect` of stride 2."""

    shares_input = True

    def __init__(self, lanes: int, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.straight = LaneConvolution(lanes, channels, half, 1, stride=2)
        self.shifted = LaneConvolution(lanes, channels, channels - half, 1, stride=2)
        self.norm = LaneNorm(lanes, channels)

    def forward(self, active: Images, lanes: Lanes, factors: Factors) -> Results:
        """See `LaneOperation`; an odd size is rounded up, with zeros where the second convolution leaves the image."""
        height, width = active.shape[-2:]
        moved = functional.pad(active, (-1, width % 2, -1, height % 2))
        halves = [self.straight(active, lanes), self.shifted(moved, lanes)]
        pixels = len(active), *halves[0].shape[2:]
        # the two halves of a lane have to lie side by side, not all first halves before all second ones
        lanes_apart = [half.permute(0, 2, 3, 1).reshape(*pixels, len(factors), -1) for half in halves]
        joined = torch.cat(lanes_apart, dim=4).flatten(3).permute(0, 3, 1, 2)
        normal: Tensor = self.norm(joined, lanes, factors)
        return normal


class LaneNoise(LaneOperation):
    """Standard normal noise in place of the input (Zela et al. 2020, space S4).

    Attributes:
        generator: where the noise comes from, on the device of the images; None for torch's own.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.generator: torch.Generator | None = None

    def forward(self, active: Images, lanes: Lanes, factors: Factors) -> Results:
        """See `LaneOperation`; fresh noise at every call."""
        shape = (*active.shape[:2], *(-(-size // self.stride) for size in active.shape[2:]))
        noise = active.new_empty(shape).normal_(generator=self.generator)
        channels = noise.shape[1] // len(factors)
        return noise * factors[:, None].expand(-1, channels).reshape(1, -1, 1, 1)


class SourcePool(nn.Module):
    """A pool of 3 x 3, and batch normalisation behind it where the search space has that, for one node a lane.

    Every edge that leaves a node by this pool carries the same tensor, so it is computed once a node.
    """

    def __init__(self, name: str, lanes: int, channels: int, stride: int, *, normalised: bool) -> None:
        super().__init__()
        self.pool = (
            nn.MaxPool2d(3, stride, padding=1)
            if name == "max_pool_3x3"
            else nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        )
        self.norm = LaneNorm(lanes, channels) if normalised else None

    def forward(self, images: Images, lanes: Lanes) -> Results:
        """The pooled images of the nodes side by side."""
        pooled: Tensor = self.pool(images)
        return pooled if self.norm is None else self.norm(pooled, lanes)


def lane_operation(name: str, lanes: int, channels: int, stride: int) -> LaneOperation:
    """The operation of that name in `lanes` lanes; its weights are not initialised.

    Raises:
        KeyError: `name` has no weights of its own on an edge (`none`, pools, the identity).
    """
    match name:
        case "skip_connect":
            return LaneReduce(lanes, channels)
        case "noise":
            return LaneNoise(stride)
        case "nor_conv_1x1" | "nor_conv_3x3":
            return LaneConvNorm(lanes, channels, int(name[-1]))
        case "sep_conv_3x3" | "sep_conv_5x5":
            return LaneSeparableConv(lanes, channels, int(name[-1]), stride)
        case "dil_conv_3x3" | "dil_conv_5x5":
            return LaneDilatedConv(lanes, channels, int(name[-1]), stride, 2)
    raise KeyError(name)
