import numpy as np
import pytest
import torch

from predictornas.predictors.engine.dense import dense_batch, relaxed_propagation, relaxed_real, relaxed_shares
from predictornas.predictors.engine.message_passing import propagation, readout_shares
from predictornas.predictors.flow import Flow


def test_labels_and_gates_are_one_hot_and_zero_on_padding(make_graphs):
    graphs = make_graphs(20)
    batch = dense_batch(Flow().message_passing(graphs), slice(5, 9))
    operations = graphs.operations[5:9]
    np.testing.assert_array_equal(batch.gates.argmax(2)[operations >= 0], operations[operations >= 0])
    np.testing.assert_array_equal(batch.gates.sum(2), operations >= 0)
    np.testing.assert_array_equal(batch.labels[:, 0], [[0, 1]] * 4)
    np.testing.assert_array_equal(batch.labels.sum(2), operations >= 0)


@pytest.mark.parametrize("normalisation", ["left", "symmetric", "none"])
@pytest.mark.parametrize("reverse", [False, True])
def test_relaxed_propagation_is_the_discrete_one_on_discrete_graphs(normalisation, reverse, make_graphs):
    graphs = make_graphs(30)
    adjacency = torch.from_numpy(graphs.adjacency.astype(np.float32))
    real = torch.from_numpy((graphs.operations >= 0).astype(np.float32))
    relaxed = relaxed_propagation(adjacency, real, normalisation=normalisation, reverse=reverse)
    discrete = propagation(graphs, normalisation=normalisation, reverse=reverse).dense(slice(None))
    np.testing.assert_allclose(relaxed, discrete, atol=1e-6)


def test_relaxed_propagation_differentiates_the_degree_too():
    # one edge of strength a: row 0 is (1, a) / sqrt(1 + a), and d/da of its first entry is -(1 + a)^(-3/2) / 2
    strength = torch.tensor(0.5, requires_grad=True)
    adjacency = torch.zeros(1, 2, 2).index_put((torch.tensor(0), torch.tensor(0), torch.tensor(1)), strength)
    matrix = relaxed_propagation(adjacency, torch.ones(1, 2), normalisation="left")
    (slope,) = torch.autograd.grad(matrix[0, 0, 0], strength)
    assert slope.item() == pytest.approx(-0.5 * 1.5**-1.5, rel=1e-6)


def test_mixtures_of_operations_are_real_vertices(make_graphs):
    operations = torch.tensor([[[0.2, 0.8], [0.0, 0.0], [1.0, 0.0]]])
    assert relaxed_real(operations).tolist() == [[1, 0, 1]]
    real = np.array([[True, False, True]])
    np.testing.assert_allclose(relaxed_shares(operations, "mean"), readout_shares(real, "mean"))
