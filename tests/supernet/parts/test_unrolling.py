from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.parts.unrolling import Point, difference_error, unrolled
from predictornas.supernet.parts.updates import Bilevel
from predictornas.supernet.state import Batch, SearchState
from tests.supernet.examples import CountingNetwork, tiny_search
from tests.supernet.parts.test_updates import TRAIN, VALID, NoisyNetwork, exact, first_batches, gradient, with_momentum
from tests.supernet.search_examples import job
from tests.supernet.test_assembly import begun


class OneWeight(nn.Module):
    """w - brightness * factor, with the factor of the first edge's skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.5], dtype=torch.float64))

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        return self.weight - images.mean() * mixture.factors("cell")[0, 1]


def test_both_terms_worked_out_by_hand() -> None:
    """L = (w - a p)^2 / 2 has grad_w L = w - a p, so that w' = w - xi (w - a p + decay w) moves with p by xi a."""
    w, a, b, rate, decay = 1.5, 0.8, -0.4, 0.3, 0.1
    network = OneWeight()
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, weight_decay=decay)
    state = tiny_search(network, weight_optimiser=optimiser, loss=lambda logits, _: (logits**2).mean() / 2)
    train, valid = (Batch(torch.full((1, 1, 2, 2), value, dtype=torch.float64), torch.zeros(1)) for value in (a, b))
    point = Point.drawn(state)
    p = float(point.mixture.weights["cell"][0, 1].detach())
    moved = w - rate * (w - a * p + decay * w)
    found = unrolled(point, state, train, valid, None)
    assert float(found.direct[0][0, 1]) == pytest.approx(-b * (moved - b * p), rel=1e-12)
    assert float(found.through_weights[0][0, 1]) == pytest.approx((moved - b * p) * rate * a, rel=1e-12)
    assert float(network.weight.detach()) == w


def test_exact_is_the_derivative_through_the_step_and_the_finite_difference_comes_near() -> None:
    state = with_momentum()
    truth = exact(state)
    torch.testing.assert_close(gradient(Bilevel(2, None), state), truth, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(gradient(Bilevel(2, 0.01), state), truth, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["nasbench201", "darts-8"])
def test_a_real_super_network_is_differentiated_twice(space: str) -> None:
    """Against autograd through `functional_call`, which knows nothing of the two terms."""
    searched = job("darts-1", space)
    state = begun(searched)
    state.network.double()
    train, valid = (Batch(part.images[:6].double(), part.labels[:6]) for part in first_batches(searched))
    with torch.no_grad():
        for values in state.parameters.alpha.values():
            values.mul_(1000)
    point = Point.drawn(state)
    for leaf in point.leaves:
        leaf.data = leaf.data.double()
    weights = dict(state.network.named_parameters())

    def loss(values: dict[str, Tensor], part: Batch) -> Tensor:
        logits = torch.func.functional_call(state.network, values, (part.images, point.mixture))
        return state.loss(logits, part.labels)

    slopes = torch.autograd.grad(loss(weights, train), list(weights.values()), create_graph=True)
    (group,) = state.weight_optimiser.param_groups
    moved = {
        name: weight - group["lr"] * (slope + group["weight_decay"] * weight)
        for (name, weight), slope in zip(weights.items(), slopes, strict=True)
    }
    wanted = torch.autograd.grad(loss(moved, valid), point.leaves, materialize_grads=True)
    truth = torch.cat([slope.flatten() for slope in wanted])
    found = unrolled(point, state, train, valid, None)
    slope = torch.cat([part.flatten() for part in found.slopes()])
    assert float((slope - truth).norm() / truth.norm()) < 1e-6
    through = torch.cat([part.flatten() for part in found.through_weights])
    assert float(through.norm() / truth.norm()) > 1e-3  # or the comparison would say nothing


def test_the_exact_term_is_that_of_the_step_with_its_noise() -> None:
    """The reference draws for the step, then for the loss after it; other noise gives another gradient."""

    def noisy(seed: int) -> SearchState:
        generator = torch.Generator().manual_seed(seed)
        return tiny_search(NoisyNetwork(generator), generator=generator)

    found = gradient(Bilevel(2, None), noisy(0))
    torch.testing.assert_close(found, exact(noisy(0)), rtol=1e-10, atol=1e-12)
    assert not torch.allclose(found, exact(noisy(1)), rtol=1e-3)


def test_the_error_is_that_of_the_gradient_and_shrinks_with_the_displacement() -> None:
    state = with_momentum()
    truth = exact(state)
    direct = Point.drawn(state)
    first = direct.carried(state, unrolled(direct, state, TRAIN, VALID, None).direct).view_as(truth)
    found = gradient(Bilevel(2, 1.0), state)
    expected = float((found - truth).norm() / (truth - first).norm())
    measured = difference_error(state, TRAIN, VALID, 1.0)
    assert measured.relative == pytest.approx(expected, rel=1e-6)
    cosine = torch.cosine_similarity((found - first).flatten(), (truth - first).flatten(), dim=0)
    assert measured.cosine == pytest.approx(float(cosine), rel=1e-6)
    assert difference_error(state, TRAIN, VALID, 0.01).relative < measured.relative / 1000


def test_measuring_the_error_leaves_no_trace() -> None:
    def state_of(searched: SearchState) -> list[Tensor]:
        tensors = [*searched.network.parameters(), *searched.network.buffers(), searched.generator.get_state()]
        return [tensor.detach().clone() for tensor in tensors]

    state = tiny_search(CountingNetwork(torch.Generator().manual_seed(0)))
    state.network.eval()
    before = state_of(state)
    difference_error(state, TRAIN, VALID)
    assert all(torch.equal(old, new) for old, new in zip(before, state_of(state), strict=True))
    assert not state.network.training
    assert all(parameter.grad is None for parameter in state.parameters.tensors())


def test_without_a_step_there_is_no_error() -> None:
    state = tiny_search()
    state.weight_optimiser.param_groups[0]["lr"] = 0.0
    assert difference_error(state, TRAIN, VALID) == (0.0, 1.0)


def test_the_finite_difference_sees_the_noise_of_the_step_as_the_exact_term_does() -> None:
    """In spaces with an operation that is noise the two would be terms of different losses."""
    generator = torch.Generator().manual_seed(0)
    state = tiny_search(NoisyNetwork(generator), generator=generator)
    near = difference_error(state, TRAIN, VALID, 1e-4)
    assert near.relative < 1e-5
    assert near.cosine == pytest.approx(1.0)


def test_the_generator_goes_on_alike_whether_the_second_order_is_exact_or_a_difference() -> None:
    states = []
    for epsilon in (None, 0.01):
        generator = torch.Generator().manual_seed(0)
        state = tiny_search(NoisyNetwork(generator), generator=generator)
        unrolled(Point.drawn(state), state, TRAIN, VALID, epsilon)
        states.append(state.generator.get_state())
    assert torch.equal(*states)
