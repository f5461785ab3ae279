import numpy as np
import torch

from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
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
