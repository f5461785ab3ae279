import subprocess
import sys

import numpy as np
import pytest
import torch

from predictornas.errors import UnknownNameError
from predictornas.predictors.optimisers import Adam, GradientDescent, Optimiser


def walked(optimiser, epochs):
    """Where an optimiser comes from one start in `epochs` steps along the slopes of sum(w^4) / 4 - w_0."""
    weights = torch.tensor([1.5, -0.5, 0.1, 2.0])
    slopes = torch.zeros(4)
    for _ in optimiser.steps(weights, slopes, epochs):
        slopes += weights**3
        slopes[0] -= 1
    return weights


def walked_by_torch(make, epochs, cosine):
    weights = torch.nn.Parameter(torch.tensor([1.5, -0.5, 0.1, 2.0]))
    optimiser = make([weights])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=epochs)
    for _ in range(epochs):
        optimiser.zero_grad()
        ((weights**4).sum() / 4 - weights[0]).backward()
        optimiser.step()
        if cosine:
            scheduler.step()
    return weights.detach()


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_adam_is_that_of_torch(schedule):
    ours = walked(Adam(learning_rate=0.05, betas=(0.8, 0.95), eps=1e-3, schedule=schedule), 25)
    theirs = walked_by_torch(
        lambda w: torch.optim.Adam(w, lr=0.05, betas=(0.8, 0.95), eps=1e-3), 25, cosine=schedule == "cosine"
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert abs(ours[0] - 1.5) > 0.2


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_weight_decay_is_that_of_adamw(schedule):
    ours = walked(Adam(learning_rate=0.05, schedule=schedule, weight_decay=0.4), 25)
    theirs = walked_by_torch(lambda w: torch.optim.AdamW(w, lr=0.05, weight_decay=0.4), 25, cosine=schedule == "cosine")
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert abs(ours - walked(Adam(learning_rate=0.05, schedule=schedule), 25)).max() > 0.05


def test_gradient_descent_is_that_of_torch_with_a_cosine_scheduler():
    ours = walked(GradientDescent(0.02, 0.7), 25)
    theirs = walked_by_torch(lambda w: torch.optim.SGD(w, lr=0.02, momentum=0.7), 25, cosine=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert abs(ours[0] - 1.5) > 0.2


@pytest.mark.parametrize("optimiser", [GradientDescent(learning_rate=0.4), Adam(learning_rate=0.4)])
def test_cosine_goes_from_the_full_rate_to_zero(optimiser):
    rates = [optimiser.rate(step, 4) for step in range(5)]
    assert rates == pytest.approx([0.4, 0.2 + 0.2 * np.sqrt(0.5), 0.2, 0.2 - 0.2 * np.sqrt(0.5), 0.0])


def test_a_constant_rate_stays():
    assert {Adam(learning_rate=0.4, schedule="constant").rate(step, 4) for step in range(4)} == {0.4}


@pytest.mark.parametrize("optimiser", [GradientDescent(0.1, 0.9), Adam(0.1)])
def test_a_second_training_knows_nothing_of_the_first(optimiser):
    first = walked(optimiser, 5)
    np.testing.assert_array_equal(walked(optimiser, 5), first)


def test_an_unknown_schedule_is_refused():
    adam = Adam()
    object.__setattr__(adam, "schedule", "cosin")  # the type check of these tests would refuse it in the constructor
    with pytest.raises(UnknownNameError, match="Did you mean 'cosine'"):
        adam.rate(0, 1)


def test_optimisers_are_configurations():
    assert isinstance(Adam(), Optimiser)
    assert Adam(0.1) == Adam(0.1) != Adam(0.2)
    assert hash(GradientDescent()) == hash(GradientDescent(0.01, 0.9))


@pytest.mark.slow
def test_importing_predictors_optimisers_and_losses_does_not_import_torch():
    modules = ("losses", "optimisers", "fitting", "rnn")
    code = f"import sys, {', '.join(f'predictornas.predictors.{m}' for m in modules)}\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
