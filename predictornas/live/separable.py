"""The two halves of separable convolutions, faster than torch's on CPUs: depthwise, and 1 x 1 as a matrix product.

With the channels last, torch computes the gradients of a depthwise convolution up to a hundred times slower than the
convolution itself where it is dilated or wider than three pixels. The gradient of the images is another depthwise
convolution, with the kernel turned around. That of the weights is put together from gradients of kernels three pixels
wide without dilation, which torch has fast code for.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

LAST = torch.channels_last

Images = Float[Tensor, "n channels h w"]
Kernels = Float[Tensor, "channels 1 k k"]


def depthwise(images: Images, weight: Kernels, *, stride: int = 1, dilation: int = 1) -> Tensor:
    """A depthwise convolution without bias that keeps the size, but for the stride; an odd size is rounded up.

    Equal to torch's up to rounding, in value and in derivatives of any order; the same everywhere but on CPUs with the
    channels last.

    Args:
        images: what is convolved.
        weight: a square kernel of odd size for each channel.
        stride: pixels between two results.
        dilation: pixels between two places of a kernel.

    Example:
        >>> images = torch.ones(1, 2, 3, 3).contiguous(memory_format=torch.channels_last)
        >>> depthwise(images, torch.ones(2, 1, 3, 3))[0, 0].tolist()
        [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    if stride == dilation > 1:
        # then every place of a kernel falls on one and the same of every `stride` pixels
        images, stride, dilation = images[:, :, ::stride, ::stride], 1, 1
        if images.device.type == "cpu":
            images = images.contiguous(memory_format=LAST)
    own = (
        stride == 1
        # of other kernels, and of wide ones on small images, torch's gradients are fast
        and (dilation > 1 or (weight.shape[-1] > 3 and images.shape[-1] > 8))
        and images.device.type == "cpu"
        and torch.is_grad_enabled()
        and images.is_contiguous(memory_format=LAST)
        and not torch.compiler.is_compiling()
    )
    if own:
        convolved: Tensor = _Depthwise.apply(images, weight, dilation)  # type: ignore[no-untyped-call]
        return convolved
    return _convolved(images, weight, stride, dilation)


class DepthwiseConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` without bias and with a group a channel, by `depthwise`.

    Args:
        channels: channels in and out.
        kernel: height and width of a kernel, odd.
        stride: pixels between two results.
        dilation: pixels between two places of a kernel.

    Example:
        >>> DepthwiseConv2d(4, 3, stride=2)(torch.ones(1, 4, 8, 8)).shape
        torch.Size([1, 4, 4, 4])
    """

    def __init__(self, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)

    def forward(self, images: Images) -> Tensor:
        """The images convolved."""
        return depthwise(images, self.weight, stride=self.stride[0], dilation=self.dilation[0])


def pointwise(images: Images, matrix: Float[Tensor, "filters channels"]) -> Tensor:
    """The same matrix times the channels of each pixel: a convolution of 1 x 1.

    Args:
        images: what is convolved; fast with the channels last.
        matrix: a row for each channel of the result.

    Example:
        >>> pointwise(torch.ones(1, 2, 3, 3), torch.tensor([[1.0, 2.0]]))[0, 0, 0].tolist()
        [3.0, 3.0, 3.0]
    """
    return functional.linear(images.permute(0, 2, 3, 1), matrix).permute(0, 3, 1, 2)


class PointwiseConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` of 1 x 1 without bias, by `pointwise` on CPUs where the channels are last.

    Args:
        channels_in: channels of the images.
        channels_out: channels of the result.
        stride: pixels between two results.

    Example:
        >>> PointwiseConv2d(4, 6, stride=2)(torch.ones(1, 4, 8, 8)).shape
        torch.Size([1, 6, 4, 4])
    """

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, images: Images) -> Tensor:
        """The images convolved."""
        if self.groups > 1 or images.device.type != "cpu" or images.stride(1) != 1:  # groups: networks side by side
            return super().forward(images)
        # the other pixels can go before the product
        step = self.stride[0]
        return pointwise(images[:, :, ::step, ::step], self.weight.flatten(1))


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution of stride 1, which keeps the size."""

    @staticmethod
    def forward(ctx: Any, images: Images, weight: Kernels, dilation: int) -> Images:
        ctx.save_for_backward(images, weight)
        ctx.dilation = dilation
        return _convolved(images, weight, 1, dilation)

    @staticmethod
    def backward(ctx: Any, slopes: Images) -> tuple[Tensor | None, Tensor | None, None]:
        # under autocast the result, and with it its slopes, has less precision than what was saved
        images, weight = (saved.to(slopes.dtype) for saved in ctx.saved_tensors)
        slopes = slopes.contiguous(memory_format=LAST)
        to_images = to_weight = None
        if ctx.needs_input_grad[0]:
            to_images = depthwise(slopes, weight.flip(2, 3), dilation=ctx.dilation)
        if ctx.needs_input_grad[1]:
            kernel = weight.shape[-1]
            if torch.is_grad_enabled():  # to be differentiated once more
                to_weight = _WeightGradient.apply(images, slopes, kernel, ctx.dilation)  # type: ignore[no-untyped-call]
            else:
                to_weight = _weight_gradient(images, slopes, kernel, ctx.dilation)
        return to_images, to_weight, None


class _WeightGradient(torch.autograd.Function):
    """The gradient of the kernels, which is linear in the images and in the slopes of the results."""

    @staticmethod
    def forward(ctx: Any, images: Images, slopes: Images, kernel: int, dilation: int) -> Kernels:
        ctx.save_for_backward(images, slopes)
        ctx.dilation = dilation
        return _weight_gradient(images, slopes, kernel, dilation)

    @staticmethod
    def backward(ctx: Any, change: Kernels) -> tuple[Tensor, Tensor, None, None]:
        images, slopes = ctx.saved_tensors
        to_images = depthwise(slopes, change.flip(2, 3), dilation=ctx.dilation)
        return to_images, depthwise(images, change, dilation=ctx.dilation), None, None


def _convolved(images: Images, weight: Kernels, stride: int, dilation: int) -> Tensor:
    padding = dilation * (weight.shape[-1] // 2)
    return functional.conv2d(images, weight, None, stride, padding, dilation, groups=len(weight))


def _weight_gradient(images: Images, slopes: Images, kernel: int, dilation: int) -> Kernels:
    """From five columns on, the outer ones are computed each by themselves."""
    if dilation > 1:
        if any(size % dilation for size in images.shape[2:]):
            return _narrow(images, slopes, (kernel, kernel), dilation)
        # a dilated kernel sees one pixel of `dilation` in either direction: of such pixels alone it is not dilated
        images, slopes = _phases(images, dilation), _phases(slopes, dilation)
    if kernel > min(images.shape[2:]):
        return _place_by_place(images, slopes, kernel)
    if kernel <= 3:
        return _narrow(images, slopes, (kernel, kernel))
    columns = {0: _narrow(images, slopes, (kernel, 3))}
    for shift in range(2, kernel // 2 + 1):
        left, right = slice(None, -shift), slice(shift, None)
        columns[-shift] = _narrow(_column(images, left), _column(slopes, right), (kernel, 1))
        columns[shift] = _narrow(_column(images, right), _column(slopes, left), (kernel, 1))
    return torch.cat([columns[shift] for shift in sorted(columns)], dim=3)


def _place_by_place(images: Images, slopes: Images, kernel: int) -> Tensor:
    """The same for images smaller than the kernels, for which torch has no fast code: a sum of products a place."""
    border = kernel // 2
    height, width = images.shape[2:]
    padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, border, border, border, border))
    pixels = slopes.permute(0, 2, 3, 1)
    places = [
        (padded[:, row : row + height, column : column + width] * pixels).sum((0, 1, 2))
        for row in range(kernel)
        for column in range(kernel)
    ]
    return torch.stack(places, dim=1).view(-1, 1, kernel, kernel)


def _narrow(images: Images, slopes: Images, kernel: tuple[int, int], dilation: int = 1) -> Tensor:
    """Torch's own gradient of kernels."""
    channels = images.shape[1]
    padding = [dilation * (size // 2) for size in kernel]
    weight = images.new_empty(channels, 1, *kernel)
    (_, gradient, _) = torch.ops.aten.convolution_backward(
        slopes, images, weight, None, [1, 1], padding, [dilation] * 2, False, [0, 0], channels, [False, True, False]
    )
    found: Tensor = gradient
    return found


def _column(images: Images, columns: slice) -> Tensor:
    return images[..., columns].contiguous(memory_format=LAST)


def _phases(images: Images, count: int) -> Tensor:
    """Every `count`-th pixel in either direction as an image of its own, `(count² n, channels, h/count, w/count)`."""
    n, channels, height, width = images.shape
    parts = images.permute(0, 2, 3, 1).reshape(n, height // count, count, width // count, count, channels)
    pixels = parts.permute(2, 4, 0, 1, 3, 5).reshape(-1, height // count, width // count, channels)
    return pixels.permute(0, 3, 1, 2)
