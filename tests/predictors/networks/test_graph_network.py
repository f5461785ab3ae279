import math

import pytest
import torch

from predictornas.predictors.networks.graph_network import dropped, uniform


def test_uniform_fills_its_interval():
    numbers = uniform((4000,), 0.5, torch.Generator().manual_seed(0))
    assert -0.5 <= numbers.min() < -0.49
    assert 0.49 < numbers.max() < 0.5
    assert numbers.mean().item() == pytest.approx(0, abs=0.02)


def test_dropout_drops_the_given_share_and_keeps_the_mean() -> None:
    found = dropped(torch.ones(200, 200), 0.25, torch.Generator().manual_seed(0))
    assert found.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    share = (found == 0).float().mean().item()
    assert abs(share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 40_000)
    assert torch.equal(dropped(torch.ones(3), 0.0, torch.Generator()), torch.ones(3))
