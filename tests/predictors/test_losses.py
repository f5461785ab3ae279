from dataclasses import dataclass

import numpy as np
import pytest
import torch

from predictornas.predictors.losses import Loss, PairwiseCrossEntropy

VALUES = torch.tensor([0.91, 0.94, 0.94, 0.88], dtype=torch.float64)


def test_pairwise_cross_entropy_counts_each_ordered_pair_once_and_no_tie():
    # 0.94 twice beats 0.91 and 0.88, and 0.91 beats 0.88: five pairs; equal scores cost ln 2 each
    assert PairwiseCrossEntropy()(torch.zeros(4), VALUES).item() == pytest.approx(np.log(2), rel=1e-6)
    # at equal scores every pair pulls by 1/2: winners minus losers, over ten
    gradient = PairwiseCrossEntropy().gradient_for(VALUES)(torch.zeros(4))
    assert gradient.tolist() == pytest.approx([0.5 / 5, -1 / 5, -1 / 5, 1.5 / 5], abs=1e-7)


def test_only_the_order_of_values_matters():
    scores = torch.tensor([0.3, -1.0, 2.0, 0.1])
    loss = PairwiseCrossEntropy()
    assert loss(scores, VALUES).item() == loss(scores, VALUES**5 * 100).item()


def test_a_loss_of_ones_own_is_differentiated_by_autograd():
    @dataclass(frozen=True)
    class SquaredError(Loss):
        def __call__(self, scores: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            return ((scores - values) ** 2).sum()

    gradient = SquaredError().gradient_for(torch.tensor([1.0, 2.0]))
    with torch.no_grad():
        assert gradient(torch.tensor([3.0, 2.5])).tolist() == [4.0, 1.0]


def test_equal_configurations_are_equal():
    assert PairwiseCrossEntropy() == PairwiseCrossEntropy()
    assert hash(PairwiseCrossEntropy()) == hash(PairwiseCrossEntropy())
