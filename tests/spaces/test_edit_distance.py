from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from predictornas.errors import InvalidArchitectureError
from predictornas.spaces.base import Genes
from predictornas.spaces.edit_distance import EditDistances
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201

SPACE = NASBench101()


def chain(*operations: int) -> Genes:
    """Input, the operations one after the other, output."""
    size = len(operations) + 2
    adjacency = np.eye(size, k=1, dtype=np.uint8)[None]
    return SPACE.from_matrices(adjacency, np.array([[3, *operations, 4]], np.int8))


def as_graph(genes: Genes) -> nx.DiGraph:
    graphs = SPACE.graphs(genes)
    graph = nx.from_numpy_array(graphs.adjacency[0], create_using=nx.DiGraph)
    absent = np.flatnonzero(graphs.operations[0] < 0).tolist()
    nx.set_node_attributes(graph, dict(enumerate(graphs.operations[0].tolist())), "label")
    graph.remove_nodes_from(absent)
    return graph


def exchanged(one: dict[str, int], other: dict[str, int]) -> float:
    """An operation for another costs 1; the input and the output stay what they are."""
    if one["label"] == other["label"]:
        return 0.0
    return 1.0 if max(one["label"], other["label"]) < 3 else 1e6


@pytest.mark.parametrize(
    ("other", "edits"),
    [
        (chain(0, 1), 0),
        (chain(0, 2), 1),  # an operation
        (chain(1, 0), 2),  # both operations; to turn the three edges round would cost more
        (chain(0), 4),  # the vertex, its two edges, and one edge instead of them
    ],
)
def test_edits_between_chains_are_counted_by_hand(other: Genes, edits: int) -> None:
    assert EditDistances(SPACE, other).to(chain(0, 1)[0]).tolist() == [edits]


def test_another_numbering_of_the_vertices_is_no_edit() -> None:
    adjacency = np.zeros((2, 4, 4), np.uint8)
    adjacency[:, 0, 1:3] = adjacency[:, 1:3, 3] = 1  # two operations side by side
    genes = SPACE.from_matrices(adjacency, np.array([[3, 0, 2, 4], [3, 2, 0, 4]], np.int8))
    assert not (genes[0] == genes[1]).all()
    assert EditDistances(SPACE, genes).to(genes[0]).tolist() == [0, 0]


@pytest.mark.slow
def test_the_distance_is_the_edit_distance_of_networkx(rng: np.random.Generator) -> None:
    """Of labelled directed graphs, vertices and edges added, removed or exchanged at a cost of one each."""
    small = SPACE.enumerate()[:150]  # up to five vertices: its exact algorithm takes long
    genes = small[rng.choice(len(small), 8, replace=False)]
    found = np.stack([EditDistances(SPACE, genes).to(row) for row in genes])
    graphs = [as_graph(row[None]) for row in genes]
    wanted = [[nx.graph_edit_distance(one, other, node_subst_cost=exchanged) for other in graphs] for one in graphs]
    assert found.tolist() == wanted
    assert found.max() > 3


def test_choices_that_differ_are_counted_where_choices_are_independent() -> None:
    genes = np.array([[0, 1, 2, 3, 4, 0], [0, 0, 0, 0, 0, 0]], np.int8)
    assert EditDistances(NASBench201(), genes).to(genes[1]).tolist() == [4, 0]
    assert len(EditDistances(NASBench201(), genes)) == 2


def test_what_is_no_architecture_is_refused() -> None:
    with pytest.raises(InvalidArchitectureError, match=r"outside 0\.\.4"):
        EditDistances(NASBench201(), np.zeros((1, 6), np.int8)).to(np.full(6, 5, np.int8))
