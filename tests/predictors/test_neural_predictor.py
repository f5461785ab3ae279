import subprocess
import sys

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.base import Predictor
from predictornas.predictors.fitting import squared_error_slopes
from predictornas.predictors.neural_predictor import (
    NeuralPredictor,
    _cross_entropy_slopes,
    _standardised,
)
from predictornas.predictors.optimisers import Adam
from predictornas.spaces.registry import get_space
from predictornas.testing import check_predictor

ADAM = Adam(0.02)
QUICK = {
    "width": 12,
    "hidden": 8,
    "passes": 20,
    "batch_size": 24,
    "regressor_optimiser": ADAM,
    "classifier_optimiser": ADAM,
}


def edges_of(space):
    """A value that graphs show: how many edges a vertex has, and far less where an operation 0 made training fail."""
    density = space.all.adjacency.sum((1, 2)) / (space.all.operations >= 0).sum(1)
    return np.where((space.all.operations == 0).any(1), 0.1, 0.8) + 0.1 * density / density.max()


def fitted(space, rows=slice(0, 120), **options):
    predictor = NeuralPredictor(**{**QUICK, **options})
    return predictor.fit(space, space.enumerate()[rows], edges_of(space)[rows], rng=np.random.default_rng(0))


@pytest.mark.slow
def test_the_classifier_parts_good_from_bad_and_the_regressor_ranks_the_good(graph_space):
    values, genes = edges_of(graph_space)[120:], graph_space.enumerate()[120:]
    predictor = fitted(graph_space, threshold=0.5)
    scores = predictor.predict(genes)
    accepted = scores >= 1
    assert (accepted == (values > 0.5)).mean() > 0.9
    assert scores[~accepted].max() < 0.5
    good = accepted & (values > 0.5)
    assert np.corrcoef(scores[good], values[good])[0, 1] > 0.7


@pytest.mark.slow
def test_rejected_architectures_are_ranked_by_the_classifier(graph_space):
    genes = graph_space.enumerate()
    predictor = fitted(graph_space, threshold=0.5)
    scores, chances = predictor.predict(genes), predictor.classifier_.predict(genes)
    rejected = scores < 1
    np.testing.assert_array_equal(rejected, chances < 0)
    np.testing.assert_array_equal(np.argsort(scores[rejected]), np.argsort(chances[rejected]))


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ({}, [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),  # the 40 % quantile of 0 .. 9 is 3.6
        ({"quantile": 0.75}, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]),
        ({"quantile": 0.0}, [1] * 10),
        ({"threshold": 7.0}, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
        ({"threshold": 9.0}, [1] * 10),  # nothing exceeds it
        ({"threshold": -1.0}, [1] * 10),
    ],
    ids=str,
)
def test_what_the_regressor_learns_from(options, good):
    np.testing.assert_array_equal(NeuralPredictor(**options)._good(np.arange(10.0)), np.array(good, bool))


@pytest.mark.slow
def test_without_a_part_below_the_threshold_there_is_one_stage(graph_space):
    predictor = fitted(graph_space, quantile=0.0)
    assert predictor.classifier_ is None
    values, scores = edges_of(graph_space)[120:], predictor.predict(graph_space.enumerate()[120:])
    assert np.corrcoef(scores, values)[0, 1] > 0.7


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5, 0.5]])
def test_without_an_order_to_learn_the_regressor_stays_untrained(values, graph_space):
    genes = graph_space.enumerate()
    scores = [
        NeuralPredictor(**{**QUICK, "passes": passes})
        .fit(graph_space, genes[: len(values)], np.array(values), rng=np.random.default_rng(0))
        .predict(genes)
        for passes in (0, 20)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert len(np.unique(scores[0])) > 50


def test_both_engines_give_the_same_predictor_and_a_seed_the_same_again(graph_space):
    genes = graph_space.enumerate()
    first = fitted(graph_space, slice(0, 30), passes=5).predict(genes)
    np.testing.assert_array_equal(fitted(graph_space, slice(0, 30), passes=5).predict(genes), first)
    np.testing.assert_allclose(
        fitted(graph_space, slice(0, 30), passes=5, engine="dense").predict(genes), first, atol=1e-5
    )


def test_the_number_of_updates_is_that_of_the_passes(graph_space, monkeypatch):
    counted = []

    class Counting(Adam):
        def steps(self, weights, slopes, epochs):
            counted.append(epochs)
            return super().steps(weights, slopes, epochs)

    adam = Counting(0.01)
    # 25 architectures: 2 batches of 10 a pass for the classifier; 15 of them exceed the 40 % quantile: 1 a pass
    options = {**QUICK, "passes": 7, "batch_size": 10, "regressor_optimiser": adam, "classifier_optimiser": adam}
    predictor = NeuralPredictor(**options)
    predictor.fit(graph_space, graph_space.enumerate()[:25], np.arange(25.0), rng=np.random.default_rng(0))
    assert counted == [14, 7]


@pytest.mark.parametrize(
    ("slopes", "loss"),
    [
        (squared_error_slopes, torch.nn.MSELoss(reduction="sum")),
        (_cross_entropy_slopes, torch.nn.BCEWithLogitsLoss(reduction="sum")),
    ],
    ids=["squared error", "cross-entropy"],
)
def test_slopes_are_those_of_torch(slopes, loss):
    scores = torch.randn(9, generator=torch.Generator().manual_seed(0)).requires_grad_()
    targets = torch.tensor([0.0, 1, 1, 0, 1, 0, 0, 1, 1])
    (expected,) = torch.autograd.grad(loss(scores, targets), scores)
    np.testing.assert_allclose(slopes(scores.detach(), targets), expected, atol=1e-6)


def test_values_are_standardised():
    # mean 3, deviation sqrt((4 + 0 + 4) / 3)
    np.testing.assert_allclose(_standardised(np.array([1.0, 3.0, 5.0])), np.array([-1, 0, 1]) * 2 / np.sqrt(8 / 3))
    np.testing.assert_array_equal(_standardised(np.full(3, 0.7)), np.zeros(3))


def test_it_is_a_predictor_that_stores_and_checks(graph_space):
    assert isinstance(NeuralPredictor(), Predictor)
    genes = graph_space.enumerate()[:2]
    with pytest.raises(DataError, match="Value 1 of 2"):
        NeuralPredictor().fit(graph_space, genes, np.array([0.5, np.nan]), rng=np.random.default_rng(0))
    for options in ({"quantile": 1.0}, {"dropout": 1.0}, {"batch_size": 0}):
        with pytest.raises(ConfigurationError, match="NeuralPredictor needs"):
            NeuralPredictor(**options).fit(graph_space, genes, np.array([0.5, 0.6]), rng=np.random.default_rng(0))


@pytest.mark.slow
def test_importing_it_does_not_import_torch():
    code = "import sys, predictornas.predictors.neural_predictor\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_it_keeps_the_rules_of_predictors(rng):
    space = get_space("nasbench201")
    genes = space.sample(40, rng)
    values = (genes == 3).mean(axis=1)
    options = {**QUICK, "passes": 20, "batch_size": 8, "layers": 2}
    check_predictor(lambda: NeuralPredictor(**options), space, genes=genes, values=values, rng=rng)
