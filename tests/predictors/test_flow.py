import numpy as np
import pytest
import torch

from predictornas.predictors.flow import Flow
from predictornas.spaces.base import Graphs

VARIANTS = [{}, {"readout": "output"}, {"layers": 1}, {"layers": 5, "readout": "paper"}]


def fitted(space, **options):
    predictor = Flow(**{"layers": 3, "width": 12, "training_epochs": 20, **options})
    values = np.random.default_rng(0).random(40)
    return predictor.fit(space, space.enumerate()[:40], values, rng=np.random.default_rng(1))


@pytest.mark.slow
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_both_engines_give_the_same_predictor_from_the_same_seed(options, graph_space):
    genes = graph_space.enumerate()[100:250]
    indexed, dense = fitted(graph_space, **options), fitted(graph_space, engine="dense", **options)
    np.testing.assert_allclose(indexed.predict(genes), dense.predict(genes), atol=1e-5)
    assert np.ptp(dense.predict(genes)) > 1e-3


@pytest.mark.parametrize("engine", ["indexed", "dense"])
def test_two_layers_worked_out_by_hand(engine, graph_space):
    # width 1: input (3) -> operation 1 -> output (4); every gate's logit is the operation's embedding
    predictor = fitted(graph_space, layers=2, width=1, engine=engine, readout="output")
    network = predictor.network_
    embedding = np.array([0.0, 0.5, 0.0, 2.0, -1.0])
    gate = 1 / (1 + np.exp(-embedding))
    for parameter, value in [
        (network.start, [[0.3], [2.0]]),
        (network.operations, embedding[:, None]),
        (network.flows[0], [[1.0]]),
        (network.flows[1], [[-3.0]]),
        (network.gates[0], [[1.0]]),
        (network.gates[1], [[1.0]]),
        (network.gate_biases, [[0.0], [0.0]]),
        (network.hidden, [[-2.0]]),
        (network.hidden_bias, [0.25]),
        (network.output, [0.5]),
        (network.bias, 0.0),
    ]:
        parameter.data.copy_(torch.as_tensor(np.array(value)))
    adjacency = np.array([[[0, 1, 0], [0, 0, 1], [0, 0, 0]]], np.uint8)
    graph_space.all = Graphs(adjacency, np.array([[3, 1, 4]], np.int8), 5)
    middle = gate[1] * (2.0 + 0.3)
    last = gate[4] * (0.3 + 0.3)
    read_out = gate[4] * -3 * (middle + last)
    assert predictor.predict(graph_space.enumerate()[:1])[0] == pytest.approx(0.5 * (-2 * read_out + 0.25), rel=1e-5)


def test_the_order_of_vertices_does_not_matter(graph_space, rng):
    predictor = fitted(graph_space)
    before = predictor.predict(graph_space.enumerate()[:80])
    graphs = graph_space.all
    order = np.argsort(rng.random(graphs.operations.shape), axis=1)
    rows = np.arange(len(graphs))[:, None]
    graph_space.all = Graphs(
        graphs.adjacency[rows[:, :, None], order[:, :, None], order[:, None, :]], graphs.operations[rows, order], 5
    )
    np.testing.assert_allclose(predictor.predict(graph_space.enumerate()[:80]), before, atol=1e-6)


def test_relaxed_scores_are_those_of_the_same_discrete_graphs(graph_space):
    predictor = fitted(graph_space)
    graphs = graph_space.all
    adjacency = torch.from_numpy(graphs.adjacency.astype(np.float32)).requires_grad_()
    one_hot = (graphs.operations[:, :, None] == np.arange(5)).astype(np.float32)
    operations = torch.from_numpy(one_hot).requires_grad_()
    scores = predictor.network_(predictor.relaxed_batch(adjacency, operations))
    np.testing.assert_allclose(scores.detach(), predictor.predict(graph_space.enumerate()), atol=1e-5)
    scores.sum().backward()
    assert operations.grad.abs().sum() > 0
    assert adjacency.grad.abs().sum() > 0
