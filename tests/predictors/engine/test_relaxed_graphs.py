"""Relaxed genes make the space's own graphs where they are one-hot, and gradients where something is alive."""

import networkx
import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.predictors.engine.relaxed_graphs import relaxed_graphs
from predictornas.predictors.flow import Flow
from predictornas.predictors.gcn import GCN
from predictornas.spaces.base import GraphRelaxation
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import get_space


@pytest.mark.parametrize("space", [NASBench101(), NASBench201()], ids=lambda space: space.name)
def test_one_hot_genes_make_exactly_the_graphs_of_the_space(space, rng):
    genes = space.sample(2000, rng)
    graphs = space.graphs(genes)
    adjacency, operations = relaxed_graphs(space.relaxation(), torch.from_numpy(space.sequences(genes)))
    np.testing.assert_array_equal(adjacency, graphs.adjacency)
    np.testing.assert_array_equal(operations, graphs.operations[:, :, None] == np.arange(graphs.num_codes))


def test_choices_that_are_not_in_normal_form_make_the_graph_of_their_normal_form(rng):
    space = NASBench101()
    raw = np.stack([rng.integers(choices, size=500) for choices in space.num_choices], axis=1).astype(np.int8)
    graphs = space.graphs(space.normalise(raw))
    one_hot = torch.from_numpy(space.sequences(raw))
    adjacency, operations = relaxed_graphs(space.relaxation(), one_hot)
    np.testing.assert_array_equal(adjacency, graphs.adjacency)
    np.testing.assert_array_equal(operations.sum(2), graphs.operations >= 0)


def graph_by_paths(relaxation: GraphRelaxation, mixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One relaxed graph, its vertices kept or not by paths that networkx finds."""
    adjacency, operations = relaxation.fixed_edges.astype(float), relaxation.fixed_vertices.astype(float)
    for gene, choice in np.ndindex(mixed.shape):
        adjacency = adjacency + mixed[gene, choice] * relaxation.edges[gene, choice]
        operations = operations + mixed[gene, choice] * relaxation.vertices[gene, choice]
    vertices, present = range(len(adjacency)), operations.sum(axis=1) >= 0.5
    graph = networkx.DiGraph()
    graph.add_nodes_from(vertices)
    graph.add_edges_from((a, b) for a, b in np.argwhere(adjacency >= 0.5).tolist() if present[a] and present[b])
    first, last = vertices[0], vertices[-1]
    kept = [v for v in vertices if v in (first, last) or {first, last} <= reach(graph, v)]
    expected = np.zeros_like(adjacency), np.zeros_like(operations)
    expected[0][: len(kept), : len(kept)] = adjacency[np.ix_(kept, kept)]
    expected[1][: len(kept)] = operations[kept]
    return expected


def reach(graph: networkx.DiGraph, vertex: int) -> set[int]:
    return networkx.ancestors(graph, vertex) | networkx.descendants(graph, vertex)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "darts"])
def test_mixtures_of_two_architectures_keep_what_lies_on_a_path(name, rng):
    space = get_space(name)
    one, other = (space.sequences(space.sample(25, rng)) for _ in range(2))
    share = rng.random((25, 1, 1))
    mixed = share * one + (1 - share) * other
    adjacency, operations = relaxed_graphs(space.relaxation(), torch.from_numpy(mixed))
    for row, found in zip(mixed, zip(adjacency.numpy(), operations.numpy(), strict=True), strict=True):
        for expected, ours in zip(graph_by_paths(space.relaxation(), row), found, strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-12)


def chain_of_three() -> GraphRelaxation:
    """Input, one vertex of either of two operations, output; gene 0 is the direct edge, gene 1 the operation."""
    edges, vertices = np.zeros((2, 2, 3, 3), np.float32), np.zeros((2, 2, 3, 4), np.float32)
    edges[0, 1, 0, 2] = 1
    vertices[1, 0, 1, 0] = vertices[1, 1, 1, 1] = 1
    fixed_edges, fixed_vertices = np.zeros((3, 3), np.float32), np.zeros((3, 4), np.float32)
    fixed_edges[0, 1] = fixed_edges[1, 2] = 1
    fixed_vertices[0, 2] = fixed_vertices[2, 3] = 1
    return GraphRelaxation(edges, vertices, fixed_edges, fixed_vertices)


def test_mixtures_are_mixed_linearly_and_carry_gradients():
    mixed = torch.tensor([[[0.25, 0.75], [0.4, 0.6]]], requires_grad=True)
    adjacency, operations = relaxed_graphs(chain_of_three(), mixed)
    np.testing.assert_allclose(adjacency.detach()[0], [[0, 1, 0.75], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_allclose(operations.detach()[0, 1], [0.4, 0.6, 0, 0])
    (2 * adjacency[0, 0, 2] + 3 * operations[0, 1, 1]).backward()
    assert mixed.grad.tolist() == [[[0, 2], [0, 3]]]


def test_a_vertex_below_the_threshold_is_removed_with_its_edges_and_the_output_moves_up():
    faint = torch.tensor([[[0.0, 1.0], [0.1, 0.2]]])
    adjacency, operations = relaxed_graphs(chain_of_three(), faint)
    assert adjacency[0].tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert operations[0].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("space", [NASBench101(), NASBench201()], ids=lambda space: space.name)
@pytest.mark.parametrize("predictor", [GCN(width=16, training_epochs=20), GCN(width=16, training_epochs=20,
                         readout="output", bidirectional=True), Flow(layers=3, width=16, training_epochs=5)],
                         ids=["gcn", "both-ways", "flow"])  # fmt: skip
def test_scores_of_one_hot_genes_are_the_predictions(space, predictor, rng):
    genes = space.sample(60, rng)
    fitted = predictor.fit(space, genes, rng.random(60), rng=rng)
    sequences = torch.from_numpy(space.sequences(genes)).requires_grad_()
    scores = fitted.relaxed(sequences)
    np.testing.assert_allclose(scores.detach(), fitted.predict(genes), atol=1e-5)
    scores.sum().backward()
    assert sequences.grad.isfinite().all()
    assert sequences.grad.abs().sum() > 0


def test_a_space_without_a_relaxation_says_what_to_do(graph_space, rng):
    fitted = GCN(width=8, training_epochs=1).fit(graph_space, graph_space.enumerate()[:4], rng.random(4), rng=rng)
    with pytest.raises(ConfigurationError, match="has no `relaxation"):
        fitted.relaxed(torch.zeros(1, 2, 2))
