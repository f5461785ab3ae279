"""The operations of the three search spaces as modules, each as in its paper's released code."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from predictornas.errors import UnknownNameError
from predictornas.live.separable import DepthwiseConv2d, PointwiseConv2d


def darts_operation(
    name: str, channels: int, stride: int, affine: bool = True, *, normalised_pools: bool = False
) -> nn.Module:
    """An operation of the DARTS spaces (Liu et al. 2019; `noise`: Zela et al. 2020, S4); it keeps the channels.

    Args:
        name: its name in the released code, e.g. `sep_conv_3x3`.
        channels: channels in and out.
        stride: 1, or 2 to halve the image (an odd size is rounded up).
        affine: whether batch normalisation learns a scale and a shift; a super-network's does not.
        normalised_pools: whether batch normalisation without scale and shift follows a pool, as in a super-network.

    Raises:
        UnknownNameError: no operation has this name.
    """
    if name not in _DARTS:
        raise UnknownNameError("operation of the DARTS spaces", name, _DARTS)
    operation = _DARTS[name](channels, stride, affine)
    if normalised_pools and "pool" in name:
        return nn.Sequential(operation, nn.BatchNorm2d(channels, affine=False))
    return operation


def nasbench201_operation(
    name: str, channels_in: int, channels_out: int, stride: int, affine: bool = True
) -> nn.Module:
    """An operation of NAS-Bench-201 (Dong and Yang 2020).

    Args:
        name: its official name, e.g. `nor_conv_3x3`.
        channels_in: channels of its input.
        channels_out: channels of its output; in a cell of the benchmark the same.
        stride: 1, as everywhere in a cell of the benchmark, or 2 to halve the image (an odd size is rounded up).
        affine: whether batch normalisation learns a scale and a shift.

    Raises:
        UnknownNameError: no operation has this name.
    """
    if name not in _NASBENCH201:
        raise UnknownNameError("operation of NAS-Bench-201", name, _NASBENCH201)
    return _NASBENCH201[name](channels_in, channels_out, stride, affine)


def nasbench101_operation(name: str, channels: int) -> nn.Module:
    """An operation of NAS-Bench-101 (Ying et al. 2019), which keeps channels and size.

    Args:
        name: its official name, e.g. `conv3x3-bn-relu`.
        channels: channels in and out.

    Raises:
        UnknownNameError: no operation has this name.
    """
    if name not in _NASBENCH101:
        raise UnknownNameError("operation of NAS-Bench-101", name, _NASBENCH101)
    return _NASBENCH101[name](channels)


class ConvBNReLU(nn.Sequential):
    """Convolution, batch normalisation, ReLU: the order of NAS-Bench-101."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        )


class ReLUConvBN(nn.Sequential):
    """ReLU, convolution, batch normalisation: the order of DARTS and NAS-Bench-201."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, affine: bool = True) -> None:
        super().__init__(
            nn.ReLU(),
            (
                PointwiseConv2d(channels_in, channels_out, stride=stride)
                if kernel == 1
                else nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)
            ),
            nn.BatchNorm2d(channels_out, affine=affine),
        )


class DilatedConv(nn.Sequential):
    """ReLU, depthwise convolution, 1 x 1 convolution, batch normalisation (`DilConv` of the released code)."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int, affine: bool = True) -> None:
        super().__init__(
            nn.ReLU(),
            DepthwiseConv2d(channels, kernel, stride=stride, dilation=dilation),
            PointwiseConv2d(channels, channels),
            nn.BatchNorm2d(channels, affine=affine),
        )


class SeparableConv(nn.Sequential):
    """Two depthwise-separable convolutions one after the other, the stride in the first (`SepConv`)."""

    def __init__(self, channels: int, kernel: int, stride: int, affine: bool = True) -> None:
        super().__init__(
            DilatedConv(channels, kernel, stride, 1, affine),
            DilatedConv(channels, kernel, 1, 1, affine),
        )


class FactorizedReduce(nn.Module):
    """Halves the image: ReLU, then two 1 x 1 convolutions of stride 2, the second one pixel further down and right.

    An odd size is rounded up: what the second convolution lacks at the border is zero, as in NAS-Bench-201's code.
    """

    def __init__(self, channels_in: int, channels_out: int, affine: bool = True) -> None:
        super().__init__()
        half = channels_out // 2
        self.straight = PointwiseConv2d(channels_in, half, stride=2)
        self.shifted = PointwiseConv2d(channels_in, channels_out - half, stride=2)
        self.norm = nn.BatchNorm2d(channels_out, affine=affine)

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n filters rows columns"]:
        """Half the height and half the width, rounded up."""
        active = images.relu()
        height, width = images.shape[-2:]
        beyond = active
        if height % 2 or width % 2:
            beyond = nn.functional.pad(active, (0, width % 2, 0, height % 2))
        halves: Tensor = self.norm(torch.cat([self.straight(active), self.shifted(beyond[:, :, 1:, 1:])], dim=1))
        return halves


