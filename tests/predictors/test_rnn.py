from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors import rnn
from predictornas.predictors.base import DifferentiablePredictor, Predictor, WarmStartPredictor
from predictornas.predictors.losses import (
    HingeRanking,
    MeanSquaredError,
    PairwiseCrossEntropy,
    WeightedMeanSquaredError,
)
from predictornas.predictors.optimisers import Adam
from predictornas.predictors.rnn import RNN
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


def cells(n, seed=0):
    return SPACE.sample(n, np.random.default_rng(seed))


def convolutions(genes):
    """A quality that a cell shows: its number of convolutions, those of 3x3 counting twice."""
    return ((genes == 2) + 2 * (genes == 3)).sum(1) / 12


def fitted(n=40, *, seed=0, **options):
    genes = cells(n)
    predictor = RNN(**{"hidden": 8, "training_epochs": 20, **options})
    return predictor.fit(SPACE, genes, convolutions(genes), rng=np.random.default_rng(seed))


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss",
    [MeanSquaredError(), WeightedMeanSquaredError((0.5, 1.5) * 30), PairwiseCrossEntropy(), HingeRanking()],
    ids=lambda loss: type(loss).__name__,
)
def test_learns_a_visible_quality_and_carries_it_to_unseen_cells(loss):
    predictor = fitted(60, hidden=16, training_epochs=150, loss=loss, optimiser=Adam(0.03))
    unseen = cells(200, seed=1)
    assert kendalltau(predictor.predict(unseen), convolutions(unseen)).statistic > 0.6


@pytest.mark.slow
def test_estimates_are_the_normalised_values():
    genes = cells(60)
    values = 0.5 + 0.25 * convolutions(genes)
    predictor = RNN(hidden=16, training_epochs=300, optimiser=Adam(0.03))
    predictor.fit(SPACE, genes, values, rng=np.random.default_rng(0))
    estimates = predictor.estimate(genes)
    expected = (values - values.min()) / (values.max() - values.min())
    assert np.abs(estimates - expected).mean() < 0.03
    assert ((estimates > 0) & (estimates < 1)).all()
    np.testing.assert_array_equal(np.argsort(estimates), np.argsort(predictor.predict(genes)))


def test_nasbench101_is_read_too():
    space = get_space("nasbench101")
    genes = space.sample(10, np.random.default_rng(0))
    predictor = RNN(hidden=4, training_epochs=2)
    predictor.fit(space, genes, np.arange(10.0), rng=np.random.default_rng(0))
    assert np.isfinite(predictor.predict(genes)).all()
    assert predictor.network_.recurrence.input_size == 4


def test_the_generator_is_the_only_randomness():
    genes = cells(50, seed=2)
    torch.manual_seed(0)
    first = fitted().predict(genes)
    torch.manual_seed(1)
    np.testing.assert_array_equal(fitted().predict(genes), first)
    assert not np.array_equal(fitted(seed=1).predict(genes), first)


def test_scores_do_not_depend_on_the_blocks(monkeypatch):
    predictor, genes = fitted(), cells(60, seed=2)
    together = predictor.predict(genes)
    monkeypatch.setattr(rnn, "_BLOCK", 7)
    np.testing.assert_allclose(predictor.predict(genes), together, atol=1e-6)
    assert predictor.predict(genes[:0]).shape == (0,)
    assert together.dtype == np.float32


def test_relaxed_scores_of_one_hot_genes_are_the_predictions_and_have_the_slopes_of_finite_differences():
    predictor, genes = fitted(), cells(5, seed=2)
    sequences = torch.from_numpy(SPACE.sequences(genes)).requires_grad_()
    scores = predictor.relaxed(sequences)
    np.testing.assert_allclose(scores.detach(), predictor.predict(genes), atol=1e-6)
    scores.sum().backward()
    with torch.no_grad():
        for place in [(0, 0, 0), (2, 3, 1), (4, 5, 4)]:
            step = torch.zeros_like(sequences)
            step[place] = 0.01
            difference = predictor.relaxed(sequences + step).double() - predictor.relaxed(sequences - step).double()
            assert sequences.grad[place].item() == pytest.approx(difference[place[0]].item() / 0.02, rel=0.02, abs=2e-5)
    assert all(parameter.grad is None for parameter in predictor.network_.parameters())


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], []])
def test_without_an_order_to_learn_the_network_stays_untrained(values):
    genes = cells(40)
    scores = RNN(hidden=8).fit(SPACE, genes[: len(values)], np.array(values), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(scores.predict(genes), fitted(training_epochs=0).predict(genes))


def test_a_warm_start_begins_with_the_weights_of_the_other_and_leaves_it_alone():
    genes, cold = cells(30, seed=2), fitted()
    before = cold.predict(genes)
    unchanged = replace(cold, training_epochs=0).starting_from(cold)
    unchanged.fit(SPACE, genes, np.arange(30.0), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(unchanged.predict(genes), before)
    trained = cold.starting_from(cold).fit(SPACE, genes, np.arange(30.0), rng=np.random.default_rng(1))
    assert not np.array_equal(trained.predict(genes), before)
    np.testing.assert_array_equal(cold.predict(genes), before)
    with pytest.raises(ConfigurationError, match="A RNN can only start from a fitted one"):
        RNN().starting_from(RNN())


def test_what_cannot_be_fitted_is_refused():
    genes, rng = cells(2), np.random.default_rng(0)
    with pytest.raises(DataError, match="Value 0 of 2"):
        RNN().fit(SPACE, genes, np.array([np.inf, 0.5]), rng=rng)
    with pytest.raises(ConfigurationError, match="cannot compute on 'nowhere' here"):
        RNN(device="nowhere").fit(SPACE, genes, np.arange(2.0), rng=rng)
    with pytest.raises(ConfigurationError, match="3 weights for 2 values"):
        RNN(loss=WeightedMeanSquaredError((1.0, 1.0, 1.0))).fit(SPACE, genes, np.arange(2.0), rng=rng)


def test_is_a_predictor_of_every_kind_and_stores_its_options():
    predictor = RNN(hidden=32, optimiser=Adam(0.1, schedule="constant"))
    for kind in (Predictor, WarmStartPredictor, DifferentiablePredictor):
        assert isinstance(predictor, kind)
    assert predictor == RNN(hidden=32, optimiser=Adam(0.1, schedule="constant")) != RNN()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_the_same_predictor():
    genes = cells(50, seed=2)
    scores = [fitted(device=device).predict(genes) for device in ("cpu", "cuda")]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-3)
