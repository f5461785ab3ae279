from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from predictornas.supernet.method import DARTS_WEIGHTS, ArchitectureSettings, Method
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.parts.updates import SingleLevel
from predictornas.supernet.state import Batch, SearchState
from predictornas.supernet.weight_steps import NotFiniteError, measured, train_at_mixtures, train_at_path
from tests.supernet.examples import CountingNetwork, batch, tiny_search

METHOD = Method(weights=replace(DARTS_WEIGHTS, clip=None))


def pairs(steps: int) -> list[tuple[Batch, Batch]]:
    return [(batch(seed=2 * step), batch(seed=2 * step + 1)) for step in range(steps)]


def weights_of(state: SearchState) -> list[Tensor]:
    return [weight.detach().clone() for weight in state.network.parameters()]


def alpha_of(state: SearchState) -> Tensor:
    return state.parameters.alpha["cell"].detach().clone()


def test_a_step_of_alpha_comes_before_a_step_of_the_weights() -> None:
    """By hand: alpha <- alpha - grad L_val(w, alpha), then w <- w - rate grad L_train(w, alpha)."""
    state, other = tiny_search(), tiny_search()
    (train, valid), *_ = steps = pairs(1)
    train_at_mixtures(state, METHOD, steps, lambda _: 0.5, rests=False)
    alpha = other.parameters.alpha["cell"]
    (slope,) = torch.autograd.grad(other.loss_of(valid, other.mixture()), [alpha])
    alpha.data -= slope
    torch.testing.assert_close(alpha_of(state), alpha.detach())
    slopes = torch.autograd.grad(other.loss_of(train, other.mixture()), list(other.network.parameters()))
    for weight, moved, slope in zip(weights_of(other), weights_of(state), slopes, strict=True):
        torch.testing.assert_close(moved, weight - 0.5 * slope)


def test_rates_follow_the_step() -> None:
    state = tiny_search()
    seen = []
    rates = iter([0.3, 0.2, 0.1])
    state.weight_optimiser.register_step_pre_hook(lambda own, *_: seen.append(own.param_groups[0]["lr"]))
    train_at_mixtures(state, METHOD, pairs(3), lambda _: next(rates), rests=False)
    assert seen == [0.3, 0.2, 0.1]


def test_alpha_rests() -> None:
    state = tiny_search()
    alpha, weights = alpha_of(state), weights_of(state)
    train_at_mixtures(state, METHOD, pairs(2), lambda _: 0.1, rests=True)
    assert torch.equal(alpha_of(state), alpha)
    assert not torch.equal(weights_of(state)[0], weights[0])


def test_gradients_are_clipped_of_weights_and_of_alpha() -> None:
    method = Method(weights=replace(DARTS_WEIGHTS, clip=1e-3), architecture=ArchitectureSettings(clip=1e-4))
    state = tiny_search()
    alpha, weights = alpha_of(state), weights_of(state)
    train_at_mixtures(state, method, pairs(1), lambda _: 1.0, rests=False)
    moved = [after - before for before, after in zip(weights, weights_of(state), strict=True)]
    assert float(torch.cat([part.flatten() for part in moved]).norm()) == pytest.approx(1e-3, rel=1e-2)
    assert float((alpha_of(state) - alpha).norm()) == pytest.approx(1e-4, rel=1e-2)


@dataclass(frozen=True)
class Silent:
    """A regulariser that trains the weights at factors of zero."""

    def perturbed(self, mixture: Mixture, state: SearchState, train: Batch) -> Mixture:
        return replace(mixture, weights={name: torch.zeros_like(values) for name, values in mixture.weights.items()})


def test_weights_are_trained_at_the_perturbed_mixture() -> None:
    state = tiny_search()
    weights = weights_of(state)
    method = replace(METHOD, regulariser=Silent(), update=SingleLevel())
    found = train_at_mixtures(state, method, pairs(2), lambda _: 0.1, rests=False)
    assert all(map(torch.equal, weights, weights_of(state)))  # no factor, no output, no gradient
    assert found.loss == pytest.approx(float(torch.log(torch.tensor(3.0))))


def test_means_are_over_images_not_over_batches() -> None:
    state = tiny_search()
    parts = [batch(seed=0, images=12), batch(seed=1, images=3)]
    losses, right = [], []
    with torch.no_grad():
        for part in parts:
            logits = state.network(part.images, state.mixture())
            losses += torch.nn.functional.cross_entropy(logits, part.labels, reduction="none").tolist()
            right += (logits.argmax(dim=1) == part.labels).tolist()
    found = measured(state, lambda: parts, state.mixture)
    assert found.loss == pytest.approx(sum(losses) / 15)
    assert found.accuracy == sum(right) / 15


def test_measuring_leaves_no_trace() -> None:
    network = CountingNetwork(torch.Generator().manual_seed(0)).eval()
    state = tiny_search(network)
    measured(state, lambda: [batch(0), batch(1)], state.mixture)
    assert network.modes == [True, True]
    assert not network.training
    assert float(network.get_buffer("calls")) == 0


def test_a_path_is_trained_as_it_is() -> None:
    state = tiny_search()
    alpha, bends, turns = alpha_of(state), *weights_of(state)[:2]
    weights = torch.zeros((3, 4), dtype=torch.float64)
    weights[:, 2] = 1.0
    train_at_path(state, Mixture({"cell": weights}, sparse=True), pairs(2), lambda _: 0.1, None)
    assert torch.equal(alpha_of(state), alpha)
    assert not torch.equal(weights_of(state)[0], bends)
    assert torch.equal(weights_of(state)[1], turns)


def test_says_at_which_step_the_loss_is_lost() -> None:
    state = replace(tiny_search(), epoch=6)
    steps = pairs(3)
    steps[1][0].images[0] = torch.inf
    with pytest.raises(NotFiniteError, match="training loss in epoch 7, step 2 of 3, is nan"):
        train_at_mixtures(state, METHOD, steps, lambda _: 0.1, rests=True)
    with pytest.raises(NotFiniteError, match="validation loss after epoch 7, step 1 of 1, is nan"):
        measured(state, lambda: [steps[1][0]], state.mixture)
