from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import Decisions
from predictornas.supernet.network.topology import darts_topology, nasbench201_topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import (
    Dirichlet,
    EdgeWeighted,
    GumbelHard,
    GumbelSoftmax,
    Relaxation,
    Softmax,
)

CELL = nasbench201_topology()
ALPHA = [0.3, -0.5, 0.1, 0.8, -1.0]
RELAXATIONS = [Softmax(), GumbelSoftmax(), GumbelSoftmax(argmax_only=True), GumbelHard(), Dirichlet()]
UNEVEN = darts_topology(
    ("none", "skip_connect", "sep_conv_3x3"),
    tuple((("skip_connect", "sep_conv_3x3") if edge else ("none",)) for edge in range(14)),
)
"""One operation on the first edge of the normal cell, two on its others, three on all of the reduction cell."""


def parameters_of(alpha: list[float], beta: list[float] | None = None) -> ArchitectureParameters:
    """The same alpha on each of the six edges."""
    values = torch.tensor([alpha] * 6, requires_grad=True)
    edges = None if beta is None else {"cell": torch.tensor(beta, requires_grad=True)}
    return ArchitectureParameters(CELL, {"cell": values}, edges)


def draws(relaxation: Relaxation, parameters: ArchitectureParameters, count: int, progress: float = 0.0) -> Tensor:
    """`(6 count, 5)`: each edge is a draw of its own."""
    generator = torch.Generator().manual_seed(0)
    mixtures = (relaxation.mixture(parameters, progress=progress, generator=generator) for _ in range(count))
    return torch.cat([mixture.weights["cell"] for mixture in mixtures])


def gradients(relaxation: Relaxation, function: Callable[[Tensor], Tensor], count: int) -> tuple[Tensor, Tensor]:
    """The mean of the gradient of `function` with respect to alpha over draws, and its standard error."""
    parameters = parameters_of(ALPHA)
    generator, rows = torch.Generator().manual_seed(0), []
    for _ in range(count):
        weights = relaxation.mixture(parameters, progress=0.0, generator=generator).weights["cell"]
        rows += torch.autograd.grad(function(weights).sum(), parameters.alpha["cell"])
    slopes = torch.cat(rows).double()
    return slopes.mean(0), slopes.std(0) / math.sqrt(len(slopes))


def test_softmax_by_hand() -> None:
    parameters = parameters_of([0.0, math.log(3), 0.0, 0.0, 0.0])
    mixture = Softmax().mixture(parameters, progress=0.0, generator=torch.Generator())
    torch.testing.assert_close(mixture.weights["cell"][0], torch.tensor([1, 3, 1, 1, 1]) / 7)
    assert not mixture.sparse


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=str)
def test_padding_has_no_factor_no_importance_and_no_gradient(relaxation: Relaxation) -> None:
    parameters = ArchitectureParameters.initial(UNEVEN, torch.Generator().manual_seed(0), 1.0)
    mixture = relaxation.mixture(parameters, progress=0.5, generator=torch.Generator().manual_seed(1))
    for values in (mixture.weights, relaxation.importance(parameters)):
        assert values["normal"][0].tolist()[1:] == [0]
        assert (values["normal"].sum(1) > 0).all()
    (mixture.weights["normal"] ** 2).sum().backward()
    assert parameters.alpha["normal"].grad[0, 1] == 0
    assert parameters.alpha["normal"].grad.isfinite().all()


@pytest.mark.parametrize("relaxation", [Softmax(), GumbelSoftmax(), GumbelHard(), Dirichlet()], ids=str)
def test_factors_of_an_edge_sum_to_one(relaxation: Relaxation) -> None:
    torch.testing.assert_close(draws(relaxation, parameters_of(ALPHA), 3).sum(1), torch.ones(18))


