from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from predictornas.predictors.path_encoding import num_paths, path_encoding, shortest_paths
from predictornas.spaces.base import Graphs
from predictornas.spaces.registry import get_space


def enumerated_paths(graphs: Graphs, row: int, longest: int) -> list[bool]:
    """The same by walking along every path with networkx."""
    count = graphs.num_codes - 2
    graph = nx.from_numpy_array(graphs.adjacency[row], create_using=nx.DiGraph)
    output = int((graphs.operations[row] == count + 1).argmax())
    present = {
        tuple(int(graphs.operations[row, vertex]) for vertex in path[1:-1])
        for path in nx.all_simple_paths(graph, 0, output)
    }
    every = itertools.chain(*(itertools.product(range(count), repeat=length) for length in range(longest + 1)))
    return [path in present for path in every]


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("longest", [0, 2, 3, 5])
def test_it_is_the_set_of_paths_that_walking_finds(name: str, longest: int) -> None:
    space = get_space(name)
    graphs = space.graphs(space.sample(60, np.random.default_rng(longest)))
    expected = [enumerated_paths(graphs, row, longest) for row in range(60)]
    np.testing.assert_array_equal(path_encoding(graphs, longest=longest), expected)


def test_random_graphs_with_several_labels_and_cut_off_vertices(make_graphs) -> None:
    graphs = make_graphs(100)
    expected = [enumerated_paths(graphs, row, 3) for row in range(100)]
    np.testing.assert_array_equal(path_encoding(graphs, longest=3), expected)


def test_the_paths_of_the_paper() -> None:
    assert num_paths(3, 5) == 364  # all of NAS-Bench-101
    assert num_paths(3, 3) == 40
    assert num_paths(4, 3) == 85  # all of NAS-Bench-201


def test_the_short_paths_are_the_most_probable_ones() -> None:
    space = get_space("nasbench101")
    share = path_encoding(space.graphs(space.sample(3000, np.random.default_rng(0))), longest=5).mean(axis=0)
    assert share[:40].min() > share[40:].max()


def test_the_shortest_path_by_hand() -> None:
    space = get_space("nasbench201")
    genes = np.array([[3, 0, 3, 0, 0, 3], [3, 0, 0, 1, 0, 0], [3, 3, 3, 0, 3, 3], [0] * 6], np.int8)
    # 0-1-2-3; 0-3; 0-1-3 and longer ones; no path among 8 vertices
    assert shortest_paths(space.graphs(genes)).tolist() == [3, 1, 2, 8]
