import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from predictornas.predictors.engine import graph_index as module
from predictornas.predictors.engine.graph_index import build_index, distinct_rows, sorted_columns
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.spaces.registry import get_space

PREDICTORS = [
    GCN(),
    GCN(normalisation="symmetric"),
    GCN(bidirectional=True),
    GCN(bidirectional=True, readout="output"),
    Flow(layers=4),
    Flow(layers=3, readout="output"),
]


def unfolded(messages, graph, vertex, depth):
    """A vertex's depth-g neighbourhood as nested tuples, worked out from the matrices alone."""
    if depth == 0:
        return messages.labels[graph, vertex]
    gathered = []
    for propagation in messages.propagations:
        row = propagation.codes[graph, vertex]
        members = [(row[j], unfolded(messages, graph, j, depth - 1)) for j in np.flatnonzero(row)]
        gathered.append(tuple(sorted(members, key=repr)))
    gate = None if messages.gates is None else messages.gates[graph, vertex]
    return gate, tuple(gathered)


@pytest.mark.slow
@pytest.mark.parametrize("predictor", PREDICTORS, ids=str)
def test_vertices_share_a_row_exactly_when_their_neighbourhoods_are_equal(predictor, make_graphs):
    messages = predictor.message_passing(make_graphs(60))
    index = build_index(messages, predictor.depth)
    read = np.argwhere(messages.shares > 0)
    row_of = {}
    for graph, vertex in read:
        neighbourhood = unfolded(messages, graph, vertex, predictor.depth)
        assert row_of.setdefault(neighbourhood, index.vertices[vertex, graph]) == index.vertices[vertex, graph]
    rows = sorted(row_of.values())
    assert rows == list(range(len(index.layers[-1].parts[0])))


@pytest.mark.parametrize("predictor", PREDICTORS, ids=str)
def test_rows_are_the_sums_they_stand_for(predictor, make_graphs):
    # features are random numbers, one a row; sparse sums must equal the dense matrix products, layer by layer
    rng = np.random.default_rng(1)
    messages = predictor.message_passing(make_graphs(40))
    index = build_index(messages, predictor.depth)
    label_features = rng.normal(size=messages.num_labels)
    features = np.where(messages.labels >= 0, label_features[messages.labels], 0)
    rows = label_features[index.labels]
    for layer in index.layers:
        received = [np.tanh(p.dense(slice(None)) @ features[:, :, None])[:, :, 0] for p in messages.propagations]
        features = sum(received)
        sums = [
            np.array([s.weights[a:b] @ rows[s.indices[a:b]] for a, b in zip(s.offsets, s.offsets[1:], strict=False)])
            for s in layer.sums
        ]
        rows = sum(np.tanh(s)[part] for s, part in zip(sums, layer.parts, strict=True))
        if layer.gates is not None:
            factor = np.arange(1, messages.num_gates + 1)
            features = features * np.where(messages.gates >= 0, factor[messages.gates], 0)
            rows = rows * np.repeat(factor, layer.gates)
    read = messages.shares > 0
    np.testing.assert_allclose(rows[index.vertices.T][read], features[read], rtol=1e-5, atol=1e-6)


def test_the_read_out_decides_what_is_indexed(make_graphs):
    graphs = make_graphs(50)
    mean = build_index(GCN(bidirectional=True).message_passing(graphs), 3)
    output = build_index(GCN(bidirectional=True, readout="output").message_passing(graphs), 3)
    assert len(output.layers[-1].parts[0]) <= 50 < len(mean.layers[-1].parts[0])


def test_depth_one_of_nasbench201_by_hand():
    # along the edges a vertex of a NAS-Bench-201 graph gathers itself and at most the output: one of four operations
    # or the input that feeds the output, or deeper ones; the output alone gathers only itself
    space = get_space("nasbench201")
    only_direct = np.array([[0, 0, 0, 3, 0, 0]], np.int8)
    index = build_index(GCN().message_passing(space.graphs(only_direct)), 2)
    assert [len(layer.parts[0]) for layer in index.layers] == [3, 3]
    assert sorted(np.diff(index.layers[0].sums[0].offsets)) == [1, 2, 2]
    np.testing.assert_allclose(np.unique(index.layers[0].sums[0].weights), [2**-0.5, 1], rtol=1e-6)


def test_no_graphs(make_graphs):
    index = build_index(GCN().message_passing(make_graphs(0)), 3)
    assert index.vertices.shape[1] == 0


tables = st.tuples(st.integers(1, 40), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 3))
)


@settings(max_examples=100)
@given(table=tables, wide=st.booleans())
def test_agrees_with_sorting_tuples(table, wide):
    # wide entries need several 64-bit words a row
    bound = 1 << 31 if wide else 4
    table = table * ((bound - 1) // 3)
    rows, examples = distinct_rows(list(table.T), bound)
    expected = sorted({tuple(row) for row in table.tolist()})
    assert [tuple(row) for row in table[examples].tolist()] == expected
    assert rows.tolist() == [expected.index(tuple(row)) for row in table.tolist()]


@given(table=tables)
def test_sorts_every_row(table):
    np.testing.assert_array_equal(np.stack(sorted_columns(list(table.T)), axis=1), np.sort(table, axis=1))


def test_stays_exact_when_all_hashes_collide(monkeypatch):
    monkeypatch.setattr(module, "_MULTIPLIERS", (np.uint64(0),))
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (200, 4))
    rows, examples = distinct_rows(list(table.T), 3)
    expected, inverse = np.unique(table, axis=0, return_inverse=True)
    np.testing.assert_array_equal(table[examples], expected)
    np.testing.assert_array_equal(rows, inverse.reshape(-1))


def test_no_rows():
    rows, examples = distinct_rows([np.empty(0, np.int64)], 4)
    assert len(rows) == len(examples) == 0
