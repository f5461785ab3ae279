from __future__ import annotations

import pytest
import torch

from predictornas.live.joining import join_channels


def parts(layout: torch.memory_format) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(2, channels, 3, 5, generator=generator, dtype=torch.float64) for channels in (2, 1, 4)]
    return [part.contiguous(memory_format=layout).requires_grad_() for part in made]


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_values_and_gradients_are_those_of_cat(layout: torch.memory_format) -> None:
    ours, theirs = parts(layout), parts(layout)
    slopes = torch.randn(2, 7, 3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    join_channels(ours).backward(slopes)
    torch.cat(theirs, dim=1).backward(slopes)
    for own, other in zip(ours, theirs, strict=True):
        assert own.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(own.grad, other.grad, rtol=0, atol=0)


def test_derivatives_of_any_order() -> None:
    given = parts(torch.channels_last)
    assert torch.autograd.gradcheck(lambda *p: join_channels(p), given)
    assert torch.autograd.gradgradcheck(lambda *p: join_channels(p) ** 2, given)


def test_gradients_lie_with_the_channels_last() -> None:
    given = [part.detach() * 1 for part in parts(torch.channels_last)]
    leaves = [part.requires_grad_() for part in given]
    slopes = torch.autograd.grad(join_channels(leaves).square().sum(), leaves)
    assert all(part.is_contiguous(memory_format=torch.channels_last) for part in slopes)
