from __future__ import annotations

import torch

from predictornas.supernet.mixture import PRUNED, Decisions
from predictornas.supernet.state import random_like
from tests.supernet.examples import TRIANGLE, batch, parameters_of, tiny_search


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
