from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.nasbench101 import OPERATIONS, NASBench101
from predictornas.spaces.registry import get_space

ABSENT, INPUT, OUTPUT = 3, 3, 4  # the gene of an absent vertex; the codes of the graphs
PER_VERTICES = {2: 1, 3: 6, 4: 84, 5: 2441, 6: 62010, 7: 359082}
RAW_CELLS = st.lists(st.tuples(*[st.integers(0, 1)] * 21, *[st.integers(0, 3)] * 5), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return get_space("nasbench101")


@pytest.fixture(scope="module")
def proposals(space: SearchSpace) -> tuple[np.ndarray, np.ndarray]:
    """100,000 pairs of parents."""
    rng = np.random.default_rng(1)
    return space.sample(100_000, rng), space.sample(100_000, rng)


def vertices_of(genes: np.ndarray) -> np.ndarray:
    return (genes[:, 21:] != ABSENT).sum(axis=1) + 2


def as_networkx(genes: np.ndarray) -> nx.DiGraph:
    """The graph of one row, read off the definition of the genes."""
    graph = nx.DiGraph()
    graph.add_node(0, label=INPUT)
    graph.add_node(6, label=OUTPUT)
    graph.add_nodes_from((v, {"label": int(genes[20 + v])}) for v in range(1, 6) if genes[20 + v] != ABSENT)
    graph.add_edges_from((x, y) for y in range(7) for x in range(y) if genes[x + y * (y - 1) // 2])
    return graph


def real_vertices(genes: np.ndarray) -> list[int]:
    return [0, *(v for v in range(1, 6) if genes[20 + v] != ABSENT), 6]


def labelled_paths(genes: np.ndarray) -> list[list[int]]:
    """The labels along each path from input to output."""
    graph = as_networkx(genes).subgraph(real_vertices(genes))
    return sorted([graph.nodes[vertex]["label"] for vertex in path] for path in nx.all_simple_paths(graph, 0, 6))


def is_cell(genes: np.ndarray) -> bool:
    """Whether one row is a cell in normal form, by the words of its definition."""
    if (genes < 0).any() or (genes[:21] > 1).any() or (genes[21:] > 3).any():
        return False
    present = [gene != ABSENT for gene in genes[21:]]
    graph = as_networkx(genes)
    on_paths = {vertex for path in nx.all_simple_paths(graph, 0, 6) for vertex in path}
    packed = present == sorted(present, reverse=True) and set(graph.nodes) <= set(real_vertices(genes))
    return packed and len(graph.edges) <= 9 and set(graph.nodes) == on_paths


def test_the_space_knows_its_shape(space: SearchSpace) -> None:
    assert len(space) == 423_624
    assert space.num_genes == 26
    assert space.num_choices == (2,) * 21 + (4,) * 5
    assert repr(space) == "NASBench101()"


def test_what_is_enumerated_is_read_only_and_the_same_object(space: SearchSpace) -> None:
    for method in (space.enumerate, space.enumerated_keys):
        assert method() is method()
        assert not method().flags.writeable
        assert len(method()) == 423_624


@pytest.mark.slow
def test_all_cells_are_valid(space: SearchSpace) -> None:
    assert space.valid(space.enumerate()).all()


@pytest.mark.slow
def test_validity_is_that_of_the_definition(space: SearchSpace, rng: np.random.Generator) -> None:
    # cells with up to three genes redrawn, out of range ones among them, are near the border of validity
    genes = space.sample(3000, rng)
    for _ in range(3):
        rows, places = np.arange(3000), rng.integers(26, size=3000)
        genes[rows, places] = np.where(
            rng.random(3000) < 0.05, rng.integers(-2, 7, 3000), rng.integers(4, size=3000) % 2
        )
    genes[::7, 21:] = rng.permuted(genes[::7, 21:], axis=1)
    truth = [is_cell(row) for row in genes]
    assert 300 < sum(truth) < 2700
    assert space.valid(genes).tolist() == truth


@pytest.mark.parametrize("edges", [9, 10])
def test_nine_edges_are_allowed_and_ten_are_not(space: SearchSpace, edges: int) -> None:
    genes = np.zeros((1, 26), np.int8)
    genes[0, [0, 2, 5, 9, 14, 20]] = 1  # the chain of seven vertices
    genes[0, [1, 3, 6, 10][: edges - 6]] = 1  # 0 -> 2, 3, 4, 5
    assert len(as_networkx(genes[0]).edges) == edges
    assert space.valid(genes).tolist() == [edges == 9]


def test_isomorphic_cells_have_the_same_key(space: NASBench101, rng: np.random.Generator) -> None:
    genes = space.sample(300, rng)
    adjacency, operations = np.zeros((300, 7, 7), np.uint8), np.full((300, 7), -1, np.int8)
    for row, gene in enumerate(genes):
        graph, rank = as_networkx(gene), rng.permutation(7)
        order = list(nx.lexicographical_topological_sort(graph, key=lambda vertex, rank=rank: int(rank[vertex])))
        size = len(order)
        adjacency[row, :size, :size] = nx.to_numpy_array(graph, order, dtype=np.uint8)
        operations[row, :size] = [graph.nodes[vertex]["label"] for vertex in order]
    others = space.from_matrices(adjacency, operations)
    assert space.valid(others).all()
    assert (others != genes).any(axis=1).sum() > 50
    np.testing.assert_array_equal(space.keys(others), space.keys(genes))
    np.testing.assert_array_equal(space.graph_keys(others), space.keys(genes))


@pytest.mark.slow
def test_keys_of_random_pairs_are_equal_only_if_they_are_isomorphic(
    space: NASBench101, rng: np.random.Generator
) -> None:
    # cells of four vertices, so that there are isomorphic pairs among random ones; raw, so that they differ as rows
    raw = np.concatenate([rng.integers(2, size=(20_000, 21)), rng.integers(4, size=(20_000, 5))], axis=1).astype(
        np.int8
    )
    raw[:, 23:] = ABSENT
    cells = space.normalise(raw)
    cells = cells[space.valid(cells) & (vertices_of(cells) == 4)]
    a, b = cells[rng.integers(len(cells), size=(2, 3000))]
    same_label = nx.algorithms.isomorphism.categorical_node_match("label", None)
    truth = [nx.is_isomorphic(as_networkx(x), as_networkx(y), node_match=same_label) for x, y in zip(a, b, strict=True)]
    assert sum(truth) > 20
    assert ((a != b).any(axis=1) & truth).any()
    assert (space.keys(a) == space.keys(b)).tolist() == truth


def test_samples_are_distinct_valid_and_reproducible(space: SearchSpace) -> None:
    genes = space.sample(5000, np.random.default_rng(3))
    assert len(np.unique(space.keys(genes))) == 5000
    assert space.valid(genes).all()
    np.testing.assert_array_equal(genes, space.sample(5000, np.random.default_rng(3)))
    assert (genes != space.sample(5000, np.random.default_rng(4))).any()


def test_samples_can_be_written_to(space: SearchSpace, rng: np.random.Generator) -> None:
    genes = space.sample(2, rng)
    genes[:] = 0
    assert type(genes) is np.ndarray
    assert space.valid(space.enumerate()[:10]).all()


def test_samples_are_uniform_over_the_number_of_vertices(space: SearchSpace, rng: np.random.Generator) -> None:
    drawn = np.concatenate([vertices_of(space.sample(200, rng)) for _ in range(200)])
    groups = [int((drawn <= 5).sum()), int((drawn == 6).sum()), int((drawn == 7).sum())]
    shares = np.array([sum(PER_VERTICES[v] for v in (2, 3, 4, 5)), PER_VERTICES[6], PER_VERTICES[7]]) / 423_624
    assert stats.chisquare(groups, shares * len(drawn)).pvalue > 0.001


def test_samples_are_uniform_over_the_whole_enumeration(space: SearchSpace, rng: np.random.Generator) -> None:
    order = np.argsort(space.enumerated_keys())
    rows = order[np.searchsorted(space.enumerated_keys()[order], space.keys(space.sample(20_000, rng)))]
    assert stats.kstest((rows + 0.5) / 423_624, "uniform").pvalue > 0.001


def test_a_sample_larger_than_the_space_is_the_space(space: SearchSpace, rng: np.random.Generator) -> None:
    everything = space.sample(500_000, rng)
    assert len(everything) == 423_624
    assert int(everything.sum(dtype=np.int64)) == int(space.enumerate().sum(dtype=np.int64))


@pytest.mark.slow
@settings(max_examples=50)
@given(rows=RAW_CELLS)
def test_normal_form_is_stable_and_keeps_every_path(rows: list[tuple[int, ...]]) -> None:
    space, raw = NASBench101(), np.array(rows, np.int8)
    genes = space.normalise(raw)
    np.testing.assert_array_equal(space.normalise(genes), genes)
    valid = space.valid(genes)
    for before, after, good in zip(raw, genes, valid, strict=True):
        assert labelled_paths(after) == labelled_paths(before)
        assert good == (bool(labelled_paths(after)) and after[:21].sum() <= 9)


def test_cells_are_their_own_normal_form(space: NASBench101, rng: np.random.Generator) -> None:
    genes = space.sample(20_000, rng)
    np.testing.assert_array_equal(space.normalise(genes), genes)


def test_a_row_without_a_path_becomes_empty_and_is_not_valid(space: NASBench101) -> None:
    genes = np.array([[1] + [0] * 20 + [0, 1, 2, 0, 1]], np.int8)  # input -> vertex 1, which leads nowhere
    assert space.normalise(genes).tolist() == [[0] * 21 + [ABSENT] * 5]
    assert not space.valid(space.normalise(genes)).any()


def test_graphs_are_laid_out_as_promised(space: SearchSpace, rng: np.random.Generator) -> None:
    genes = np.concatenate([space.enumerate()[:3000], space.sample(17_000, rng)])
    graphs = space.graphs(genes)
    sizes, places = vertices_of(genes), np.arange(7)
    assert graphs.adjacency.shape == (20_000, 7, 7)
    assert (graphs.adjacency.dtype, graphs.operations.dtype, graphs.num_codes) == (np.uint8, np.int8, 5)
    assert not np.tril(graphs.adjacency).any()
    assert (graphs.operations[:, 0] == INPUT).all()
    assert (graphs.operations[np.arange(20_000), sizes - 1] == OUTPUT).all()
    padding = places >= sizes[:, None]
    assert (graphs.operations[padding] == -1).all()
    assert not graphs.adjacency[padding].any()
    assert not graphs.adjacency.transpose(0, 2, 1)[padding].any()
    inner = (places > 0) & (places < sizes[:, None] - 1)
    assert np.isin(graphs.operations[inner], [0, 1, 2]).all()
    np.testing.assert_array_equal(graphs.adjacency.sum(axis=(1, 2)), genes[:, :21].sum(axis=1))


def test_graphs_are_the_graphs_of_the_genes(space: SearchSpace, rng: np.random.Generator) -> None:
    genes = space.sample(300, rng)
    graphs = space.graphs(genes)
    for gene, adjacency, operations in zip(genes, graphs.adjacency, graphs.operations, strict=True):
        graph = as_networkx(gene)
        order = sorted(graph.nodes)
        np.testing.assert_array_equal(adjacency[: len(order), : len(order)], nx.to_numpy_array(graph, order))
        assert operations[: len(order)].tolist() == [graph.nodes[vertex]["label"] for vertex in order]


def test_matrices_and_genes_are_the_same_thing(space: NASBench101, rng: np.random.Generator) -> None:
    genes = np.concatenate([space.enumerate()[:3000], space.sample(17_000, rng)])
    graphs = space.graphs(genes)
    np.testing.assert_array_equal(space.from_matrices(graphs.adjacency, graphs.operations), genes)
    wide = np.pad(graphs.adjacency, ((0, 0), (0, 2), (0, 2)))
    codes = np.pad(graphs.operations, ((0, 0), (0, 2)), constant_values=-1)
    np.testing.assert_array_equal(space.from_matrices(wide, codes), genes)
    small = genes[vertices_of(genes) <= 5]
    graphs = space.graphs(small)
    np.testing.assert_array_equal(space.from_matrices(graphs.adjacency[:, :5, :5], graphs.operations[:, :5]), small)


def test_matrices_are_pruned(space: NASBench101) -> None:
    # input -> conv1x1 -> output, and a maxpool that nothing feeds
    adjacency = np.zeros((1, 4, 4), np.uint8)
    adjacency[0, [0, 1, 2], [1, 3, 3]] = 1
    genes = space.from_matrices(adjacency, np.array([[3, 1, 2, 4]], np.int8))
    assert space.describe(genes[0]) == "010/001/000 input,conv1x1-bn-relu,output"


@pytest.mark.parametrize(
    "codes",
    [
        [4],
        [3],
        [-1, -1],
        [3, 0],
        [0, 4],
        [4, 3],
        [3, 3, 4],
        [3, 4, 4],
        [3, 5, 4],
        [3, -1, 4],
        [3, 0, -1, 4],
        [3, 4, 0],
        [-2, 0, 4],
    ],
)
def test_codes_that_are_no_cell_are_refused(space: NASBench101, codes: list[int]) -> None:
    good = [INPUT, OUTPUT] + [-1] * (len(codes) - 2)
    rows = [codes] if len(codes) < 2 else [good, codes]
    adjacency = np.zeros((len(rows), len(codes), len(codes)), np.uint8)
    with pytest.raises(InvalidArchitectureError, match=rf"Cell {len(rows) - 1} has operation codes .*expected input"):
        space.from_matrices(adjacency, np.array(rows, np.int8))


def test_too_many_vertices_are_refused(space: NASBench101) -> None:
    codes = np.array([[3, 0, 0, 0, 0, 0, 0, 4, -1]], np.int8)
    with pytest.raises(InvalidArchitectureError, match="at most 7 vertices, not 8"):
        space.from_matrices(np.zeros((1, 9, 9), np.uint8), codes)


@pytest.mark.parametrize("edge", [(2, 1), (1, 1)])
def test_edges_that_do_not_point_forwards_are_refused(space: NASBench101, edge: tuple[int, int]) -> None:
    adjacency = np.zeros((3, 3, 3), np.uint8)
    adjacency[2][edge] = 1
    with pytest.raises(InvalidArchitectureError, match="Cell 2 has an edge"):
        space.from_matrices(adjacency, np.array([[3, 0, 4]] * 3, np.int8))


def test_sequences_are_one_hot_genes(space: SearchSpace, rng: np.random.Generator) -> None:
    genes = space.sample(500, rng)
    sequences = space.sequences(genes)
    assert sequences.shape == (500, 26, 4)
    assert sequences.dtype == np.float32
    assert (np.sort(sequences, axis=2) == [0, 0, 0, 1]).all()
    np.testing.assert_array_equal(sequences.argmax(axis=2), genes)


def test_descriptions_by_hand(space: SearchSpace) -> None:
    assert space.describe(space.enumerate()[0]) == "01/00 input,output"
    genes = np.array([0] * 21 + [2, 0, 3, 3, 3], np.int8)
    genes[[0, 1, 15, 17]] = 1  # 0 -> 1, 0 -> 2, 0 -> output, 2 -> output
    assert space.describe(genes) == f"0111/0000/0001/0000 input,{OPERATIONS[2]},{OPERATIONS[0]},output"


@pytest.mark.slow
@pytest.mark.parametrize("rate", [1 / 26, 0.5])
def test_mutants_are_always_cells(space: SearchSpace, proposals: tuple[np.ndarray, np.ndarray], rate: float) -> None:
    children = space.mutate(proposals[0], np.random.default_rng(0), rate=rate)
    assert children.shape == (100_000, 26)
    assert children.dtype == np.int8
    assert space.valid(children).all()
    assert (children != proposals[0]).any(axis=1).mean() > 0.4


@pytest.mark.slow
def test_crossovers_are_always_cells_with_genes_of_their_parents(
    space: SearchSpace, proposals: tuple[np.ndarray, np.ndarray]
) -> None:
    a, b = proposals
    children = space.crossover(a, b, np.random.default_rng(0))
    assert children.dtype == np.int8
    assert space.valid(children).all()
    # pruning moves vertices; where nothing was pruned, every gene stands in its place
    whole = vertices_of(children) == 7
    assert whole.sum() > 10_000
    child, first, second = children[whole], a[whole], b[whole]
    assert ((child == first) | (child == second)).all()
    differ = first != second
    assert 0.4 < (child == first)[differ].mean() < 0.6
    assert (children != a).any(axis=1).mean() > 0.8


def test_parents_are_not_written_to(space: SearchSpace) -> None:
    parents = space.enumerate()[1000:1100]  # read-only
    space.mutate(parents, np.random.default_rng(0), rate=0.3)
    space.crossover(parents, parents[::-1], np.random.default_rng(0))


def test_variation_is_reproducible(space: SearchSpace, proposals: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = proposals[0][:1000], proposals[1][:1000]
    mutants = [space.mutate(a, np.random.default_rng(seed), rate=0.1) for seed in (5, 5, 6)]
    crossed = [space.crossover(a, b, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    for first, again, other in (mutants, crossed):
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


def test_a_tiny_rate_and_equal_parents_change_nothing(
    space: SearchSpace, proposals: tuple[np.ndarray, np.ndarray]
) -> None:
    parents = np.concatenate([space.enumerate()[:3000], proposals[0][:3000]])
    np.testing.assert_array_equal(space.mutate(parents, np.random.default_rng(0), rate=1e-12), parents)
    np.testing.assert_array_equal(space.crossover(parents, parents, np.random.default_rng(0)), parents)


@pytest.mark.slow
def test_mutation_flips_each_bit_with_the_rate(space: SearchSpace) -> None:
    # The child of input -> output is again input -> output with one edge unless a flip connects more. At small rates p
    # two flips are the least that does: 5 inner vertices, 0 -> v and v -> 6. Order p^2: 5 p^2.
    rate = 0.02
    parents = np.repeat(space.enumerate()[:1], 100_000, axis=0)
    children = space.mutate(parents, np.random.default_rng(0), rate=rate)
    three = (vertices_of(children) == 3) & (children[:, 15] == 1)
    expected = 5 * rate**2
    assert abs(three.mean() - expected) < 0.15 * expected
    # absent vertices get an operation at random
    counts = np.bincount(children[three][:, 21], minlength=3)
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.slow
def test_mutation_redraws_each_operation_with_the_rate(space: SearchSpace) -> None:
    # a chain of seven vertices whose edges all stand: given that no bit flipped, operations are redrawn independently
    rate, chain = 0.1, space.enumerate()[64542]
    assert vertices_of(chain[None])[0] == 7
    children = space.mutate(np.repeat(chain[None], 100_000, axis=0), np.random.default_rng(0), rate=rate)
    same_edges = (children[:, :21] == chain[:21]).all(axis=1) & (vertices_of(children) == 7)
    changed = (children[same_edges, 21:] != chain[21:]).sum(axis=1)
    expected = stats.binom(5, rate * 2 / 3).pmf(np.arange(6))
    observed = np.bincount(changed, minlength=6)
    few = np.array([0, 1, 2])
    assert (
        stats.chisquare(
            np.append(observed[few], observed[3:].sum()), len(changed) * np.append(expected[few], expected[3:].sum())
        ).pvalue
        > 0.001
    )


def test_mutation_can_insert_a_vertex_anywhere(space: SearchSpace) -> None:
    # from input -> a -> b -> output, a third operation can come first, between and last
    chain = np.array([0] * 21 + [0, 1, 3, 3, 3], np.int8)
    chain[[0, 2, 17]] = 1
    children = space.mutate(np.repeat(chain[None], 50_000, axis=0), np.random.default_rng(0), rate=0.1)
    operations = children[vertices_of(children) == 5][:, 21:24].tolist()
    counts = [operations.count(expected) for expected in ([2, 0, 1], [0, 2, 1], [0, 1, 2])]
    assert min(counts) > max(counts) / 3 > 50


@pytest.mark.slow
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    rate=st.floats(0, 1, exclude_min=True),
    rows=st.lists(st.integers(0, 423_623), min_size=0, max_size=5),
)
def test_variation_stays_inside_at_any_rate(seed: int, rate: float, rows: list[int]) -> None:
    space, rng = get_space("nasbench101"), np.random.default_rng(seed)
    parents = space.enumerate()[rows]
    assert space.valid(space.mutate(parents, rng, rate=rate)).all()
    assert space.valid(space.crossover(parents, parents[::-1], rng)).all()


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, float("nan")])
def test_a_rate_that_is_no_probability_is_refused(space: SearchSpace, rng: np.random.Generator, rate: float) -> None:
    with pytest.raises(ConfigurationError, match=f"not {rate};"):
        space.mutate(space.enumerate()[:5], rng, rate=rate)
