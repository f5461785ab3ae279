from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.state import Batch, SearchState, random_like
from tests.supernet.examples import TRIANGLE, batch, parameters_of, tiny_search
from tests.supernet.search_examples import images, job
from tests.supernet.test_assembly import begun


def test_the_mixture_is_that_of_the_relaxation_with_the_decisions_in_it() -> None:
    decisions = Decisions().with_edge("cell", 1, 2).with_edge("cell", 2, PRUNED)
    state = tiny_search(decisions=decisions)
    weights = state.mixture().weights["cell"].detach()
    torch.testing.assert_close(weights[0], torch.softmax(state.parameters.alpha["cell"][0].detach(), 0))
    assert weights[1].tolist() == [0, 0, 1, 0]
    assert weights[2].tolist() == [0, 0, 0, 0]
    examples = batch(0)
    logits = state.network(examples.images, state.mixture())
    assert torch.equal(
        state.loss_of(examples, state.mixture()), torch.nn.functional.cross_entropy(logits, examples.labels)
    )


def test_decided_edges_keep_their_parameters_against_momentum_and_decay() -> None:
    parameters = parameters_of(TRIANGLE)
    adam = torch.optim.Adam(parameters.tensors(), lr=0.1, weight_decay=0.1)
    alpha = parameters.alpha["cell"]
    before = alpha.detach().clone()
    state = tiny_search(parameters=parameters, architecture_optimiser=adam)
    alpha.grad = torch.ones_like(alpha)
    state.move_parameters()
    assert bool((alpha != before).all())
    moved = alpha.detach().clone()
    state = tiny_search(
        parameters=parameters, architecture_optimiser=adam, decisions=Decisions().with_edge("cell", 1, 0)
    )
    alpha.grad = torch.zeros_like(alpha)
    state.move_parameters()
    assert torch.equal(alpha[1], moved[1])
    assert bool((alpha[[0, 2]] != moved[[0, 2]]).all())


def test_random_numbers_have_the_type_of_what_they_are_for_and_come_from_the_generator_alone() -> None:
    values = torch.zeros(50, 40, dtype=torch.float64)
    torch.manual_seed(0)
    first = random_like(values, torch.Generator().manual_seed(3))
    torch.manual_seed(1)
    assert torch.equal(first, random_like(values, torch.Generator().manual_seed(3)))
    assert first.dtype == torch.float64
    assert 0 <= float(first.min()) < 0.01
    assert 0.99 < float(first.max()) < 1


def slopes_of(state: SearchState, examples: Batch) -> list[Tensor]:
    """The gradients of the loss with respect to architecture parameters and weights."""
    tensors = [*state.parameters.tensors(), *state.network.parameters()]
    loss = state.loss_of(examples, state.mixture())
    assert loss.dtype == torch.float32
    return list(torch.autograd.grad(loss, tensors, materialize_grads=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "space"), [("darts-1", "darts-8"), ("pc-darts", "darts-s4"), ("darts-1", "nasbench201")]
)
def test_bfloat16_gives_logits_and_gradients_in_single_precision(name: str, space: str) -> None:
    exact = begun(job(name, space))
    coarse = replace(exact, precision=torch.bfloat16)
    part = images().train
    examples = Batch(part.pixels.float() / 255, part.labels)
    exact.network.train()
    slopes = slopes_of(coarse, examples)
    assert all(slope.dtype == torch.float32 and bool(slope.isfinite().all()) for slope in slopes)
    logits = coarse.logits_of(examples, coarse.mixture()).detach()
    assert logits.dtype == torch.float32
    if space != "darts-s4":  # where each pass has noise of its own
        expected = exact.logits_of(examples, exact.mixture()).detach()
        assert 1e-4 < float((logits - expected).norm() / expected.norm()) < 0.05
        count = len(exact.parameters.tensors())
        found, true = (
            torch.cat([slope.flatten() for slope in of[:count]]) for of in (slopes, slopes_of(exact, examples))
        )
        assert float(torch.cosine_similarity(found, true, dim=0)) > 0.9


@pytest.mark.slow
def test_an_exact_search_is_one_in_single_precision() -> None:
    searched = begun(job("darts-1", "darts-8"))
    part = images().train
    examples = Batch(part.pixels.float() / 255, part.labels)
    expected = slopes_of(searched, examples)
    coarse = replace(searched, precision=torch.bfloat16)
    with coarse.exact() as exact:
        found = slopes_of(exact, examples)
    assert all(map(torch.equal, found, expected))
    assert not all(map(torch.equal, slopes_of(coarse, examples), expected))
    assert exact.network is coarse.network
