from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from predictornas.predictors.process.graph_features import random_flow_features, structure_features
from predictornas.spaces.base import Graphs
from predictornas.spaces.registry import get_space

DIAMOND = Graphs(
    # input -> conv3x3 -> output, input -> pool -> conv3x3 -> output, input -> output; conv3x3 is code 0, pool code 2
    adjacency=np.array([[[0, 1, 1, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0] * 5]], np.uint8),
    operations=np.array([[3, 0, 2, 0, 4]], np.int8),
    num_codes=5,
)


def test_a_cell_counted_by_hand() -> None:
    expected = [5, 6, 3, 3, 1]  # vertices, edges, into the output, out of the input, joined
    expected += [2, 0, 1]  # conv3x3, conv1x1, pool
    expected += [2, 0, 0]  # before the output
    expected += [1, 0, 1]  # behind the input
    expected += [0, 0, 0, 0, 0, 0, 1, 0, 0]  # pool -> conv3x3
    expected += [np.log1p(3)]
    expected += [1, 0, 1, 2]  # on the fullest path: conv3x3, conv1x1, pool, any
    expected += [0, 0, 0, 0]  # on the emptiest: the plain edge
    expected += [2 / 3, 0, 1 / 3, 1]  # mean over the three paths
    np.testing.assert_allclose(structure_features(DIAMOND)[0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_path_counts_are_those_of_walking_along_every_path(name: str) -> None:
    space = get_space(name)
    graphs = space.graphs(space.sample(80, np.random.default_rng(0)))
    kinds = graphs.num_codes - 2
    found = structure_features(graphs)[:, -(3 * (kinds + 1) + 1) :]
    for row in range(len(graphs)):
        labels = graphs.operations[row]
        output = int((labels == graphs.num_codes - 1).argmax())
        graph = nx.from_numpy_array(graphs.adjacency[row], create_using=nx.DiGraph)
        paths = [[int(labels[v]) for v in path[1:-1]] for path in nx.all_simple_paths(graph, 0, output)]
        counts = np.array([[path.count(kind) for kind in range(kinds)] + [len(path)] for path in paths])
        counts = counts if len(paths) else np.zeros((1, kinds + 1))
        expected = [np.log1p(len(paths)), *counts.max(axis=0), *counts.min(axis=0), *counts.mean(axis=0)]
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)


def relabelled(graphs: Graphs, row: int) -> list[Graphs]:
    """One cell with its inner vertices in every topological order, as far as seven vertices allow."""
    labels, adjacency = graphs.operations[row], graphs.adjacency[row]
    last = int((labels >= 0).sum()) - 1
    found = []
    for inner in itertools.permutations(range(1, last)):
        order = [0, *inner, *range(last, len(labels))]
        moved = adjacency[np.ix_(order, order)]
        if not np.tril(moved).any():
            found.append(Graphs(moved[None], labels[order][None], graphs.num_codes))
    return found


def test_no_feature_depends_on_the_order_of_the_vertices() -> None:
    space = get_space("nasbench101")
    graphs = space.graphs(space.sample(12, np.random.default_rng(1)))
    seen = 0
    for row in range(12):
        same = relabelled(graphs, row)
        seen += len(same)
        for features in (structure_features, lambda g: random_flow_features(g, width=4)):
            first, *others = (features(graph) for graph in same)
            for other in others:
                np.testing.assert_allclose(other, first, rtol=1e-4, atol=1e-5)
    assert seen > 24


def test_padding_does_not_count() -> None:
    padded = Graphs(
        np.pad(DIAMOND.adjacency, ((0, 0), (0, 2), (0, 2))),
        np.pad(DIAMOND.operations, ((0, 0), (0, 2)), constant_values=-1),
        5,
    )
    np.testing.assert_array_equal(structure_features(padded), structure_features(DIAMOND))
    np.testing.assert_allclose(
        random_flow_features(padded, width=6), random_flow_features(DIAMOND, width=6), rtol=1e-5, atol=1e-6
    )


def test_flow_features_tell_cells_apart_that_differ_in_one_operation() -> None:
    other = Graphs(DIAMOND.adjacency, DIAMOND.operations.copy(), 5)
    other.operations[0, 3] = 1
    first, second = random_flow_features(DIAMOND, width=8), random_flow_features(other, width=8)
    assert first.shape == (1, 32)
    assert np.abs(first - second).max() > 0.1
    assert not np.array_equal(first, random_flow_features(DIAMOND, width=8, seed=1))


def test_no_cells_no_rows() -> None:
    none = Graphs(DIAMOND.adjacency[:0], DIAMOND.operations[:0], 5)
    assert structure_features(none).shape == (0, 9 + 18 + 9)
    assert random_flow_features(none, width=2).shape == (0, 8)
