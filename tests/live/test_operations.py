import pytest
import torch
from torch import nn

from predictornas.errors import UnknownNameError
from predictornas.live.operations import (
    DropPath,
    FactorizedReduce,
    Noise,
    darts_operation,
    nasbench101_operation,
    nasbench201_operation,
)
from predictornas.spaces.darts import DARTS_OPERATIONS

DARTS_NAMES = (*DARTS_OPERATIONS, "noise")
NASBENCH201_NAMES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def images(n=2, channels=4, size=8):
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(0))


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", DARTS_NAMES)
@pytest.mark.parametrize(("size", "stride", "expected"), [(8, 1, 8), (8, 2, 4), (7, 1, 7), (7, 2, 4), (1, 2, 1)])
def test_darts_operations_keep_channels_and_round_sizes_up(name, size, stride, expected):
    operation = darts_operation(name, 4, stride).eval()
    assert operation(images(size=size)).shape == (2, 4, expected, expected)


@pytest.mark.parametrize("name", NASBENCH201_NAMES)
@pytest.mark.parametrize(("stride", "filters"), [(1, 4), (1, 6), (2, 4), (2, 6)])
def test_nasbench201_operations_change_channels_and_size(name, stride, filters):
    operation = nasbench201_operation(name, 4, filters, stride).eval()
    assert operation(images()).shape == (2, filters, 8 // stride, 8 // stride)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("skip_connect", 0),
        ("max_pool_3x3", 0),
        ("sep_conv_3x3", 2 * (9 * 36 + 36 * 36 + 2 * 36)),
        ("sep_conv_5x5", 2 * (25 * 36 + 36 * 36 + 2 * 36)),
        ("dil_conv_3x3", 9 * 36 + 36 * 36 + 2 * 36),
        ("dil_conv_5x5", 25 * 36 + 36 * 36 + 2 * 36),
    ],
)
def test_parameters_of_darts_operations(name, expected):
    assert parameters(darts_operation(name, 36, 1)) == expected


def test_parameters_without_a_scale():
    assert parameters(darts_operation("dil_conv_3x3", 36, 1, affine=False)) == 9 * 36 + 36 * 36
    assert parameters(darts_operation("skip_connect", 36, 2, affine=False)) == 36 * 36


def test_parameters_of_the_benchmarks_operations():
    assert parameters(nasbench101_operation("conv3x3-bn-relu", 5)) == 9 * 25 + 10
    assert parameters(nasbench101_operation("conv1x1-bn-relu", 5)) == 25 + 10
    assert parameters(nasbench101_operation("maxpool3x3", 5)) == 0
    assert parameters(nasbench201_operation("nor_conv_3x3", 16, 16, 1)) == 9 * 256 + 32
    assert parameters(nasbench201_operation("nor_conv_1x1", 16, 16, 1, affine=False)) == 256


def test_only_pools_are_normalised_and_without_a_scale():
    pool = darts_operation("avg_pool_3x3", 4, 1, normalised_pools=True)
    out = pool(10 * images(n=50) + 3)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(4), atol=1e-3, rtol=0)
    assert parameters(pool) == 0
    assert isinstance(darts_operation("skip_connect", 4, 1, normalised_pools=True), nn.Identity)


@pytest.mark.parametrize(
    ("name", "reach"), [("sep_conv_3x3", 2), ("sep_conv_5x5", 4), ("dil_conv_3x3", 2), ("dil_conv_5x5", 4)]
)
def test_how_far_a_pixel_reaches(name, reach):
    operation = darts_operation(name, 1, 1).eval()
    for parameter in operation.parameters():
        nn.init.ones_(parameter)
    for module in operation.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.bias)
    pixel = torch.zeros(1, 1, 15, 15)
    pixel[0, 0, 7, 7] = 1
    rows = operation(pixel)[0, 0].sum(1).nonzero()[:, 0].tolist()
    step = 2 if "dil" in name else 1
    assert rows == list(range(7 - reach, 7 + reach + 1, step))


def test_average_pools_leave_the_border_out():
    ones = torch.ones(1, 4, 5, 5)
    for operation in (darts_operation("avg_pool_3x3", 4, 2), nasbench201_operation("avg_pool_3x3", 4, 4, 1)):
        assert (operation(ones) == 1).all()


def test_factorized_reduce_reads_even_and_odd_pixels():
    reduce = FactorizedReduce(1, 2).eval()
    for convolution in (reduce.straight, reduce.shifted):
        nn.init.ones_(convolution.weight)
    pixels = torch.arange(9.0).view(1, 1, 3, 3) - 1  # -1 0 1 / 2 3 4 / 5 6 7
    even, odd = reduce(pixels)[0]
    torch.testing.assert_close(even, torch.tensor([[0.0, 1], [5, 7]]), rtol=1e-4, atol=0)
    torch.testing.assert_close(odd, torch.tensor([[3.0, 0], [0, 0]]), rtol=1e-4, atol=0)  # beyond the border: zero
    odd = reduce(torch.arange(16.0).view(1, 1, 4, 4))[0, 1]
    torch.testing.assert_close(odd, torch.tensor([[5.0, 7], [13, 15]]), rtol=1e-4, atol=0)


def test_factorized_reduce_splits_odd_channels():
    assert FactorizedReduce(4, 5).eval()(images()).shape == (2, 5, 4, 4)


def test_noise_is_normal_and_comes_from_its_generator():
    noise = Noise(4, 2).eval()
    noise.generator = torch.Generator().manual_seed(3)
    first = noise(images(n=500))
    assert abs(first.mean()) < 4 / 32000**0.5
    assert abs(first.std() - 1) < 4 / 64000**0.5
    assert not torch.equal(noise(images(n=500)), first)
    noise.generator.manual_seed(3)
    assert torch.equal(noise(torch.zeros(500, 4, 8, 8)), first)


def test_dropped_paths_lose_whole_images_and_keep_the_mean():
    path = DropPath()
    path.probability, path.generator = 0.2, torch.Generator().manual_seed(0)
    out = path(torch.ones(20000, 2, 1, 2)).flatten(1)
    assert (out == out[:, :1]).all()
    assert torch.unique(out).tolist() == [0, 1.25]
    assert abs((out[:, 0] == 0).float().mean() - 0.2) < 4 * (0.16 / 20000) ** 0.5
    assert path.eval()(images()).equal(images())


@pytest.mark.parametrize(
    ("make", "near"),
    [
        (lambda: darts_operation("sep_conv_7x7", 4, 1), "sep_conv_5x5|sep_conv_3x3"),
        (lambda: nasbench201_operation("skip", 4, 4, 1), "skip_connect"),
        (lambda: nasbench101_operation("maxpool", 4), "maxpool3x3"),
    ],
)
def test_unknown_names_are_refused(make, near):
    with pytest.raises(UnknownNameError, match=f"Did you mean '({near})'"):
        make()
