from __future__ import annotations

import numpy as np
import pytest

from predictornas.predictors.process.graph_features import random_flow_features
from predictornas.predictors.process.shared_flow import SharedFlow, shared_flow_features
from predictornas.spaces.base import Graphs
from predictornas.spaces.registry import get_space

CHAINS = Graphs(
    # input -> 0 -> output twice, and input -> 1 -> output, each with a place that is not used
    adjacency=np.array([[[0, 1, 0, 0], [0, 0, 1, 0], [0] * 4, [0] * 4]] * 3, np.uint8),
    operations=np.array([[2, 0, 3, -1], [2, 0, 3, -1], [2, 1, 3, -1]], np.int8),
    num_codes=4,
)


def test_what_is_distinct_counted_by_hand() -> None:
    along, against = (SharedFlow.of(CHAINS, against=against) for against in (False, True))
    for way in (along, against):
        # the last layer sees all of a chain that flows towards a vertex: one start, two middles, two ends
        assert [len(layer.labels) for layer in way.layers] == [5, 5, 5]
        np.testing.assert_array_equal(way.vertices[:, 0], way.vertices[:, 1])
        assert (way.vertices[:, 0] != way.vertices[:, 2]).sum() == 2
        assert (way.vertices[3] == -1).all()
    assert along.vertices[0, 0] == along.vertices[0, 2]  # nothing flows to the input
    assert against.vertices[2, 0] == against.vertices[2, 2]
    assert along.ends.tolist() == [2, 2, 2]
    assert against.ends.tolist() == [0, 0, 0]
    assert sorted(np.diff(along.layers[0].offsets).tolist()) == [1, 2, 2, 2, 2]


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_features_are_those_of_every_graph_by_itself(name: str) -> None:
    space = get_space(name)
    graphs = space.graphs(space.sample(500, np.random.default_rng(0)))
    ways = [SharedFlow.of(graphs, against=against) for against in (False, True)]
    restored = [SharedFlow.from_arrays(way.arrays()) for way in ways]
    found = shared_flow_features(restored, graphs.num_codes, width=5, seed=3)
    expected = random_flow_features(graphs, width=5, seed=3)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
    assert len(ways[0].layers[2].labels) < 0.8 * (graphs.operations >= 0).sum()
