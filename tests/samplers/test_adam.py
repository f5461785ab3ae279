from __future__ import annotations

import copy

import torch

from predictornas.samplers.adam import OngoingAdam


def test_the_steps_are_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    starts = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    ours, theirs = ([start.clone().requires_grad_() for start in starts] for _ in range(2))
    adam, reference = OngoingAdam(ours, 0.1), torch.optim.Adam(theirs, lr=0.1)

    def loss(parameters: list[torch.Tensor]) -> torch.Tensor:
        return (parameters[0] ** 4).sum() + (parameters[1].sin() * parameters[0].sum()).sum()

    for _ in range(30):
        adam.descend(loss(ours))
        reference.zero_grad()
        loss(theirs).backward()
        reference.step()
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)


def test_a_deep_copy_together_with_its_parameters_goes_on_alone() -> None:
    weights = torch.ones(3, requires_grad=True)
    adam = OngoingAdam([weights], 0.1)
    adam.descend((weights**2).sum())
    kept = weights.detach().clone()
    twin_weights, twin = copy.deepcopy((weights, adam))
    twin.descend((twin_weights**2).sum())
    assert torch.equal(weights, kept)
    adam.descend((weights**2).sum())
    assert torch.equal(weights, twin_weights)