@pytest.mark.slow
def test_a_gumbel_softmax_gradient_equals_the_slope_of_a_simulated_mean() -> None:
    """Against central differences of the mean over 200,000 draws of numpy, within four joint standard errors."""
    costs, temperature = np.array([1.0, -2.0, 0.5, 3.0, 0.0]), 1.5
    found, error = gradients(
        GumbelSoftmax(start=temperature), lambda weights: (weights**2) @ torch.tensor(costs).float(), 300
    )
    noise = np.random.default_rng(0).gumbel(size=(200_000, 5))
    for place in range(5):
        sides = []
        for step in (1e-3, -1e-3):
            logits = (np.array(ALPHA) + step * np.eye(5)[place] + noise) / temperature
            soft = np.exp(logits - logits.max(1, keepdims=True))
            sides.append((soft / soft.sum(1, keepdims=True)) ** 2 @ costs)
        slopes = (sides[0] - sides[1]) / 2e-3
        tolerance = 4 * math.hypot(error[place].item(), slopes.std() / math.sqrt(len(slopes)))
        assert abs(found[place].item() - slopes.mean()) < tolerance
        assert tolerance < 0.2


def test_hard_samples_are_one_hot_and_as_frequent_as_the_softmax_says() -> None:
    sampled = draws(GumbelHard(), parameters_of(ALPHA), 500).detach()
    assert set(sampled.unique().tolist()) == {0, 1}
    assert (sampled.sum(1) == 1).all()
    exact = np.exp(ALPHA) / np.exp(ALPHA).sum()
    errors = np.sqrt(exact * (1 - exact) / len(sampled))
    assert (np.abs(sampled.mean(0).numpy() - exact) < 4 * errors).all()


def test_a_hard_sample_has_the_gradient_of_the_soft_one_and_is_sparse() -> None:
    parameters, costs = parameters_of(ALPHA), torch.arange(30.0).view(6, 5)
    slopes, mixtures = [], []
    for relaxation in (GumbelHard(2.0, 1.0), GumbelSoftmax(2.0, 1.0), GumbelSoftmax(2.0, 1.0, argmax_only=True)):
        mixture = relaxation.mixture(parameters, progress=0.5, generator=torch.Generator().manual_seed(0))
        slopes += torch.autograd.grad((mixture.weights["cell"] * costs).sum(), parameters.alpha["cell"])
        mixtures.append(mixture)
    torch.testing.assert_close(slopes[0], slopes[1])
    hard, soft, largest = (mixture.weights["cell"] for mixture in mixtures)
    assert hard.argmax(1).equal(soft.argmax(1))
    torch.testing.assert_close(largest, soft * hard)
    assert [mixture.sparse for mixture in mixtures] == [True, False, True]


def test_the_temperature_falls_on_a_straight_line() -> None:
    """At temperature t, log-ratios of factors are those at temperature 1 divided by t."""
    parameters = parameters_of(ALPHA)

    def log_ratios(relaxation: Relaxation, progress: float) -> Tensor:
        weights = draws(relaxation, parameters, 1, progress).detach().log()
        return weights[:, 1:] - weights[:, :1]

    at_one = log_ratios(GumbelSoftmax(1.0, 1.0), 0.0)
    torch.testing.assert_close(log_ratios(GumbelSoftmax(10.0, 1.0), 0.0), at_one / 10)
    torch.testing.assert_close(log_ratios(GumbelSoftmax(10.0, 1.0), 0.5), at_one / 5.5)
    torch.testing.assert_close(log_ratios(GumbelSoftmax(10.0, 1.0), 1.0), at_one)


def exact_moments(alpha: Tensor) -> Tensor:
    """A weighted sum of E[w_k^2] of a Dirichlet, c_k (c_k + 1) / (c_0 (c_0 + 1))."""
    concentration = torch.where(alpha > 0, alpha + 1, alpha.exp())
    total = concentration.sum()
    return ((concentration * (concentration + 1)) / (total * (total + 1))) @ COSTS


COSTS = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.0], dtype=torch.float64)


