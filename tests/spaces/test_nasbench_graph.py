"""The space against trees of networkx, and against what the official files hold (in tests/benchmarks)."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import ReadableSpace
from predictornas.spaces.nasbench_graph import LINKS, OPERATIONS, SKIP
from predictornas.spaces.registry import get_space
from predictornas.testing import check_space

SPACE = get_space("nasbench-graph")
GCN, FC = OPERATIONS.index("gcn"), OPERATIONS.index("fc")


def tree(row: list[int]) -> nx.DiGraph:
    """The tree of operations as a row says it, skip connections included."""
    graph = nx.DiGraph()
    graph.add_node(0, operation=-1)
    for node, (source, operation) in enumerate(zip(LINKS[row[0]], row[1:], strict=True), start=1):
        graph.add_node(node, operation=operation)
        graph.add_edge(source, node)
    return graph


def without_skips(row: list[int]) -> nx.DiGraph:
    """What it computes: a skip connection is left out unless it hands on a result that other nodes read too."""
    graph = tree(row)
    for node in [node for node in graph if graph.nodes[node]["operation"] == SKIP and graph.out_degree(node)]:
        (source,) = graph.predecessors(node)
        graph.add_edges_from((source, reader) for reader in list(graph.successors(node)))
        graph.remove_node(node)
    for node in [node for node in graph if graph.nodes[node]["operation"] == SKIP]:
        (source,) = graph.predecessors(node)
        if source == 0 or graph.out_degree(source) == 1:
            graph.remove_node(node)
    return graph


def fingerprint(graph: nx.DiGraph, node: int = 0) -> tuple:
    """A tree without the order of its branches."""
    return graph.nodes[node]["operation"], tuple(sorted(fingerprint(graph, child) for child in graph.successors(node)))


def test_the_nine_lists_are_all_trees_of_four_nodes() -> None:
    shapes = {fingerprint(tree([link, 0, 0, 0, 0])) for link in range(len(LINKS))}
    every = set()
    for links in itertools.product(*(range(node) for node in range(1, 5))):
        graph = nx.DiGraph(zip(links, range(1, 5), strict=True))
        nx.set_node_attributes(graph, {node: -1 if node == 0 else 0 for node in graph}, "operation")
        every.add(fingerprint(graph))
    assert shapes == every
    assert len(shapes) == len(LINKS) == 9


@pytest.mark.slow
def test_rows_are_one_architecture_where_they_compute_the_same(rng: np.random.Generator) -> None:
    rows = rng.integers(SPACE.num_choices, size=(4000, 5)).astype(np.int8)
    rows[:2000, 1:][rng.random((2000, 4)) < 0.5] = SKIP
    computed = [fingerprint(without_skips(row)) for row in rows.tolist()]
    keys = SPACE.keys(rows).tolist()
    assert len(set(computed)) == len(set(keys)) == len(set(zip(computed, keys, strict=True)))
    nothing = [graph == (-1, ()) for graph in computed]
    assert any(nothing)
    assert SPACE.valid(SPACE.normalise(rows)).tolist() == [not empty for empty in nothing]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0,1,2,1|gcn,gin,fc,cheb", "0,1,1,2|gcn,gin,cheb,fc"),  # fc reads gin, in either order
        ("0,1,2,3|gcn,skip,fc,fc", "0,1,2,3|skip,gcn,fc,fc"),  # between two others: nothing
        ("0,0,0,0|fc,skip,gcn,gat", "0,1,1,1|skip,gat,gcn,fc"),  # the input itself beside other branches: left out
        ("0,1,1,1|gcn,skip,skip,fc", "0,1,1,1|gcn,fc,skip,skip"),  # hands on what fc reads: stays
        ("0,1,2,2|gcn,fc,skip,skip", "0,1,2,2|gcn,fc,skip,skip"),
        ("0,1,0,0|gcn,skip,fc,gin", "0,1,1,1|skip,gcn,gin,fc"),  # at the end of a branch: nothing
        ("0,0,2,1|fc,gcn,gat,gin", "0,0,1,2|gcn,fc,gat,gin"),  # two chains, the lower first
    ],
)
def test_normal_forms_by_hand(text: str, normal: str) -> None:
    assert isinstance(SPACE, ReadableSpace)
    row = SPACE.from_strings([text])
    assert SPACE.describe(SPACE.normalise(row)[0]) == normal
    assert SPACE.valid(SPACE.from_strings([normal])).all()


def test_graphs_lead_from_the_input_through_the_tree_to_the_output() -> None:
    graphs = SPACE.graphs(SPACE.from_strings(["0,0,1,3|gcn,fc,gat,gin"]))
    assert graphs.operations.tolist() == [[9, GCN, FC, 0, 2, 10]]
    assert np.argwhere(graphs.adjacency[0]).tolist() == [[0, 1], [0, 2], [1, 3], [2, 5], [3, 4], [4, 5]]


def test_hashes_are_the_five_digits_of_the_official_files() -> None:
    genes = SPACE.from_strings(["0,1,2,3|skip,skip,skip,gcn", "0,0,0,1|gat,gat,gat,gcn"])
    assert SPACE.official_hashes(genes).tolist() == [88881, 10001]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_it_keeps_every_rule_of_spaces(rng: np.random.Generator) -> None:
    assert len(SPACE) == 26_206
    assert SPACE.rows(SPACE.enumerate()[[5, 20_000]]).tolist() == [5, 20_000]  # type: ignore[attr-defined]
    check_space(SPACE, rng=rng, samples=300)


@pytest.mark.parametrize("text", ["0,1,2|gcn,fc,fc", "0,2,1,1|gcn,fc,fc,fc", "0,1,2,3|gcn,fc,fc,conv", ""])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"Entry 1, .* Expected what each of four nodes reads"):
        SPACE.from_strings(["0,1,2,3|gcn,fc,fc,fc", text])
