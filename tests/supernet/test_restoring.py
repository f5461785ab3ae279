from __future__ import annotations

import contextlib

import pytest
import torch

from predictornas.supernet.restoring import mode, restored


def test_values_come_back_bit_for_bit_even_after_an_error() -> None:
    weight = torch.nn.Parameter(torch.tensor([0.1, float("nan"), -0.0]))
    count = torch.tensor(3)
    before = weight.detach().numpy().tobytes()
    with contextlib.suppress(KeyError), restored([weight, count]), torch.no_grad():
        weight.mul_(7)
        count.add_(1)
        raise KeyError
    assert weight.detach().numpy().tobytes() == before
    assert int(count) == 3
    assert weight.requires_grad


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_the_mode_is_set_and_put_back(before: bool, inside: bool) -> None:
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(2)).train(before)
    with contextlib.suppress(KeyError), mode(network, training=inside):
        assert network[0].training == inside
        raise KeyError
    assert network.training == network[0].training == before
