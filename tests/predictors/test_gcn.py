import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from predictornas.predictors.base import DifferentiablePredictor
from predictornas.predictors.gcn import GCN
from predictornas.predictors.optimisers import GradientDescent
from predictornas.spaces.base import Graphs

VARIANTS = [
    {},
    {"normalisation": "symmetric"},
    {"bidirectional": True},
    {"readout": "paper", "layers": 2},
    {"readout": "output", "bidirectional": True, "layers": 1},
]


def small(**options):
    return GCN(**{"width": 16, "training_epochs": 20, **options})


def fitted(space, values_seed=0, **options):
    values = np.random.default_rng(values_seed).random(40)
    return small(**options).fit(space, space.enumerate()[:40], values, rng=np.random.default_rng(1))


def permuted(graphs, rng):
    """The same graphs with the vertices of each in another order, padding included."""
    order = np.argsort(rng.random(graphs.operations.shape), axis=1)
    rows = np.arange(len(graphs))[:, None]
    adjacency = graphs.adjacency[rows[:, :, None], order[:, :, None], order[:, None, :]]
    return Graphs(adjacency, graphs.operations[rows, order], graphs.num_codes)


@pytest.mark.slow
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_both_engines_give_the_same_predictor_from_the_same_seed(options, graph_space):
    genes = graph_space.enumerate()[100:250]
    indexed, dense = fitted(graph_space, **options), fitted(graph_space, engine="dense", **options)
    np.testing.assert_allclose(indexed.predict(genes), dense.predict(genes), atol=1e-5)
    assert np.ptp(dense.predict(genes)) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["indexed", "dense"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_order_of_vertices_does_not_matter(engine, bidirectional, graph_space, rng):
    predictor = fitted(graph_space, engine=engine, bidirectional=bidirectional)
    genes = graph_space.enumerate()[:80]
    before = predictor.predict(genes)
    graph_space.all = permuted(graph_space.all, rng)
    np.testing.assert_allclose(predictor.predict(genes), before, atol=1e-6)


def test_scores_worked_out_by_hand(graph_space):
    # one layer of width 1: score = mean over vertices of relu(sum of w[label] over itself and successors / sqrt(count))
    predictor = fitted(graph_space, layers=1, width=1)
    network = predictor.network_
    weights = [2.0, -1.0, 0.5, 1.0, -3.0]
    network.convolutions[0].data.copy_(torch.tensor(weights)[:, None])
    network.output.data.fill_(10.0)
    network.bias.data.fill_(0.25)
    # input (3) -> operation 0 -> output (4), and input -> output
    adjacency = np.array([[[0, 1, 1], [0, 0, 1], [0, 0, 0]]], np.uint8)
    graph_space.all = Graphs(adjacency, np.array([[3, 0, 4]], np.int8), 5)
    vertices = [max(0, (1 + 2 - 3) / np.sqrt(3)), max(0, (2 - 3) / np.sqrt(2)), max(0, -3)]
    expected = 10 * sum(vertices) / 3 + 0.25
    genes = graph_space.enumerate()[:1]
    assert predictor.predict(genes)[0] == pytest.approx(expected, abs=1e-6)
    network.convolutions[0].data[0] = 5.0
    expected = 10 * (3 / np.sqrt(3) + 2 / np.sqrt(2)) / 3 + 0.25
    assert predictor.predict(genes)[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_learns_the_order_of_a_teacher_of_its_own_kind(graph_space):
    genes = graph_space.enumerate()
    teacher = GCN(width=32, training_epochs=0)
    values = teacher.fit(graph_space, genes[:1], np.zeros(1), rng=np.random.default_rng(5)).predict(genes)
    student = GCN(width=32, training_epochs=300)
    student.fit(graph_space, genes[:150], values[:150].astype(np.float64), rng=np.random.default_rng(0))
    assert spearmanr(student.predict(genes)[150:], values[150:]).statistic > 0.9


def test_only_the_order_of_values_is_used(graph_space):
    genes = graph_space.enumerate()
    values = np.random.default_rng(0).random(30)
    scores = [
        small().fit(graph_space, genes[:30], v, rng=np.random.default_rng(1)).predict(genes)
        for v in (values, values**3)
    ]
    np.testing.assert_array_equal(*scores)


def test_the_generator_is_the_only_randomness(graph_space):
    genes = graph_space.enumerate()
    torch.manual_seed(0)
    first = fitted(graph_space).predict(genes)
    torch.manual_seed(1)
    np.testing.assert_array_equal(fitted(graph_space).predict(genes), first)


@pytest.mark.slow
def test_relaxed_scores_are_those_of_the_same_discrete_graphs(graph_space):
    for options in VARIANTS:
        predictor = fitted(graph_space, **options)
        graphs = graph_space.all
        adjacency = torch.from_numpy(graphs.adjacency.astype(np.float32)).requires_grad_()
        one_hot = (graphs.operations[:, :, None] == np.arange(5)).astype(np.float32)
        operations = torch.from_numpy(one_hot).requires_grad_()
        scores = predictor.network_(predictor.relaxed_batch(adjacency, operations))
        np.testing.assert_allclose(scores.detach(), predictor.predict(graph_space.enumerate()), atol=1e-5)
        scores.sum().backward()
        assert operations.grad.abs().sum() > 0
        assert adjacency.grad.isfinite().all()
        assert predictor.network_.bias.grad is None


def test_is_a_differentiable_predictor_and_stores_its_options():
    predictor = GCN(width=64, optimiser=GradientDescent(0.1))
    assert isinstance(predictor, DifferentiablePredictor)
    assert predictor == GCN(width=64, optimiser=GradientDescent(0.1))
    assert GCN().optimiser == GradientDescent(learning_rate=0.01, momentum=0.9)
    assert (GCN().layers, GCN().width, GCN().training_epochs) == (3, 256, 2000)
