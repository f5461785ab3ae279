import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.optimisers import Adam, GradientDescent
from predictornas.predictors.training import check_device, check_values, train


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (GradientDescent(0.05, 0.8), lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.8)),
        (Adam(0.05), lambda weights: torch.optim.Adam(weights, lr=0.05)),
    ],
    ids=["gradient descent", "adam"],
)
def test_steps_are_those_of_torch_with_a_cosine_scheduler(ours, theirs):
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))

    def parameters():
        generator = torch.Generator().manual_seed(1)
        return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in [(3, 2), (2,), ()]]

    def scores(weights):
        return torch.tanh(inputs @ weights[0]) @ weights[1] + weights[2]

    trained = parameters()
    train(trained, lambda: scores(trained), lambda s: 2 * s, optimiser=ours, epochs=7)
    expected = parameters()
    optimiser = theirs(expected)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=7)
    for _ in range(7):
        optimiser.zero_grad()
        (scores(expected) ** 2).sum().backward()
        optimiser.step()
        scheduler.step()
    for a, b in zip(trained, expected, strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), rtol=1e-5, atol=1e-6)


def test_trained_parameters_need_no_gradient():
    weight = torch.nn.Parameter(torch.ones(2))
    train([weight], lambda: weight * 2, torch.ones_like, optimiser=GradientDescent(), epochs=1)
    assert not weight.requires_grad
    assert weight.grad is None


def test_zero_epochs_change_nothing():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    train([weight], lambda: weight, torch.ones_like, optimiser=GradientDescent(), epochs=0)
    assert weight.tolist() == [1.0, -2.0]


def test_divergence_names_the_learning_rate():
    weight = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ConfigurationError, match=r"learning rate 1e\+30"):
        train([weight], lambda: weight**3, lambda s: s, optimiser=GradientDescent(1e30), epochs=5)


def test_a_value_that_is_not_finite_is_named():
    with pytest.raises(DataError, match="Value 1 of 3 is nan"):
        check_values(np.array([0.5, np.nan, 0.7]))


def test_a_device_that_is_not_there_is_named():
    check_device("cpu")
    with pytest.raises(ConfigurationError, match="cannot compute on 'nowhere' here"):
        check_device("nowhere")
