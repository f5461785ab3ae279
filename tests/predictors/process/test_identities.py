from __future__ import annotations

import re

import networkx as nx
import numpy as np
import pytest

from predictornas.predictors.process.description import without_weights
from predictornas.predictors.process.identities import wired, without_identities
from predictornas.spaces.base import Graphs
from predictornas.spaces.nasbench201 import NASBench201, unique_text
from predictornas.spaces.registry import get_space

SPACE = NASBench201()


def rewired(graphs: Graphs, row: int, identity: int) -> nx.DiGraph:
    """By the book: a vertex reads what a path of identities leads to it from."""
    full = nx.DiGraph()
    for vertex, code in enumerate(graphs.operations[row].tolist()):
        if code >= 0:
            full.add_node(vertex, code=code)
    full.add_edges_from(zip(*map(np.ndarray.tolist, np.nonzero(graphs.adjacency[row])), strict=True))
    stays = [vertex for vertex in full if full.nodes[vertex]["code"] != identity]
    made = nx.DiGraph(full.subgraph(stays))
    for first in stays:
        for path in nx.all_simple_paths(full, first, [vertex for vertex in stays if vertex > first]):
            if all(full.nodes[vertex]["code"] == identity for vertex in path[1:-1]):
                made.add_edge(first, path[-1])
    return nx.convert_node_labels_to_integers(made, ordering="sorted")


def test_what_reads_an_identity_reads_what_that_reads() -> None:
    graphs = SPACE.graphs(SPACE.sample(60, np.random.default_rng(0)))
    ours = without_identities(graphs, SPACE.identity)
    assert (ours.operations != SPACE.identity).all()
    for row in range(len(graphs)):
        expected = rewired(graphs, row, SPACE.identity)
        count = len(expected)
        np.testing.assert_array_equal(ours.adjacency[row, :count, :count], nx.to_numpy_array(expected))
        assert not ours.adjacency[row, count:].any()
        assert not ours.adjacency[row, :, count:].any()
        codes = [expected.nodes[vertex]["code"] for vertex in range(count)]
        assert ours.operations[row].tolist() == codes + [-1] * (8 - count)


def says_nothing_twice(text: str) -> bool:
    """Whether no operation on the same input is in an official string twice: it does not say if both are one."""
    starts, parts = [], []
    for place, letter in enumerate(text):
        if letter == "(":
            starts.append(place)
        elif letter == ")":
            operation = re.match(r"\)@\w+", text[place:])
            assert operation is not None
            parts.append(text[starts.pop() : place] + operation.group())
    return len(parts) == len(set(parts))


def test_cells_that_the_official_code_calls_equal_look_the_same() -> None:
    texts = [unique_text(row) for row in SPACE.enumerate().tolist()]
    genes = SPACE.enumerate()[[says_nothing_twice(text) for text in texts]]
    structure, subtrees = without_weights(wired(SPACE, SPACE.graphs(genes)))
    looks = np.concatenate([structure, *np.sort(subtrees, axis=2).astype(np.float64)], axis=1)
    of_look = np.unique(looks, axis=0, return_inverse=True)[1].tolist()
    of_class = SPACE.graph_keys(genes).tolist()
    assert len(genes) > 5000
    assert len(set(zip(of_class, of_look, strict=True))) == len(set(of_class)) > len(set(of_look))
    plain = np.unique(without_weights(SPACE.graphs(genes))[0], axis=0, return_inverse=True)[1].tolist()
    assert len(set(zip(of_class, plain, strict=True))) > len(set(of_class))  # with skip connections they do not


def test_a_cell_of_skip_connections_alone_is_a_wire() -> None:
    graphs = wired(SPACE, SPACE.graphs(np.full((1, 6), 1, np.int8)))
    assert graphs.operations.tolist() == [[4, 5, -1, -1, -1, -1, -1, -1]]
    assert np.argwhere(graphs.adjacency[0]).tolist() == [[0, 1]]


@pytest.mark.parametrize("name", ["nasbench101", "nasbench-graph"])
def test_a_space_that_names_no_identity_keeps_its_graphs(name: str) -> None:
    space = get_space(name)
    graphs = space.graphs(space.sample(3, np.random.default_rng(0)))
    assert wired(space, graphs) is graphs


def test_a_part_of_a_space_has_its_identity() -> None:
    part = SPACE.restricted_to(SPACE.enumerated_keys()[:50])
    graphs = part.graphs(part.enumerate())
    np.testing.assert_array_equal(wired(part, graphs).operations, wired(SPACE, graphs).operations)
