"""Checks of how a space shows architectures: as graphs, as sequences, as an affine map of one-hot genes, in words."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from predictornas.errors import ConfigurationError
from predictornas.spaces.base import Genes, GraphRelaxation, Graphs, SearchSpace, relaxation_of
from predictornas.testing.conformance import require, require_array, require_rows


def check_graphs(space: SearchSpace, genes: Genes) -> None:
    """Graphs are upper triangular, input first, output last, padding behind it.

    Raises:
        ConformanceError: a rule is broken.
    """
    graphs = space.graphs(genes)
    require(isinstance(graphs, Graphs), "graphs() returns Graphs", type(graphs).__name__, "see spaces.base.Graphs")
    adjacency, codes, width = graphs.adjacency, graphs.operations, graphs.num_codes
    n, vertices = codes.shape
    require_array(adjacency, np.uint8, (n, vertices, vertices), "adjacency")
    require_array(codes, np.int8, (len(genes), vertices), "operations")
    real = codes >= 0
    last = real.sum(axis=1) - 1
    middle = (np.arange(vertices) > 0) & (np.arange(vertices) < last[:, None])
    rules = {
        "edges are 0 or 1 and point forwards (adjacency is strictly upper triangular)": (
            (adjacency <= 1) & (np.triu(adjacency, 1) == adjacency)
        ).all(axis=(1, 2)),
        "the input, code K - 2, is vertex 0": codes[:, 0] == width - 2,
        "the output, code K - 1, is the last real vertex": codes[np.arange(n), last] == width - 1,
        "padding, -1, stands behind the output": (real == (np.arange(vertices) <= last[:, None])).all(axis=1),
        "operations have codes 0 .. K - 3": ((codes < width - 2) | ~middle).all(axis=1) & (codes >= -1).all(axis=1),
        "padding has no edges": ~(adjacency * ~(real[:, :, None] & real[:, None, :])).any(axis=(1, 2)),
    }
    for rule, good in rules.items():
        require_rows(good, space, genes, rule, "correct graphs(); see spaces.base.Graphs")
    alone = space.graphs(genes[-1:])
    same = np.array_equal(alone.adjacency, adjacency[-1:]) and np.array_equal(alone.operations, codes[-1:])
    rule = "a row's graph, its V and its K do not depend on the batch"
    require(same and alone.num_codes == width, rule, space.describe(genes[-1]), "pad to the space's largest graph")


def check_sequences(space: SearchSpace, genes: Genes) -> None:
    """Sequences are rows of one-hot places, different for different architectures.

    Raises:
        ConformanceError: a rule is broken.
    """
    sequences = space.sequences(genes)
    require(np.ndim(sequences) == 3, "sequences() is (n, steps, k)", np.shape(sequences), "add the missing axes")
    require_array(sequences, np.floating, (len(genes), *sequences.shape[1:]), "sequences()")
    one_hot = (np.isin(sequences, (0, 1)) & (sequences.sum(axis=2, keepdims=True) == 1)).all(axis=(1, 2))
    require_rows(one_hot, space, genes, "each step of a sequence is one-hot", "place a single 1 in each step")
    first = np.unique(sequences.reshape(len(genes), -1), axis=0, return_index=True)[1]
    distinct = np.isin(np.arange(len(genes)), first)
    rule = "different architectures have different sequences"
    require_rows(distinct, space, genes, rule, "put everything that keys() looks at into the sequence")
    alone = np.array_equal(space.sequences(genes[-1:]), sequences[-1:])
    require(alone, "a row's sequence does not depend on the batch", space.describe(genes[-1]), "encode row by row")


def relaxation_or_none(space: SearchSpace) -> GraphRelaxation | None:
    """The space's map from one-hot genes to graphs, None where it (or the space that it restricts) has none."""
    try:
        return relaxation_of(space)
    except ConfigurationError:
        return None


def check_relaxation(space: SearchSpace, genes: Genes) -> None:
    """The affine map from one-hot genes gives exactly `graphs`, once vertices off every path are removed.

    Raises:
        ConformanceError: a rule is broken.
    """
    relaxation = relaxation_or_none(space)
    if relaxation is None:
        return
    sequences, graphs = space.sequences(genes), space.graphs(genes)
    rule = "in a space with relaxation(), step i of a sequence is gene i, one-hot"
    in_place = sequences.shape[1] == space.num_genes and bool((sequences.argmax(axis=2) == genes).all())
    require(in_place, rule, f"{sequences.shape[1]} steps for {space.num_genes} genes", "return one_hot_genes(genes, k)")
    vertices = len(relaxation.fixed_edges)
    require_array(relaxation.edges, np.floating, (*sequences.shape[1:], vertices, vertices), "relaxation().edges")
    shape = (*sequences.shape[1:], vertices, graphs.num_codes)
    require_array(relaxation.vertices, np.floating, shape, "relaxation().vertices")
    edges = np.tensordot(sequences, relaxation.edges, 2) + relaxation.fixed_edges
    labels = np.tensordot(sequences, relaxation.vertices, 2) + relaxation.fixed_vertices
    live = _on_path(edges > 0.5, labels.sum(axis=2) > 0.5)
    order = np.argsort(~live, axis=1, kind="stable")
    rows = np.arange(len(genes))[:, None]
    edges = (edges * (live[:, :, None] & live[:, None, :]))[rows[:, :, None], order[:, :, None], order[:, None, :]]
    labels = (labels * live[:, :, None])[rows, order]
    expected = np.zeros((*graphs.operations.shape, graphs.num_codes))
    real = np.nonzero(graphs.operations >= 0)
    expected[(*real, graphs.operations[real])] = 1
    rule = "relaxation() of one-hot genes is the graph that graphs() gives"
    if edges.shape != graphs.adjacency.shape:
        require(False, rule, f"{edges.shape} beside {graphs.adjacency.shape}", "use one V in both")
    same = (edges == graphs.adjacency).all(axis=(1, 2)) & (labels == expected).all(axis=(1, 2))
    require_rows(same, space, genes, rule, "correct relaxation() or the order of vertices in graphs()")


def check_description(space: SearchSpace, genes: Genes) -> None:
    """Descriptions are text, different for different architectures.

    Raises:
        ConformanceError: a rule is broken.
    """
    words = [space.describe(row) for row in genes]
    require(all(isinstance(word, str) for word in words), "describe() returns text", type(words[0]), "return str")
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        other = first.setdefault(word, row)
        rule = "describe() tells architectures apart"
        met = f"{word!r} for genes {genes[other].tolist()} and {genes[row].tolist()}"
        require(other == row, rule, met, "put everything that keys() looks at into the words")


def _on_path(edges: Bool[np.ndarray, "n v v"], present: Bool[np.ndarray, "n v"]) -> Bool[np.ndarray, "n v"]:
    """Which vertices lie on a path from the first to the last one, by powers of the adjacency; those two always do."""
    vertices = edges.shape[1]
    steps = (edges & present[:, :, None] & present[:, None, :]).astype(np.int64) + np.eye(vertices, dtype=np.int64)
    reach = steps
    for _ in range(max(vertices - 2, 0)):
        reach = np.minimum(reach @ steps, 1)
    live = (reach[:, 0] > 0) & (reach[:, :, -1] > 0)
    live[:, [0, -1]] = True
    return np.asarray(live)
