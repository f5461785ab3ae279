from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions, Mixture
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.parts.regularisers import (
    AdversarialPerturbation,
    RandomSmoothing,
    Regulariser,
    clipped_to_simplex,
)
from predictornas.supernet.parts.relaxations import GumbelHard
from predictornas.supernet.state import Batch, SearchState
from tests.supernet.examples import CountingNetwork, batch, fan, parameters_of, tiny_search

TRAIN = batch(1)


class Formula(nn.Module):
    """`logits` are a function of the factors of the cell alone; with `total` as the loss it is the loss."""

    def __init__(self, formula: Any) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        result: Tensor = self.formula(mixture.weights["normal"])
        return result


def total(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.sum()


def search(edges: int, formula: Any = torch.sum, alpha: Tensor | None = None, **fields: Any) -> SearchState:
    """A search over edges of two operations that are equally likely unless `alpha` says otherwise."""
    topology = fan(edges, ("skip_connect", "bend"))
    values = torch.zeros(edges, 2, dtype=torch.float64) if alpha is None else alpha
    return tiny_search(Formula(formula), parameters_of(topology, {"normal": values}), loss=total, **fields)


def perturbed(regulariser: Regulariser, state: SearchState, train: Batch = TRAIN) -> Tensor:
    return regulariser.perturbed(state.mixture(), state, train).weights["normal"]


def test_clipping_to_the_simplex_by_hand() -> None:
    moved = torch.tensor([[0.5, -0.2, 1.5], [-0.3, -0.1, -0.2], [0.2, 0.3, 9.0]])
    free = torch.tensor([[True, True, True], [True, True, True], [True, True, False]])
    expected = torch.tensor([[1 / 3, 0, 2 / 3], [0, 1, 0], [0.4, 0.6, 0]])
    torch.testing.assert_close(clipped_to_simplex(moved, free), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "regulariser", [RandomSmoothing(), RandomSmoothing(noise="gaussian"), AdversarialPerturbation(steps=2)]
)
@settings(max_examples=15)
@given(seed=st.integers(0, 1000), progress=st.floats(0, 1), scale=st.floats(0, 8))
def test_what_comes_out_is_a_mixture_and_alpha_and_weights_stay_bit_for_bit(
    regulariser: Regulariser, seed: int, progress: float, scale: float
) -> None:
    alpha = {"cell": scale * torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))}
    triangle = tiny_search().parameters.topology
    state = tiny_search(
        parameters=parameters_of(triangle, alpha), progress=progress, generator=torch.Generator().manual_seed(seed)
    )
    before = [tensor.detach().clone() for tensor in (*state.parameters.tensors(), *state.network.parameters())]
    weights = regulariser.perturbed(state.mixture(), state, TRAIN).weights["cell"]
    assert not weights.requires_grad
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3, dtype=torch.float64))
    after = [*state.parameters.tensors(), *state.network.parameters()]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(tensor.grad is None for tensor in after)


@pytest.mark.parametrize(("progress", "radius"), [(0.0, 0.03), (0.5, 0.115), (1.0, 0.2)])
def test_the_uniform_radius_grows_from_three_hundredths(progress: float, radius: float) -> None:
    """Of two operations at 1/2, (1/2 + u) / (1 + u + v) is off by at most the radius, at times by nearly that."""
    moved = perturbed(RandomSmoothing(radius=0.2), search(500, progress=progress))
    off = (moved[:, 0] - 0.5).abs()
    assert 0.8 * radius < float(off.max()) <= radius


def test_gaussian_noise_has_the_radius_as_its_standard_deviation() -> None:
    """(1/2 + u) / (1 + u + v) - 1/2 is (u - v) / 2 to first order: standard deviation radius / sqrt 2."""
    moved = perturbed(RandomSmoothing(radius=0.1, noise="gaussian"), search(4000, progress=0.0))
    assert float(moved[:, 0].std()) == pytest.approx(0.03 / 2**0.5, rel=0.05)  # 4.5 standard errors


