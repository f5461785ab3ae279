import pytest
import torch

from predictornas.predictors.networks.graph_network import uniform


def test_uniform_fills_its_interval():
    numbers = uniform((4000,), 0.5, torch.Generator().manual_seed(0))
    assert -0.5 <= numbers.min() < -0.49
    assert 0.49 < numbers.max() < 0.5
    assert numbers.mean().item() == pytest.approx(0, abs=0.02)
