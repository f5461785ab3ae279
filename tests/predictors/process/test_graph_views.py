from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from predictornas.predictors.process import graph_views
from predictornas.predictors.process.description import DEPTHS, without_weights
from predictornas.predictors.process.graph_features import random_flow_features, structure_features
from predictornas.predictors.process.graph_views import Part, Scaling, raw_views, signals_of
from predictornas.predictors.process.identities import without_identities
from predictornas.predictors.process.signal_propagation import signal_features
from predictornas.spaces.base import Graphs
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.sample(40, np.random.default_rng(0))


def surroundings(graphs: Graphs, row: int, vertex: int, steps: int) -> nx.DiGraph:
    """What lies up to some steps around a vertex, unrolled into a tree by walking along and against the edges."""
    tree = nx.DiGraph()

    def grow(at: int, left: int, path: tuple[object, ...]) -> None:
        tree.add_node(path, label=int(graphs.operations[row, at]))
        if left:
            sources, heads = graphs.adjacency[row, :, at], graphs.adjacency[row, at]
            for way, others in (("in", sources), ("out", heads)):
                for other in np.flatnonzero(others):
                    child = (*path, way, int(other))
                    grow(int(other), left - 1, child)
                    tree.add_edge(path, child, way=way)

    grow(vertex, steps, (vertex,))
    return tree


@pytest.mark.slow
def test_two_vertices_share_a_subtree_exactly_when_their_surroundings_are_isomorphic() -> None:
    graphs = SPACE.graphs(GENES[:4])
    views = raw_views(SPACE, GENES[:4], width=2)
    real = [(row, vertex) for row, vertex in np.ndindex(graphs.operations.shape) if graphs.operations[row, vertex] >= 0]
    equal_pairs = 0
    for first in real:
        for second in real:
            for depth, steps in enumerate(DEPTHS):
                isomorphic = nx.is_isomorphic(
                    surroundings(graphs, *first, steps),
                    surroundings(graphs, *second, steps),
                    node_match=lambda a, b: a == b,
                    edge_match=lambda a, b: a == b,
                )
                assert (views.subtrees[depth][first] == views.subtrees[depth][second]) == isomorphic
                equal_pairs += isomorphic
    assert equal_pairs > 2 * len(real)  # more than each vertex with itself


def test_subtrees_are_counted_that_two_training_graphs_hold() -> None:
    subtrees = np.array([[5, 5, 7, 0], [5, 9, 9, 7], [7, 8, 0, 0]], np.uint64)  # 0 is padding; 8 and 9 are in one graph
    vocabulary = graph_views._vocabulary(subtrees)
    assert vocabulary.tolist() == [5, 7]
    counts = graph_views._counts(graph_views._places(subtrees, vocabulary), 2)
    np.testing.assert_allclose(counts.toarray(), [[2**0.5, 1], [1, 1], [0, 1]])
    assert graph_views._spread(counts) == pytest.approx(2 * counts.toarray().std(axis=0).mean())
    assert graph_views._counts(graph_views._places(subtrees, vocabulary[:0]), 0).shape == (3, 0)


