from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.parts.anchor import Anchored, DirichletAnchor
from predictornas.supernet.parts.updates import Bilevel
from tests.supernet.examples import TRIANGLE, batch, fan, parameters_of, tiny_search

TRAIN, VALID = batch(1), batch(2)


def test_the_distance_by_hand() -> None:
    """beta - 1 is alpha above 0 and e^alpha - 1 below."""
    parameters = parameters_of(fan(2, ("skip_connect", "bend")), {"normal": [[3.0, 4.0], [0.0, -1.0]]})
    found = DirichletAnchor("l2", scale=0.5).penalty(parameters)
    assert float(found.detach()) == pytest.approx(0.5 * (5 + (1 - math.exp(-1))))


def test_the_divergence_is_that_of_torch_distributions() -> None:
    parameters = parameters_of(TRIANGLE)
    alpha = parameters.alpha["cell"].detach()
    beta = torch.where(alpha > 0, alpha + 1, alpha.exp())
    expected = kl_divergence(Dirichlet(beta), Dirichlet(torch.ones_like(beta))).sum()
    torch.testing.assert_close(DirichletAnchor("kl", scale=1.0).penalty(parameters).detach(), expected)


def test_places_that_pad_an_edge_do_not_count() -> None:
    operations = (("skip_connect", "bend", "turn"), ("skip_connect", "turn"))
    cell = CellTopology("normal", ((0, 2), (1, 2)), operations, 2)
    topology = Topology("darts", (cell,), ("skip_connect", "bend", "turn"), 2)
    short = torch.tensor([0.7, -0.3], dtype=torch.float64)
    parameters = parameters_of(topology, {"normal": [[0.0, 0.0, 0.0], [0.7, -0.3, 9.0]]})
    beta = torch.where(short > 0, short + 1, short.exp())
    divergence = kl_divergence(Dirichlet(beta), Dirichlet(torch.ones(2, dtype=torch.float64)))
    torch.testing.assert_close(DirichletAnchor("kl", 1.0).penalty(parameters).detach(), divergence)
    torch.testing.assert_close(DirichletAnchor("l2", 1.0).penalty(parameters).detach(), (beta - 1).norm())
    decayed = DirichletAnchor("weight-decay", 1.0).penalty(parameters).detach()
    assert float(decayed) == pytest.approx((0.7**2 + 0.3**2) / 2)


def test_weight_decay_is_that_of_adam() -> None:
    def after(decay: float, anchor: DirichletAnchor | None) -> Tensor:
        parameters = parameters_of(TRIANGLE)
        adam = torch.optim.Adam(parameters.tensors(), lr=0.05, betas=(0.5, 0.999), weight_decay=decay)
        state = tiny_search(parameters=parameters, architecture_optimiser=adam)
        update = Anchored(Bilevel(1), anchor) if anchor else Bilevel(1)
        for _ in range(3):
            update.step(state, TRAIN, VALID)
            state.move_parameters()
        return parameters.alpha["cell"].detach()

    torch.testing.assert_close(after(0.0, DirichletAnchor("weight-decay", 0.3)), after(0.3, None))
    assert not torch.allclose(after(0.0, None), after(0.3, None))


@pytest.mark.parametrize("distance", ["l2", "kl", "weight-decay"])
def test_the_anchor_has_no_pull_where_it_is_and_pulls_back_elsewhere(distance: str) -> None:
    topology = fan(1, ("skip_connect", "bend"))
    anchor = DirichletAnchor(distance, 1.0)
    for alpha, signs in (([[0.0, 0.0]], [0, 0]), ([[2.0, -2.0]], [1, -1])):
        parameters = parameters_of(topology, {"normal": alpha})
        (slope,) = torch.autograd.grad(anchor.penalty(parameters), parameters.tensors())
        assert slope.sign()[0].tolist() == signs


def test_the_penalty_is_added_to_the_gradient_of_the_update() -> None:
    state = tiny_search()
    alpha = state.parameters.alpha["cell"]
    Bilevel(1).step(state, TRAIN, VALID)
    plain = alpha.grad.clone()
    (pull,) = torch.autograd.grad(DirichletAnchor("kl", 0.1).penalty(state.parameters), [alpha])
    Anchored(Bilevel(1), DirichletAnchor("kl", 0.1)).step(state, TRAIN, VALID)
    torch.testing.assert_close(alpha.grad, plain + pull)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="scale"):
        DirichletAnchor("l2", -1.0)
    with pytest.raises(ConfigurationError, match="'kl'"):
        DirichletAnchor("euclid")
