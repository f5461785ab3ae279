from __future__ import annotations

import math
from copy import deepcopy

import pytest
import torch

from predictornas.live.rmsprop import TensorFlowRMSProp


def test_two_updates_by_hand() -> None:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimiser = TensorFlowRMSProp([weight], lr=0.2, momentum=0.9, epsilon=1.0, weight_decay=0.5)
    weight.grad = torch.tensor([3.0])
    optimiser.step()
    # gradient 3 + 0.5 * 2 = 4, squares 0.9 * 1 + 0.1 * 16 = 2.5, update 0.2 * 4 / sqrt(3.5)
    first = 0.8 / math.sqrt(3.5)
    assert weight.item() == pytest.approx(2 - first, rel=1e-6)
    weight.grad = torch.tensor([-1.0])
    optimiser.param_groups[0]["lr"] = 0.1
    optimiser.step()
    gradient = -1 + 0.5 * (2 - first)
    squares = 0.9 * 2.5 + 0.1 * gradient**2
    # the lower rate does not shrink what the momentum holds
    second = 0.9 * first + 0.1 * gradient / math.sqrt(squares + 1)
    assert weight.item() == pytest.approx(2 - first - second, rel=1e-6)


def test_a_weight_without_a_gradient_stays() -> None:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    TensorFlowRMSProp([weight], lr=0.2, momentum=0.9, epsilon=1.0, weight_decay=0.5).step()
    assert weight.item() == 2.0


def test_its_state_goes_through_state_dict() -> None:
    def updated(weight: torch.nn.Parameter, optimiser: TensorFlowRMSProp) -> float:
        weight.grad = torch.tensor([1.5])
        optimiser.step()
        return weight.item()

    settings = {"lr": 0.2, "momentum": 0.9, "epsilon": 1.0, "weight_decay": 0.0}
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimiser = TensorFlowRMSProp([weight], **settings)
    updated(weight, optimiser)
    copy = torch.nn.Parameter(weight.detach().clone())
    resumed, fresh = (TensorFlowRMSProp([copy], **settings) for _ in range(2))
    resumed.load_state_dict(deepcopy(optimiser.state_dict()))
    expected = updated(weight, optimiser)
    start = copy.item()
    assert updated(copy, resumed) == expected
    copy.data.fill_(start)
    assert updated(copy, fresh) != expected
