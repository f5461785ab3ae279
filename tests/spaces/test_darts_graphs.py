from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from predictornas.spaces.darts_graphs import codes_of, graphs_of, layout
from predictornas.spaces.genotypes import NAMED_GENOTYPES, Genotype
from predictornas.spaces.registry import get_space

NAMES = ("skip_connect", "sep_conv_3x3", "none")


def by_hand(genotype: Genotype, *, with_nodes: bool) -> nx.DiGraph:
    """The graph of both cells, drawn edge by edge from what the genotype says, without what lies on no path."""
    graph = nx.DiGraph()
    graph.add_node("in", label="input")
    for cell, edges in (("n", genotype.normal), ("r", genotype.reduce)):
        outputs: list[list[str]] = []
        for c in ("c2", "c1"):
            graph.add_node(cell + c, label=c)
            graph.add_edge("in", cell + c)
            outputs.append([cell + c])
        for node in range(4):
            operations = []
            for place in (2 * node, 2 * node + 1):
                name, source = edges[place]
                if name != "none":
                    graph.add_node(f"{cell}{place}", label=cell + name)
                    graph.add_edges_from((output, f"{cell}{place}") for output in outputs[source])
                    operations.append(f"{cell}{place}")
            if with_nodes:
                graph.add_node(f"{cell}node{node}", label="node")
                graph.add_edges_from((operation, f"{cell}node{node}") for operation in operations)
                operations = [f"{cell}node{node}"]
            outputs.append(operations)
            graph.add_edges_from((operation, "out") for operation in operations)
    graph.add_node("out", label="output")
    on_path = (nx.descendants(graph, "in") | {"in"}) & (nx.ancestors(graph, "out") | {"out"}) | {"in", "out"}
    return graph.subgraph(on_path)


@pytest.mark.slow
@pytest.mark.parametrize("with_nodes", [False, True])
@pytest.mark.parametrize("name", ["darts", "darts-s3"])
def test_graphs_are_those_drawn_edge_by_edge(name: str, with_nodes: bool, rng: np.random.Generator) -> None:
    space = get_space(name)
    genes = space.sample(15, rng)
    graphs = graphs_of(genes, space.operations, with_nodes=with_nodes)
    codes = codes_of(space.operations, with_nodes=with_nodes)
    labels = {codes.input: "input", codes.input + 1: "output", codes.sources[0]: "c2", codes.sources[1]: "c1"}
    if with_nodes:
        labels[codes.node] = "node"
    for cell, numbers in zip("nr", codes.operations.tolist(), strict=True):
        labels |= {
            code: cell + operation for code, operation in zip(numbers, space.operations, strict=True) if code >= 0
        }
    assert graphs.num_codes == len(labels)
    for row, adjacency, operations in zip(genes, graphs.adjacency, graphs.operations, strict=True):
        found = nx.DiGraph()
        found.add_nodes_from((v, {"label": labels[code]}) for v, code in enumerate(operations.tolist()) if code >= 0)
        found.add_edges_from(np.argwhere(adjacency).tolist())
        expected = by_hand(space.genotype(row), with_nodes=with_nodes)
        assert nx.is_isomorphic(found, expected, node_match=lambda a, b: a["label"] == b["label"])


def test_sizes_and_the_order_of_codes() -> None:
    assert layout(with_nodes=False).fixed.shape == (22, 22)
    assert layout(with_nodes=True).fixed.shape == (30, 30)
    plain, full = (codes_of(NAMES, with_nodes=with_nodes) for with_nodes in (False, True))
    assert plain.operations.tolist() == [[0, 1, -1], [2, 3, -1]]
    assert (plain.sources, plain.input, plain.count) == ((4, 5), 6, 8)
    assert (full.node, full.input, full.count) == (6, 7, 9)


def test_the_graph_of_a_known_cell() -> None:
    """DARTS-V2: node 3 of the normal cell reads c_{k-2} and node 0, so the first two operations lead to its second."""
    space = get_space("darts")
    graph = space.graphs(space.genes_of(NAMED_GENOTYPES["DARTS-V2"])[None])
    assert graph.operations[0].tolist() == [
        16, 14, 15, *[3, 3, 3, 3, 2, 3, 2, 5], 14, 15, *[7, 7, 7, 9, 7, 9, 7, 9], 17
    ]  # fmt: skip
    assert np.flatnonzero(graph.adjacency[0, :, 10]).tolist() == [3, 4]
    assert np.flatnonzero(graph.adjacency[0, :, 9]).tolist() == [1]
    assert np.flatnonzero(graph.adjacency[0, :, 21]).tolist() == [*range(3, 11), *range(13, 21)]


def test_cells_of_nothing_are_an_input_and_an_output() -> None:
    genes = np.tile(np.array([0, 2, 1, 2], np.int8), 8)[None]
    graphs = graphs_of(genes, NAMES, with_nodes=False)
    assert graphs.operations[0].tolist() == [6, 7] + [-1] * 20
    assert not graphs.adjacency.any()