@pytest.mark.slow
def test_dirichlet_samples_and_their_gradient_have_the_exact_means() -> None:
    """Mean c_k / c_0, and the slope of a second moment, within four standard errors."""
    sampled = draws(Dirichlet(), parameters_of(ALPHA), 500).detach().double()
    concentration = np.where(np.array(ALPHA) > 0, np.array(ALPHA) + 1, np.exp(ALPHA))
    errors = sampled.std(0) / math.sqrt(len(sampled))
    assert ((sampled.mean(0) - torch.tensor(concentration / concentration.sum())).abs() < 4 * errors).all()

    found, error = gradients(Dirichlet(), lambda weights: (weights.double() ** 2) @ COSTS, 500)
    alpha = torch.tensor(ALPHA, dtype=torch.float64, requires_grad=True)
    (exact,) = torch.autograd.grad(exact_moments(alpha), alpha)
    assert ((found - exact).abs() < 4 * error).all()
    assert (4 * error < 0.1).all()


def test_dirichlet_stays_finite_where_alpha_is_far_below_zero() -> None:
    parameters = parameters_of([-200.0, -100.0, 0.0, 50.0, -30.0])
    sampled = draws(Dirichlet(), parameters, 5)
    (sampled**2).sum().backward()
    assert sampled.isfinite().all()
    assert parameters.alpha["cell"].grad.isfinite().all()


def test_dirichlet_importance_is_the_mean_or_the_softmax() -> None:
    parameters = parameters_of([0.0, 1.0, 0.0, 0.0, -math.log(2)])  # concentrations 1, 2, 1, 1, 1/2
    torch.testing.assert_close(
        Dirichlet().importance(parameters)["cell"][0], torch.tensor([2.0, 4.0, 2.0, 2.0, 1.0]) / 11
    )
    softmax = torch.tensor([1, math.e, 1, 1, 0.5]) / (3.5 + math.e)
    torch.testing.assert_close(Dirichlet("softmax").importance(parameters)["cell"][0], softmax)
    with pytest.raises(ConfigurationError, match="'mean' or 'softmax'"):
        Dirichlet("mode").importance(parameters)


def test_edge_weights_are_a_softmax_over_the_edges_into_a_node() -> None:
    """Edges 0-1 | 0-2, 1-2 | 0-3, 1-3, 2-3."""
    parameters = parameters_of([0.0] * 5, [7.0, 0.0, math.log(3), 1.0, 1.0, 1.0])
    relaxation = EdgeWeighted(Softmax())
    mixture = relaxation.mixture(parameters, progress=0.0, generator=torch.Generator())
    expected = torch.tensor([1, 1 / 4, 3 / 4, 1 / 3, 1 / 3, 1 / 3])
    torch.testing.assert_close(mixture.edge_weights["cell"], expected)
    torch.testing.assert_close(relaxation.importance(parameters)["cell"], expected[:, None].expand(6, 5) / 5)
    with pytest.raises(ConfigurationError, match="edge_weights=True"):
        relaxation.importance(parameters_of(ALPHA))


@pytest.mark.parametrize("relaxation", RELAXATIONS, ids=str)
def test_decided_edges_are_one_hot_or_zero_and_have_no_gradient(relaxation: Relaxation) -> None:
    parameters = parameters_of(ALPHA)
    decisions = Decisions().with_edge("cell", 1, 3).with_edge("cell", 4, None)
    mixture = relaxation.mixture(
        parameters, progress=0.0, generator=torch.Generator().manual_seed(0), decided=decisions
    )
    weights = mixture.weights["cell"]
    assert weights[1].tolist() == [0, 0, 0, 1, 0]
    assert weights[4].tolist() == [0] * 5
    (weights**2).sum().backward()
    slopes = parameters.alpha["cell"].grad
    assert not slopes[[1, 4]].any()
    assert slopes[[0, 2, 3, 5]].any(dim=1).all()
    assert mixture.decisions is decisions


@pytest.mark.parametrize("relaxation", [GumbelSoftmax(0.0, 1.0), GumbelHard(1.0, -1.0)])
def test_a_temperature_that_is_not_positive_is_refused(relaxation: Relaxation) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        draws(relaxation, parameters_of(ALPHA), 1)


def test_the_same_generator_gives_the_same_mixture() -> None:
    for relaxation in RELAXATIONS:
        first, second = draws(relaxation, parameters_of(ALPHA), 2), draws(relaxation, parameters_of(ALPHA), 2)
        assert first.equal(second)
