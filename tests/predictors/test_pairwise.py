import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.predictors import pairwise
from predictornas.predictors.pairwise import LabelledPairs, OrderedPairs


def reference(scores: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """All ordered pairs one by one, through autograd."""
    terms = [
        torch.nn.functional.softplus(-(scores[i] - scores[j]))
        for i in range(len(values))
        for j in range(len(values))
        if values[i] > values[j]
    ]
    return torch.stack(terms).mean() if terms else scores.sum() * 0


def test_two_architectures_by_hand():
    scores = torch.tensor([0.5, 2.0], requires_grad=True)
    loss = OrderedPairs(torch.tensor([0.9, 0.8], dtype=torch.float64)).loss(scores)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1 + math.exp(1.5)), rel=1e-6)
    slope = 1 / (1 + math.exp(-1.5))
    assert scores.grad.tolist() == pytest.approx([-slope, slope], rel=1e-6)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    values=st.lists(st.integers(0, 6), min_size=1, max_size=24),
    block=st.sampled_from([1, 7, 64, 1 << 17]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_values_with_ties_in_any_blocks_agree_with_the_square(values, block, seed):
    scores = torch.randn(len(values), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ordered = torch.tensor(values, dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairwise, "BLOCK_ELEMENTS", block)
        pairs = OrderedPairs(ordered)
    leaf, expected_leaf = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    loss, expected = pairs.loss(leaf), reference(expected_leaf, ordered)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-9)
    np.testing.assert_allclose(leaf.grad, expected_leaf.grad, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(pairs.gradient(scores), expected_leaf.grad, rtol=1e-6, atol=1e-9)


def test_members_are_independent():
    generator = torch.Generator().manual_seed(3)
    values = torch.randint(0, 5, (3, 40), generator=generator).to(torch.float64)
    scores = torch.randn(3, 40, generator=generator)
    together = OrderedPairs(values)
    alone = [OrderedPairs(row) for row in values]
    np.testing.assert_allclose(
        together.gradient(scores), torch.stack([p.gradient(s) for p, s in zip(alone, scores, strict=True)]), atol=1e-7
    )
    assert together.loss(scores).item() == pytest.approx(
        sum(p.loss(s).item() for p, s in zip(alone, scores, strict=True)), rel=1e-6
    )


def test_values_that_differ_only_in_double_precision_are_ordered():
    values = torch.tensor([0.9, 0.9 + 1e-12], dtype=torch.float64)
    gradient = OrderedPairs(values).gradient(torch.zeros(2))
    assert gradient.tolist() == [0.5, -0.5]


def test_far_apart_scores_stay_finite_and_exact():
    pairs = OrderedPairs(torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert pairs.loss(torch.tensor([500.0, -500.0])).item() == 1000.0
    assert pairs.gradient(torch.tensor([500.0, -500.0])).tolist() == [1.0, -1.0]


@pytest.mark.parametrize("values", [[], [0.7], [0.7, 0.7, 0.7]])
def test_no_ordered_pair_gives_no_loss_and_no_gradient(values):
    pairs = OrderedPairs(torch.tensor(values, dtype=torch.float64))
    scores = torch.arange(float(len(values)))
    assert pairs.loss(scores).item() == 0
    assert pairs.gradient(scores).tolist() == [0] * len(values)


def test_work_is_half_of_the_square():
    size = 2000
    pairs = OrderedPairs(torch.arange(size, dtype=torch.float64))
    work = sum((block.stop - block.start) * (size - block.worse) for block in pairs._blocks)
    assert work < 0.6 * size**2


@pytest.mark.slow
@settings(max_examples=60)
@given(
    size=st.integers(1, 20),
    block=st.sampled_from([1, 7, 64, 1 << 17]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_labels_in_any_blocks_agree_with_autograd(size, block, seed):
    generator = torch.Generator().manual_seed(seed)
    upper = torch.randint(-1, 2, (size, size), generator=generator).triu(1)  # cycles and all: no values give these
    signs = (upper - upper.T).to(torch.int8)
    scores = torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()
    terms = [
        torch.nn.functional.softplus(scores[j] - scores[i])
        for i in range(size)
        for j in range(size)
        if signs[i, j] == 1
    ]
    if terms:
        torch.stack(terms).mean().backward()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairwise, "BLOCK_ELEMENTS", block)
        pairs = LabelledPairs(signs)
    expected = scores.grad if terms else torch.zeros(size)
    np.testing.assert_allclose(pairs.gradient(scores.detach()), expected, rtol=1e-9, atol=1e-12)


def test_labels_that_values_give_are_worth_the_values():
    values = torch.tensor([0.9, 0.3, 0.9, 0.5, 0.1], dtype=torch.float64)
    signs = (values[:, None] - values).sign().to(torch.int8)
    scores = torch.tensor([0.5, 2.0, -1.0, 0.0, 0.3])
    gradient = LabelledPairs(signs).gradient(scores)
    np.testing.assert_allclose(gradient, OrderedPairs(values).gradient(scores), atol=1e-7)
    assert gradient.dtype == torch.float32


def test_without_labels_nothing_moves():
    for size in (0, 3):
        assert (
            LabelledPairs(torch.zeros(size, size, dtype=torch.int8)).gradient(torch.ones(size)).tolist() == [0] * size
        )
