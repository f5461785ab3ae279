from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d

from predictornas.live import separable as module
from predictornas.live.separable import DepthwiseConv2d, PointwiseConv2d, depthwise

LAST = torch.channels_last
SETTINGS = [(stride, dilation, kernel) for stride in (1, 2) for dilation in (1, 2) for kernel in (3, 5)]


def problem(size: int, kernel: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(size)
    images = torch.randn(2, 3, size, size, generator=generator, dtype=dtype)
    weight = torch.randn(3, 1, kernel, kernel, generator=generator, dtype=dtype)
    return images.contiguous(memory_format=LAST).requires_grad_(), weight.requires_grad_()


@pytest.mark.parametrize("size", [2, 7, 12])
@pytest.mark.parametrize(("stride", "dilation", "kernel"), SETTINGS)
def test_values_and_gradients_are_torchs(stride: int, dilation: int, kernel: int, size: int) -> None:
    """Of images larger and smaller than the kernels, of even and of odd size."""
    images, weight = problem(size, kernel)
    expected = conv2d(images, weight, None, stride, dilation * (kernel // 2), dilation, groups=3)
    found = depthwise(images, weight, stride=stride, dilation=dilation)
    torch.testing.assert_close(found, expected)
    slopes = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = torch.autograd.grad(found, (images, weight), slopes)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, (images, weight), slopes))


def test_a_kernel_of_seven_in_single_precision() -> None:
    images, weight = problem(16, 7, torch.float32)
    gradients = torch.autograd.grad(depthwise(images, weight).square().sum(), (images, weight))
    expected = conv2d(images, weight, None, 1, 3, groups=3).square().sum()
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, (images, weight)), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("dilation", "kernel"), [(1, 5), (2, 3)])
def test_second_derivatives(dilation: int, kernel: int) -> None:
    """Against finite differences of the first ones."""
    images, weight = problem(10, kernel)

    def convolved(pixels: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
        return depthwise(pixels[:1].contiguous(memory_format=LAST), kernels, dilation=dilation)

    assert torch.autograd.gradgradcheck(convolved, (images, weight), fast_mode=True)


@pytest.mark.parametrize(
    ("prepared", "own"),
    [(lambda images: images, True), (torch.Tensor.contiguous, False), (lambda images: images.to("meta"), False)],
    ids=["channels last", "planes", "another device"],
)
def test_only_images_with_the_channels_last_on_cpus_go_our_way(
    prepared, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(module._Depthwise, "apply", lambda images, *_: calls.append(1) or images)
    images, weight = problem(9, 5)
    pixels = prepared(images.detach())
    depthwise(pixels, weight.to(pixels.device))
    assert bool(calls) == own


@pytest.mark.parametrize("layout", [LAST, torch.contiguous_format])
@pytest.mark.parametrize("size", [8, 9])
def test_the_modules_are_torchs_with_the_same_weights(size: int, layout: torch.memory_format) -> None:
    pairs = [
        (DepthwiseConv2d(4, 5, stride=2, dilation=2), torch.nn.Conv2d(4, 4, 5, 2, 4, 2, groups=4, bias=False)),
        (DepthwiseConv2d(4, 3), torch.nn.Conv2d(4, 4, 3, 1, 1, groups=4, bias=False)),
        (PointwiseConv2d(4, 6, stride=2), torch.nn.Conv2d(4, 6, 1, 2, bias=False)),
        (PointwiseConv2d(4, 6), torch.nn.Conv2d(4, 6, 1, bias=False)),
    ]
    images = torch.randn(2, 4, size, size, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    images = images.double()  # in single precision the 1 x 1 of stride 2 of torch 2.13 writes past its memory
    for own, plain in pairs:
        plain.double().load_state_dict(own.double().state_dict())
        found, expected = own(images), plain(images)
        torch.testing.assert_close(found, expected)
        slopes = torch.autograd.grad(found.square().sum(), own.weight)
        torch.testing.assert_close(slopes, torch.autograd.grad(expected.square().sum(), plain.weight))
