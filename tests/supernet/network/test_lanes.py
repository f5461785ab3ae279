from __future__ import annotations

import pytest
import torch

from predictornas.supernet.network.lanes import LaneConvolution, LaneNorm, SourcePool, lane_operation, lanes_at_once


def filled(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        torch.nn.init.uniform_(parameter, -1, 1, generator=generator)
    return module


def images(channels: int) -> torch.Tensor:
    return torch.randn(4, channels, 6, 6, generator=torch.Generator().manual_seed(1))


def test_each_lane_has_a_filter_of_its_own() -> None:
    """1 x 1 filters 2 and 3 on lanes of one channel."""
    convolution = LaneConvolution(2, 1, 1, 1)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([2.0, 3.0]).view(2, 1, 1, 1, 1))
    pair = images(2)
    torch.testing.assert_close(convolution(pair, None), pair * torch.tensor([2.0, 3.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(convolution(pair[:, :1], [1]), 3 * pair[:, :1])


def test_an_image_that_lanes_share_gives_what_copies_of_it_give() -> None:
    convolution = filled(LaneConvolution(3, 2, 2, 3))
    image = images(2)
    torch.testing.assert_close(convolution(image, None), convolution(image.repeat(1, 3, 1, 1), None))


def test_the_factor_of_a_lane_is_the_standard_deviation_of_its_result() -> None:
    norm = LaneNorm(2, 3)
    normal = norm(images(6) * 5 + 2, None, torch.tensor([0.5, -2.0]))
    spread = normal.transpose(0, 1).flatten(1)
    torch.testing.assert_close(spread.mean(1), torch.zeros(6), atol=1e-6, rtol=0)
    expected = torch.tensor([0.5] * 3 + [2.0] * 3)
    torch.testing.assert_close(spread.std(1, correction=0), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("size", [1, 5])
def test_a_factor_reaches_the_gradient_as_a_product_does(size: int) -> None:
    """Also for a single lane of single pixels, where a scale that is no plain vector would be misread."""
    batch = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slopes = torch.linspace(-1, 2, batch.numel(), dtype=torch.float64).sin().view_as(batch)
    factor = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    norm = LaneNorm(1, 3).double()
    batch.requires_grad_()
    inside = torch.autograd.grad(norm(batch, None, factor), (batch, factor), slopes)
    outside = torch.autograd.grad(norm(batch, None) * factor, (batch, factor), slopes)
    torch.testing.assert_close(inside, outside)


def test_only_computed_lanes_move_their_running_statistics() -> None:
    """mean 2 moves the running mean from 0 to 0.1 * 2."""
    norm = LaneNorm(3, 2)
    norm(torch.full((4, 2, 5, 5), 2.0), [1])
    torch.testing.assert_close(norm.running_mean, torch.tensor([[0.0, 0.0], [0.2, 0.2], [0.0, 0.0]]))
    norm.eval()(torch.full((4, 2, 5, 5), 9.0), [0])
    torch.testing.assert_close(norm.running_mean[0], torch.zeros(2))


@pytest.mark.parametrize("name", ["skip_connect", "sep_conv_3x3", "dil_conv_5x5"])
def test_lanes_picked_out_give_what_they_give_among_all(name: str) -> None:
    operation = filled(lane_operation(name, 3, 4, 2))
    batch, factors = images(12).relu(), torch.tensor([1.0, -0.5, 2.0])
    every = operation(batch, None, factors).view(4, 3, 4, 3, 3)
    picked = operation(torch.cat([batch[:, 8:], batch[:, :4]], 1), [2, 0], factors[[2, 0]]).view(4, 2, 4, 3, 3)
    torch.testing.assert_close(picked, every[:, [2, 0]])


@pytest.mark.parametrize("name", ["skip_connect", "sep_conv_5x5", "nor_conv_1x1"])
def test_a_slice_of_lanes_gives_what_an_index_gives_and_moves_the_same_statistics(name: str) -> None:
    batch, factors = images(8).relu(), torch.tensor([-0.5, 2.0])
    found = []
    for lanes in (slice(1, 3), [1, 2]):
        operation = filled(lane_operation(name, 3, 4, 1 if name == "nor_conv_1x1" else 2))
        found.append([operation(batch, lanes, factors), *operation.state_dict().values()])
    torch.testing.assert_close(*found)


def test_lanes_of_two_calls_have_one_backward_pass() -> None:
    """The statistics that a later call moves are not those that the backward pass of an earlier one needs."""
    norm = LaneNorm(3, 2).double()
    batch = torch.randn(4, 4, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    batch.requires_grad_()
    (norm(batch, slice(0, 2)).square().sum() + norm(batch[:, :2], [2]).sum()).backward()
    assert batch.grad is not None
    assert (norm.running_mean != 0).all()


def test_lanes_fill_the_vectors_of_a_cpu_and_run_together_elsewhere() -> None:
    assert [lanes_at_once(channels, torch.device("cpu")) for channels in (4, 9, 16, 64)] == [4, 1, 1, 1]
    assert lanes_at_once(4, torch.device("cuda")) is None


@pytest.mark.parametrize("name", ["none", "max_pool_3x3"])
def test_operations_without_weights_have_no_lanes(name: str) -> None:
    with pytest.raises(KeyError):
        lane_operation(name, 1, 4, 1)


def test_an_average_pool_does_not_count_the_border() -> None:
    ones = torch.ones(1, 2, 4, 4)
    assert SourcePool("avg_pool_3x3", 1, 2, 2, normalised=False)(ones, None).equal(torch.ones(1, 2, 2, 2))
    assert SourcePool("max_pool_3x3", 1, 2, 1, normalised=False)(-ones, None).equal(-ones)


def test_pools_look_at_three_by_three_by_hand() -> None:
    """5 r + c at row r, column c; around rows 0, 2 and 4 the rows have the means .5, 2, 3.5 and the ends 1, 3, 4."""
    images = torch.arange(25.0).view(1, 1, 5, 5)
    mean = torch.tensor([[3.0, 4.5, 6.0], [10.5, 12.0, 13.5], [18.0, 19.5, 21.0]])
    largest = torch.tensor([[6.0, 8.0, 9.0], [16.0, 18.0, 19.0], [21.0, 23.0, 24.0]])
    for name, expected in (("avg_pool_3x3", mean), ("max_pool_3x3", largest)):
        torch.testing.assert_close(SourcePool(name, 1, 1, 2, normalised=False)(images, None)[0, 0], expected)
