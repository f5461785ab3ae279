from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import (
    HingeRanking,
    Loss,
    MeanSquaredError,
    PairLoss,
    PairwiseCrossEntropy,
    WeightedMeanSquaredError,
)
from predictornas.predictors.optimisers import Adam
from predictornas.spaces.registry import get_space

VALUES = torch.tensor([0.91, 0.94, 0.94, 0.88], dtype=torch.float64)

NEW_LOSSES = [HingeRanking(0.4), MeanSquaredError(), WeightedMeanSquaredError((0.5, 1.0, 2.0, 0.25))]


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


def test_squared_error_by_hand():
    # values become 1/2, 1 and 0; sigmoid(0) = 1/2 and sigmoid(ln 3) = 3/4: errors 0, -1/4 and 3/4
    scores = torch.tensor([0.0, np.log(3), np.log(3)], dtype=torch.float64)
    values = torch.tensor([0.92, 0.94, 0.90], dtype=torch.float64)
    assert MeanSquaredError()(scores, values).item() == pytest.approx((1 / 16 + 9 / 16) / 3)
    slopes = [0, 2 / 3 * -1 / 4 * 3 / 16, 2 / 3 * 3 / 4 * 3 / 16]
    assert MeanSquaredError().gradient_for(values)(scores).tolist() == pytest.approx(slopes, abs=1e-12)
    weighted = WeightedMeanSquaredError((7.0, 2.0, 0.5))
    assert weighted(scores, values).item() == pytest.approx((2 / 16 + 0.5 * 9 / 16) / 3)
    assert weighted.gradient_for(values)(scores).tolist() == pytest.approx(
        [0, 2 * slopes[1], 0.5 * slopes[2]], abs=1e-12
    )


def test_equal_values_are_half_way():
    same = torch.full((3,), 0.93, dtype=torch.float64)
    assert MeanSquaredError()(torch.zeros(3), same).item() == 0
    assert MeanSquaredError().gradient_for(same)(torch.zeros(3)).tolist() == [0, 0, 0]


def test_weights_must_be_as_many_as_the_values():
    loss = WeightedMeanSquaredError((1.0, 2.0))
    with pytest.raises(ConfigurationError, match="2 weights for 4 values"):
        loss(torch.zeros(4), VALUES)
    with pytest.raises(ConfigurationError, match="2 weights for 4 values"):
        loss.gradient_for(VALUES)


def test_hinge_by_hand():
    # ordered pairs of 3 > 2 > 1 lead by -0.5, 0.2 and 0.7; with margin 0.4 they cost 0.9, 0.2 and nothing
    scores = torch.tensor([1.0, 1.5, 0.8], dtype=torch.float64)
    values = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    assert HingeRanking(0.4)(scores, values).item() == pytest.approx(1.1 / 3)
    assert HingeRanking(0.4).gradient_for(values)(scores).tolist() == pytest.approx([-2 / 3, 1 / 3, 1 / 3])
    # 0.94 is there twice: five ordered pairs, all short of the margin by all of it
    assert HingeRanking(0.4)(torch.zeros(4), VALUES).item() == pytest.approx(0.4)
    assert HingeRanking(0.4).gradient_for(VALUES)(torch.zeros(4)).tolist() == pytest.approx([0.2, -0.4, -0.4, 0.6])


@pytest.mark.parametrize("loss", NEW_LOSSES, ids=lambda loss: type(loss).__name__)
def test_closed_gradients_are_those_of_autograd_for_members_together_and_alone(loss):
    generator = torch.Generator().manual_seed(3)
    values = torch.randint(0, 3, (5, 4), generator=generator).to(torch.float64)
    scores = torch.randn(5, 4, generator=generator, dtype=torch.float64).requires_grad_()
    together = loss(scores, values)
    together.backward()
    assert torch.autograd.gradcheck(lambda s: loss(s, values), scores)
    np.testing.assert_allclose(loss.gradient_for(values)(scores.detach()), scores.grad, atol=1e-12)
    assert together.item() == pytest.approx(sum(loss(s, v).item() for s, v in zip(scores, values, strict=True)))
    for member in range(5):
        alone = loss.gradient_for(values[member])(scores[member].detach())
        np.testing.assert_allclose(alone, scores.grad[member], atol=1e-12)
    assert loss.gradient_for(values)(scores.detach().float()).dtype == torch.float32


@pytest.mark.parametrize("loss", [HingeRanking(), MeanSquaredError(), WeightedMeanSquaredError(())])
def test_without_architectures_there_is_no_loss(loss):
    nothing = torch.zeros(0, dtype=torch.float64)
    assert loss(nothing, nothing).item() == 0
    assert loss.gradient_for(nothing)(nothing).shape == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("predictor", [GCN(width=16, layers=2), Flow(width=16, layers=2)], ids=["gcn", "flow"])
@pytest.mark.parametrize(
    "loss",
    [HingeRanking(), MeanSquaredError(), WeightedMeanSquaredError((0.5, 1.5) * 3)],
    ids=lambda loss: type(loss).__name__,
)
def test_graph_predictors_order_a_small_set_with_every_loss(predictor, loss):
    space = get_space("nasbench201")
    genes = space.sample(6, np.random.default_rng(0))
    values = np.random.default_rng(1).permutation(6) / 6
    trained = replace(predictor, loss=loss, optimiser=Adam(0.03), training_epochs=200)
    scores = trained.fit(space, genes, values, rng=np.random.default_rng(0)).predict(genes)
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(values))


@pytest.mark.parametrize("loss", [PairwiseCrossEntropy(), HingeRanking(0.4)], ids=lambda loss: type(loss).__name__)
def test_ranking_losses_learn_the_same_from_pairs_as_from_values(loss):
    assert isinstance(loss, PairLoss)
    signs = (VALUES[:, None] - VALUES).sign().to(torch.int8)
    scores = torch.tensor([0.3, -1.0, 2.0, 0.1])
    np.testing.assert_allclose(
        loss.gradient_for_pairs(signs)(scores), loss.gradient_for(VALUES)(scores), rtol=1e-6, atol=1e-7
    )


def test_a_pair_weighs_as_much_as_its_sign_is_large():
    # the first beats the second with weight 3 and the third with 1; the second beats the third with 1
    signs = torch.tensor([[0, 3, 1], [-3, 0, 1], [-1, -1, 0]], dtype=torch.int8)
    # at equal scores every pair pulls by 1/2, and the weights sum to 5
    slopes = PairwiseCrossEntropy().gradient_for_pairs(signs)(torch.zeros(3))
    assert slopes.tolist() == pytest.approx([-2 / 5, 1 / 5, 1 / 5], abs=1e-7)
    # within the margin every pair pulls by 1
    slopes = HingeRanking().gradient_for_pairs(signs)(torch.zeros(3))
    assert slopes.tolist() == pytest.approx([-4 / 5, 2 / 5, 2 / 5], abs=1e-7)


@pytest.mark.parametrize("loss", [PairwiseCrossEntropy(), HingeRanking(0.4)], ids=lambda loss: type(loss).__name__)
def test_weights_that_are_all_the_same_are_none(loss):
    signs = (VALUES[:, None] - VALUES).sign().to(torch.int8)
    scores = torch.tensor([0.3, -1.0, 2.0, 0.1])
    assert torch.equal(loss.gradient_for_pairs(10 * signs)(scores), loss.gradient_for_pairs(signs)(scores))


def test_losses_that_need_values_cannot_be_told_pairs():
    assert not isinstance(MeanSquaredError(), PairLoss)
    assert not isinstance(WeightedMeanSquaredError((1.0,)), PairLoss)
