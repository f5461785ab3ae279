from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.samplers.gumbel import ArchitectureLogits
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


def with_logits(values: list[float]) -> ArchitectureLogits:
    """Parameters whose first gene has these logits."""
    architecture = ArchitectureLogits(SPACE)
    with torch.no_grad():
        architecture.logits[0] = torch.tensor(values)
    return architecture


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_the_shape_is_that_of_the_sequences_and_forbidden_places_stay_zero(name: str) -> None:
    space = get_space(name)
    architecture = ArchitectureLogits(space)
    sequences = space.sequences(space.sample(3, np.random.default_rng(0)))
    assert tuple(architecture.logits.shape) == sequences.shape[1:]
    rng = np.random.default_rng(0)
    for _ in range(5):
        architecture.move(architecture.noise(4, rng), lambda soft: (soft**2).sum(dim=(1, 2)) + soft[:, :, -1].sum(1))
    soft = architecture.soft(architecture.noise(50, rng)).detach().numpy()
    np.testing.assert_allclose(soft.sum(axis=2), 1, rtol=1e-5)
    for gene, choices in enumerate(space.num_choices):
        assert (soft[:, gene, choices:] == 0).all()
        assert soft[:, gene, :choices].any(axis=0).all()
    assert architecture.logits.isfinite().all()


def test_a_draw_is_equation_3_by_hand() -> None:
    architecture = with_logits([0.1, 0.0, 0.0, 0.0, -0.1])
    noise = torch.zeros(1, 6, 5)
    noise[0, 0, 1] = 0.2
    # (a + xi) / 0.1 = 1, 2, 0, 0, -1
    weights = [math.exp(x) for x in (1, 2, 0, 0, -1)]
    expected = [weight / sum(weights) for weight in weights]
    np.testing.assert_allclose(architecture.soft(noise)[0, 0].detach().numpy(), expected, rtol=1e-5)


def test_the_argmax_of_a_draw_follows_the_softmax_of_the_logits() -> None:
    """The Gumbel-max trick, against the exact probabilities of 20,000 draws (four standard errors)."""
    logits = [1.0, 0.0, -1.0, 0.5, -0.5]
    architecture = with_logits(logits)
    draws = 20_000
    genes = architecture.decoded(architecture.soft(architecture.noise(draws, np.random.default_rng(0))))
    share = np.bincount(genes[:, 0], minlength=5) / draws
    exact = np.exp(logits) / np.exp(logits).sum()
    assert (np.abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / draws)).all()


def test_the_first_move_is_adams_by_hand() -> None:
    """Adam's first step is eta * g / (|g| + eps): eta against the sign of the gradient, 0 where there is none."""
    architecture = ArchitectureLogits(SPACE, temperature=1.0, learning_rate=0.1)
    noise = torch.zeros(1, 6, 5)
    architecture.move(noise, lambda soft: soft[:, 2, 3])
    # d softmax_3 / d a_j at equal logits: 1/5 - 1/25 for j = 3, -1/25 elsewhere
    expected = np.zeros((6, 5))
    expected[2] = 0.1
    expected[2, 3] = -0.1
    np.testing.assert_allclose(architecture.logits.detach().numpy(), expected, atol=1e-6)


def test_the_gradient_of_a_draw_by_hand_and_its_mean_against_finite_differences() -> None:
    """psi = the weight of choice 0: d/da_j = h_0 (delta_0j - h_j) / tau for one draw; the mean of many draws has the
    slope of the mean."""
    tau = 0.5
    architecture = ArchitectureLogits(SPACE, temperature=tau)
    noise = architecture.noise(4000, np.random.default_rng(1))
    (gradient,) = torch.autograd.grad(architecture.soft(noise)[:1, 0, 0].sum(), architecture.logits)
    weights = torch.softmax(noise[0, 0] / tau, dim=0).numpy()
    by_hand = weights[0] * (np.eye(5)[0] - weights) / tau
    np.testing.assert_allclose(gradient[0].numpy(), by_hand, rtol=1e-4, atol=1e-6)

    def mean_weight(logit: float) -> float:
        shifted = noise[:, 0].double().numpy() + np.array([logit, 0, 0, 0, 0])
        exponential = np.exp(shifted / tau)
        return float((exponential[:, 0] / exponential.sum(axis=1)).mean())

    (gradient,) = torch.autograd.grad(architecture.soft(noise)[:, 0, 0].mean(), architecture.logits)
    slope = (mean_weight(1e-4) - mean_weight(-1e-4)) / 2e-4
    assert gradient[0, 0].item() == pytest.approx(slope, rel=1e-3)


def test_moving_along_a_gradient_concentrates_on_the_best_choice_and_widening_spreads_again() -> None:
    architecture = ArchitectureLogits(SPACE)
    rng = np.random.default_rng(0)

    def share() -> float:
        return float((architecture.decoded(architecture.soft(architecture.noise(500, rng)))[:, 4] == 2).mean())

    for _ in range(60):
        architecture.move(architecture.noise(16, rng), lambda soft: -soft[:, 4, 2])
    concentrated = share()
    for _ in range(6):
        architecture.widen()
    assert concentrated > 0.95
    assert share() < 0.4


def test_widening_halves_the_logits_and_forgets_the_momentum_by_hand() -> None:
    """Ten moves down, then half of that, then one move up: as long as Adam's first, whatever went before."""
    architecture = ArchitectureLogits(SPACE, temperature=1.0, learning_rate=0.2)
    noise = torch.zeros(1, 6, 5)
    for _ in range(10):
        architecture.move(noise, lambda soft: soft[:, 2, 3])
    before = architecture.logits[2, 3].item()
    assert -2.0 <= before < -1.0
    architecture.widen()
    assert architecture.logits[2, 3].item() == pytest.approx(before / 2)
    architecture.move(noise, lambda soft: -soft[:, 2, 3])
    assert architecture.logits[2, 3].item() == pytest.approx(before / 2 + 0.2, abs=1e-5)


def test_cells_are_decoded_to_normal_form() -> None:
    """Input -> 6 directly, vertex 1 fed but leading nowhere: the cell without interior vertices."""
    space = get_space("nasbench101")
    raw = np.zeros((1, 26), np.int8)
    raw[0, 0] = raw[0, 15] = 1  # edges 0 -> 1 and 0 -> 6
    architecture = ArchitectureLogits(space)
    decoded = architecture.decoded(torch.from_numpy(space.sequences(raw)))
    np.testing.assert_array_equal(decoded, [[0] * 15 + [1] + [0] * 5 + [3] * 5])
    assert space.valid(decoded).all()


def test_a_copy_goes_on_alike_and_leaves_its_origin_alone() -> None:
    origin = ArchitectureLogits(SPACE)
    noise = origin.noise(3, np.random.default_rng(0))
    for _ in range(3):
        origin.move(noise, lambda soft: soft[:, 0, 0] * soft[:, 1, 1])
    before = origin.logits.detach().clone()
    twin = origin.copy()
    twin.move(noise, lambda soft: soft[:, 3, 3])
    assert torch.equal(origin.logits.detach(), before)
    origin.move(noise, lambda soft: soft[:, 3, 3])
    assert torch.equal(origin.logits, twin.logits)


def test_it_is_a_function_of_its_generator() -> None:
    architecture = ArchitectureLogits(SPACE)
    first, again = (architecture.noise(4, np.random.default_rng(7)) for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"learning_rate": -0.1}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        ArchitectureLogits(SPACE, **options)
