import numpy as np
import pytest
import torch

from predictornas.predictors.engine import index_tables as module
from predictornas.predictors.engine.graph_index import SparseRows, build_index
from predictornas.predictors.engine.index_tables import Gather, IndexTables
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN


def test_rows_are_the_mean_of_their_parts(make_graphs):
    index = build_index(GCN(bidirectional=True).message_passing(make_graphs(30)), 2)
    layer, table = index.layers[0], IndexTables.of(index).layers[0]
    forward, backward = (torch.randn(len(s.offsets) - 1, 3) for s in layer.sums)
    expected = (forward[layer.parts[0]] + backward[layer.parts[1]]) / 2
    np.testing.assert_allclose(table.rows([forward, backward]), expected, atol=1e-6)


def test_one_propagation_without_gates_needs_no_copy(make_graphs):
    index = build_index(GCN().message_passing(make_graphs(30)), 2)
    sums = torch.randn(len(index.layers[0].parts[0]), 3)
    assert IndexTables.of(index).layers[0].rows([sums]) is sums


def test_segments_hold_the_rows_of_each_gate(make_graphs):
    messages = Flow().message_passing(make_graphs(30))
    index = build_index(messages, 1)
    bounds = np.cumsum(IndexTables.of(index).layers[0].segments)
    real = messages.gates.T >= 0
    gate_of_row = np.searchsorted(bounds, index.vertices, side="right")
    np.testing.assert_array_equal(gate_of_row[real], messages.gates.T[real])


def test_read_out_weighs_vertices_by_their_share(make_graphs):
    messages = GCN().message_passing(make_graphs(20))
    index = build_index(messages, 1)
    scores = torch.randn(len(index.layers[0].parts[0]), dtype=torch.float32)
    expected = (scores.numpy()[index.vertices.T] * messages.shares).sum(1)
    np.testing.assert_allclose(IndexTables.of(index).read_out(scores), expected, atol=1e-6)


@pytest.fixture
def matrix():
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(11, 7)) * (rng.random((11, 7)) < 0.4)
    dense[3] = 0  # an empty row
    dense[:, 5] = 0  # a column that nobody gathers
    return dense.astype(np.float32)


def sparse(dense):
    rows, columns = np.nonzero(dense)
    offsets = np.searchsorted(rows, np.arange(len(dense) + 1))
    return SparseRows(columns.astype(np.int32), dense[rows, columns], offsets.astype(np.int32))


def test_gathers_forwards_and_backwards_like_a_matrix_product(matrix):
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(7, 4, generator=generator, requires_grad=True)
    seed = torch.randn(11, 4, generator=generator)
    sums = Gather(sparse(matrix), 7)(table)
    np.testing.assert_allclose(sums.detach(), matrix @ table.detach().numpy(), atol=1e-6)
    (gradient,) = torch.autograd.grad(sums, table, seed)
    np.testing.assert_allclose(gradient, matrix.T @ seed.numpy(), atol=1e-6)


@pytest.mark.parametrize("block", [1, 4, 11, 2048])
def test_rectified_dot_equals_its_parts_in_any_blocks(matrix, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", block)
    generator = torch.Generator().manual_seed(2)
    table = torch.randn(7, 4, generator=generator, requires_grad=True)
    vector = torch.randn(4, generator=generator, requires_grad=True)
    seed = torch.randn(11, generator=generator)
    gather = Gather(sparse(matrix), 7)
    expected = torch.relu(torch.from_numpy(matrix) @ table) @ vector
    with torch.inference_mode():
        np.testing.assert_allclose(gather.rectified_dot(table, vector), expected.detach(), atol=1e-6)
    actual = gather.rectified_dot(table, vector)
    np.testing.assert_allclose(actual.detach(), expected.detach(), atol=1e-6)
    for ours, theirs in zip(
        torch.autograd.grad(actual, (table, vector), seed),
        torch.autograd.grad(expected, (table, vector), seed),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