@pytest.mark.parametrize("regulariser", [RandomSmoothing(), AdversarialPerturbation()])
def test_decided_edges_stay_and_padding_stays_empty(regulariser: Regulariser) -> None:
    edges = ((0, 3), (1, 3), (2, 3))
    operations = (("skip_connect", "bend", "turn"), ("skip_connect", "turn"), ("bend", "turn"))
    topology = Topology("darts", (CellTopology("normal", edges, operations, 3),), ("skip_connect", "bend", "turn"), 2)
    decisions = Decisions().with_edge("normal", 0, 2)
    parameters = parameters_of(topology)

    def formula(weights: Tensor) -> Tensor:
        return (weights * torch.tensor([[1.0, -1.0, 2.0]])).sum()

    state = tiny_search(Formula(formula), parameters, loss=total, decisions=decisions, progress=1.0)
    moved = perturbed(regulariser, state)
    assert moved[0].tolist() == [0, 0, 1]
    assert moved[1:, 2].tolist() == [0, 0]
    assert not torch.equal(moved[1:], state.mixture().weights["normal"][1:])
    state = tiny_search(
        Formula(formula), parameters, loss=total, decisions=decisions.with_edge("normal", 1, PRUNED), progress=1.0
    )
    assert perturbed(regulariser, state)[1].tolist() == [0, 0, 0]


def test_the_adversary_goes_to_the_corner_of_the_box_that_hurts_most() -> None:
    """L = first - second on each edge: seven steps of 2 r / 7 cross the box from any start."""
    state = search(6, lambda weights: weights[:, 0] - weights[:, 1], progress=1.0)
    moved = perturbed(AdversarialPerturbation(radius=0.1), state)
    torch.testing.assert_close(moved, torch.tensor([[0.6, 0.4]], dtype=torch.float64).expand(6, 2))
    # half of the steps' number, still across, because their length is 2 r / steps
    torch.testing.assert_close(perturbed(AdversarialPerturbation(radius=0.1, steps=1), state), moved)


def test_the_adversary_hurts_more_than_chance() -> None:
    state = tiny_search(progress=1.0)
    mixture = state.mixture().detached()
    plain = state.loss_of(TRAIN, mixture).item()
    hurt = state.loss_of(TRAIN, AdversarialPerturbation().perturbed(mixture, state, TRAIN)).item()
    chance = [state.loss_of(TRAIN, RandomSmoothing().perturbed(mixture, state, TRAIN)).item() for _ in range(20)]
    assert hurt > plain
    assert hurt > max(chance)


def test_a_perturbation_that_helped_is_undone() -> None:
    """The unperturbed mixture has the highest loss there is: wherever the steps end, the loss has fallen."""
    alpha = torch.tensor([[0.3, -0.4], [1.0, 0.2]], dtype=torch.float64)
    top = torch.softmax(alpha, dim=1)
    state = search(2, lambda weights: -((weights - top) ** 2), alpha, progress=1.0)
    assert torch.equal(perturbed(AdversarialPerturbation(), state), state.mixture().weights["normal"])


def test_the_adversary_looks_in_evaluation_mode_and_leaves_training_mode() -> None:
    network = CountingNetwork(torch.Generator().manual_seed(0)).train()
    state = tiny_search(network)
    AdversarialPerturbation(steps=3).perturbed(state.mixture(), state, TRAIN)
    assert network.modes == [False] * 5  # three steps, the loss before and after
    assert network.training


@pytest.mark.parametrize("regulariser", [RandomSmoothing(), AdversarialPerturbation()])
def test_a_sampled_path_is_refused(regulariser: Regulariser) -> None:
    state = search(2, relaxation=GumbelHard())
    with pytest.raises(ConfigurationError, match="softmax relaxation"):
        perturbed(regulariser, state)


def test_numbers_out_of_range_are_refused() -> None:
    for radius in (0.0, -1.0, float("inf")):
        with pytest.raises(ConfigurationError, match="radius"):
            RandomSmoothing(radius)
    with pytest.raises(ConfigurationError, match="'gaussian'"):
        RandomSmoothing(noise="normal")
    with pytest.raises(ConfigurationError, match="at least one step"):
        AdversarialPerturbation(steps=0)