def test_scaled_views_of_the_training_graphs_are_standardised() -> None:
    views = raw_views(SPACE, GENES, width=3)
    structure, near, far, flow = Scaling(views)(views)
    for view in (structure, flow):
        np.testing.assert_allclose(view.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(view.std(axis=0), 1, atol=1e-9)
    assert near.shape[1] > 3
    assert far.shape[0] == 40


def test_graphs_that_are_all_alike_lose_their_features_but_not_their_rows() -> None:
    views = raw_views(SPACE, np.repeat(GENES[:1], 3, axis=0), width=2)
    scaled = Scaling(views)(views)
    assert [view.shape[0] for view in scaled] == [3] * 4
    assert scaled[0].shape[1] == 0
    assert all(np.isfinite(view.sum()) for view in scaled)


def test_the_whole_space_is_described_once() -> None:
    first = raw_views(SPACE, SPACE.enumerate(), width=2)
    assert raw_views(SPACE, SPACE.enumerate(), width=2) is first
    rows = np.array([3, 15_000])
    part = raw_views(SPACE, SPACE.enumerate()[rows], width=2)
    np.testing.assert_array_equal(part.structure, first.structure[rows])
    np.testing.assert_array_equal(part.subtrees, first.subtrees[:, rows])


def test_parts_are_the_views_in_single_precision() -> None:
    asked = raw_views(SPACE, SPACE.sample(300, np.random.default_rng(2)), width=3)
    scaling = Scaling(raw_views(SPACE, GENES, width=3))
    rng = np.random.default_rng(3)
    for view, part in zip(scaling(asked), scaling.in_parts(asked), strict=True):
        weights = rng.normal(size=view.shape[1])
        found = part.gathered(lambda block, weights=weights: block @ weights)  # type: ignore[misc]
        np.testing.assert_allclose(found, view @ weights, rtol=1e-4, atol=1e-4)


def test_two_of_one_subtree_are_not_one_of_another() -> None:
    words = np.arange(1, 201, dtype=np.uint64)
    twice, once = np.stack([words, words], axis=1), np.stack([words, np.zeros_like(words)], axis=1)
    part = Part.of_subtrees(np.concatenate([twice, once]), words, 1.0)
    weights = np.random.default_rng(0).normal(size=len(words))
    expected = np.concatenate([np.sqrt(2) * weights, weights])
    np.testing.assert_allclose(part.gathered(lambda block: block @ weights), expected)


def test_many_graphs_have_the_views_that_each_has_alone() -> None:
    space = get_space("nasbench101")
    genes = space.sample(graph_views._FEW + 1, np.random.default_rng(4))
    shared, rows = raw_views(space, genes, width=3, seed=5), np.arange(0, len(genes), 40)
    graphs = space.graphs(genes[rows])
    np.testing.assert_array_equal(shared.structure[rows], structure_features(graphs))
    np.testing.assert_array_equal(shared.subtrees[:, rows], raw_views(space, genes[rows], width=3).subtrees)
    flow = random_flow_features(graphs, width=3, seed=5)
    np.testing.assert_allclose(shared.flow[rows], flow, rtol=1e-5, atol=1e-5 * np.abs(flow).max())


def test_genes_that_were_written_to_are_described_anew() -> None:
    genes = GENES.copy()
    before = raw_views(SPACE, genes, width=2)
    assert raw_views(SPACE, genes, width=2) is before
    genes[0] = (genes[0] + 1) % 5
    assert not np.array_equal(raw_views(SPACE, genes, width=2).structure[0], before.structure[0])
    assert not np.array_equal(raw_views(SPACE, GENES, width=2, seed=1).flow, before.flow)


def test_signals_are_columns_more_and_nothing_else_is_made_twice() -> None:
    space = get_space("nasbench101")
    part = space.restricted_to(space.enumerated_keys()[:9000])
    genes = part.enumerate()
    plain, ours = (raw_views(part, genes, width=2, signals=signals) for signals in (False, True))
    assert ours.flow is plain.flow
    assert ours.subtrees is plain.subtrees
    np.testing.assert_array_equal(ours.structure[:, : plain.structure.shape[1]], plain.structure)
    added = signal_features(space.graphs(genes[::50]), space.convolution_areas)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(ours.structure[::50, plain.structure.shape[1] :], added)
    other = get_space("nasbench-graph")
    assert signals_of(other, other.enumerate()[:4]).shape == (4, 0)


def test_cells_without_their_identities_are_seen_beside_the_cells() -> None:
    plain, ours = (raw_views(SPACE, GENES, width=2, signals=signals) for signals in (False, True))
    structure, subtrees = without_weights(without_identities(SPACE.graphs(GENES), SPACE.identity))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(ours.structure, np.concatenate([plain.structure, structure], axis=1))
    np.testing.assert_array_equal(ours.subtrees, np.concatenate([plain.subtrees, subtrees]))
    assert ours.flow is plain.flow
    assert len(Scaling(ours)(ours)) == len(Scaling(plain)(plain)) + len(DEPTHS)


def test_a_whole_space_is_seen_as_its_parts_are() -> None:
    everything, rows = raw_views(SPACE, SPACE.enumerate(), width=2, signals=True), np.arange(0, len(SPACE), 500)
    part = raw_views(SPACE, SPACE.enumerate()[rows], width=2, signals=True)
    np.testing.assert_array_equal(everything.structure[rows], part.structure)
    np.testing.assert_array_equal(everything.subtrees[:, rows], part.subtrees)
