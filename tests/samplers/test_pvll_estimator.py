from __future__ import annotations

import numpy as np
import pytest
import torch

from predictornas.samplers.pvll_estimator import LossEstimator
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.sample(40, np.random.default_rng(0))
SEQUENCES = SPACE.sequences(GENES)
LOSSES = 1 - (GENES == 3).mean(axis=1)
EQUAL = np.ones(40)


def estimator(rate: float = 0.05) -> LossEstimator:
    return LossEstimator(5, hidden=6, learning_rate=rate, rng=np.random.default_rng(3))


def test_losses_lie_between_0_and_1_and_are_those_of_the_differentiable_form() -> None:
    psi = estimator()
    losses = psi.losses(SEQUENCES)
    assert losses.shape == (40,)
    assert losses.dtype == np.float64
    assert ((losses > 0) & (losses < 1)).all()
    inputs = torch.from_numpy(SEQUENCES).requires_grad_()
    np.testing.assert_allclose(psi(inputs).detach().numpy(), losses, rtol=1e-6)
    (slope,) = torch.autograd.grad(psi(inputs).sum(), inputs)
    assert slope.abs().max() > 0


@pytest.mark.slow
def test_training_ranks_unseen_architectures() -> None:
    psi = estimator()
    psi.train(SEQUENCES, LOSSES, EQUAL, steps=150)
    unseen = SPACE.sample(200, np.random.default_rng(9))
    convolutions = (unseen == 3).sum(axis=1)
    estimates = psi.losses(SPACE.sequences(unseen))
    assert np.corrcoef(estimates, convolutions)[0, 1] < -0.8


def test_a_weight_of_zero_leaves_an_architecture_out() -> None:
    """The same as training without it, up to the mean's denominator, which Adam does not see."""
    weighted, without = estimator(), estimator()
    weights = np.where(np.arange(40) < 20, 1.0, 0.0)
    weighted.train(SEQUENCES, LOSSES, weights, steps=5)
    without.train(SEQUENCES[:20], LOSSES[:20], EQUAL[:20], steps=5)
    np.testing.assert_allclose(weighted.losses(SEQUENCES), without.losses(SEQUENCES), atol=1e-4)
    everything = estimator()
    everything.train(SEQUENCES, LOSSES, EQUAL, steps=5)
    assert np.abs(weighted.losses(SEQUENCES) - everything.losses(SEQUENCES)).max() > 1e-3


def test_a_copy_goes_on_alike_and_leaves_its_origin_alone() -> None:
    origin = estimator()
    origin.train(SEQUENCES, LOSSES, EQUAL, steps=3)
    before = origin.losses(SEQUENCES)
    twin = origin.copy()
    twin.train(SEQUENCES, LOSSES, EQUAL, steps=3)
    np.testing.assert_array_equal(origin.losses(SEQUENCES), before)
    origin.train(SEQUENCES, LOSSES, EQUAL, steps=3)
    np.testing.assert_array_equal(origin.losses(SEQUENCES), twin.losses(SEQUENCES))