class Zero(nn.Module):
    """Nothing: the operation `none`."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n filters rows columns"]:
        """Zeros."""
        return images.new_zeros(_shape(images, self.channels, self.stride))

    def extra_repr(self) -> str:
        """Channels and stride."""
        return f"{self.channels}, stride={self.stride}"


class Noise(nn.Module):
    """Standard normal noise in place of the input, in training and in evaluation (Zela et al. 2020, space S4).

    Attributes:
        generator: where the noise comes from, on the device of the images; None for torch's own.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        self.generator: torch.Generator | None = None

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n filters rows columns"]:
        """Fresh noise at every call."""
        noise = images.new_empty(_shape(images, self.channels, self.stride))
        return noise.normal_(generator=self.generator)

    def extra_repr(self) -> str:
        """Channels and stride."""
        return f"{self.channels}, stride={self.stride}"


class DropPath(nn.Module):
    """Drops a path for whole images and scales up the rest, so that the mean stays (Larsson et al. 2017).

    Attributes:
        probability: share of the images that lose the path, in [0, 1); only in training.
        generator: where the choice comes from, on the device of the images; None for torch's own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.probability = 0.0
        self.generator: torch.Generator | None = None

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n channels h w"]:
        """The images where they are kept, divided by the chance of that, and zero where not."""
        if not self.training or self.probability == 0:
            return images
        kept = images.new_empty((len(images), 1, 1, 1)).bernoulli_(1 - self.probability, generator=self.generator)
        return images * (kept / (1 - self.probability))


def _shape(images: Float[Tensor, "n channels h w"], channels: int, stride: int) -> tuple[int, int, int, int]:
    """The shape after a stride that rounds odd sizes up."""
    height, width = images.shape[-2:]
    # torch.export takes len() for a number that never changes
    return images.shape[0], channels, -(-height // stride), -(-width // stride)


def _average_pool(stride: int) -> nn.Module:
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


_DARTS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "none": lambda channels, stride, affine: Zero(channels, stride),
    "noise": lambda channels, stride, affine: Noise(channels, stride),
    "max_pool_3x3": lambda channels, stride, affine: nn.MaxPool2d(3, stride, padding=1),
    "avg_pool_3x3": lambda channels, stride, affine: _average_pool(stride),
    "skip_connect": lambda channels, stride, affine: (
        nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)
    ),
    "sep_conv_3x3": lambda channels, stride, affine: SeparableConv(channels, 3, stride, affine),
    "sep_conv_5x5": lambda channels, stride, affine: SeparableConv(channels, 5, stride, affine),
    "dil_conv_3x3": lambda channels, stride, affine: DilatedConv(channels, 3, stride, 2, affine),
    "dil_conv_5x5": lambda channels, stride, affine: DilatedConv(channels, 5, stride, 2, affine),
}


def _skip(channels_in: int, channels_out: int, stride: int, affine: bool) -> nn.Module:
    if stride == 2:
        return FactorizedReduce(channels_in, channels_out, affine)
    if channels_in == channels_out:
        return nn.Identity()
    conv = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out, affine=affine))


def _projected_pool(channels_in: int, channels_out: int, stride: int, affine: bool) -> nn.Module:
    if channels_in == channels_out:
        return _average_pool(stride)
    return nn.Sequential(ReLUConvBN(channels_in, channels_out, 1, affine=affine), _average_pool(stride))


_NASBENCH201: dict[str, Callable[[int, int, int, bool], nn.Module]] = {
    "none": lambda channels_in, channels_out, stride, affine: Zero(channels_out, stride),
    "skip_connect": _skip,
    "nor_conv_1x1": lambda channels_in, channels_out, stride, affine: ReLUConvBN(
        channels_in, channels_out, 1, stride, affine
    ),
    "nor_conv_3x3": lambda channels_in, channels_out, stride, affine: ReLUConvBN(
        channels_in, channels_out, 3, stride, affine
    ),
    "avg_pool_3x3": _projected_pool,
}

_NASBENCH101: dict[str, Callable[[int], nn.Module]] = {
    "conv3x3-bn-relu": lambda channels: ConvBNReLU(channels, channels, 3),
    "conv1x1-bn-relu": lambda channels: ConvBNReLU(channels, channels, 1),
    "maxpool3x3": lambda channels: nn.MaxPool2d(3, 1, padding=1),
}
