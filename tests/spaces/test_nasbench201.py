from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.spaces.nasbench201 import EDGES, OPERATIONS, NASBench201, from_strings, to_string
from predictornas.spaces.registry import get_space

NONE, SKIP, CONV1, CONV3, POOL = range(5)


@pytest.fixture(scope="module")
def space() -> NASBench201:
    space = get_space("nasbench201")
    assert isinstance(space, NASBench201)
    return space


def test_the_space_knows_its_shape(space: NASBench201) -> None:
    assert len(space) == 15_625
    assert space.num_genes == 6
    assert space.num_choices == (5,) * 6
    assert repr(space) == "NASBench201()"


def test_all_cells_in_lexicographic_order(space: NASBench201) -> None:
    genes = space.enumerate()
    assert genes.shape == (15_625, 6)
    assert genes.dtype == np.int8
    assert [tuple(row) for row in genes.tolist()] == sorted(itertools.product(range(5), repeat=6))
    assert space.valid(genes).all()


def test_what_is_enumerated_is_read_only_and_the_same_object(space: NASBench201) -> None:
    for method in (space.enumerate, space.enumerated_keys):
        assert method() is method()
        assert not method().flags.writeable


def test_validity(space: NASBench201) -> None:
    genes = np.array([[0] * 6, [4] * 6, [0, 0, 0, 0, 0, 5], [-1, 0, 0, 0, 0, 0]], np.int8)
    assert space.valid(genes).tolist() == [True, True, False, False]


def test_every_string_has_a_key_of_its_own(space: NASBench201, rng: np.random.Generator) -> None:
    assert len(np.unique(space.enumerated_keys())) == 15_625
    order = rng.permutation(15_625)
    np.testing.assert_array_equal(space.keys(space.enumerate()[order]), space.enumerated_keys()[order])


def test_keys_are_the_same_for_ever(space: NASBench201) -> None:
    genes = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1], [4, 4, 4, 4, 4, 4]], np.int8)
    assert space.keys(genes).tolist() == [0x5692161D100B05E5, 0xDBD238973A2B148A, 0xBB628422D915A177]
    assert space.graph_keys(genes).tolist() == [0x17F0D1671A92528B, 0x32EB909A929F303B, 0x7B764BE21C8D952D]


def test_there_are_exactly_the_published_classes(space: NASBench201) -> None:
    assert len(np.unique(space.graph_keys(space.enumerate()))) == 6466


def computed(genes: list[int]) -> tuple[object, ...]:
    """What a cell computes: for every node the multiset of its terms, a cut edge being a term of its own."""
    cut = ("cut",)
    nodes: list[tuple[object, ...]] = [("input",)]
    for node in (1, 2, 3):
        terms: list[object] = []
        for gene, (x, y) in zip(genes, EDGES, strict=True):
            if y == node:
                if gene == NONE or nodes[x] == cut:
                    terms.extend(cut)
                else:
                    terms.extend(nodes[x] if gene == SKIP else [(gene, nodes[x])])
        nodes.append(tuple(sorted(terms, key=repr)))
    return nodes[3]


@pytest.mark.slow
def test_cells_of_one_class_compute_the_same(space: NASBench201) -> None:
    keys = space.graph_keys(space.enumerate()).tolist()
    meanings: dict[int, set[tuple[object, ...]]] = {}
    for key, row in zip(keys, space.enumerate().tolist(), strict=True):
        meanings.setdefault(key, set()).add(computed(row))
    assert {len(of_class) for of_class in meanings.values()} == {1}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        # the identity before a convolution or after it; two convolutions in either order
        ([CONV3, NONE, SKIP, NONE, NONE, SKIP], [SKIP, NONE, CONV3, NONE, NONE, SKIP], True),
        ([CONV3, NONE, CONV1, NONE, NONE, SKIP], [CONV1, NONE, CONV3, NONE, NONE, SKIP], False),
        ([CONV3, NONE, NONE, NONE, SKIP, NONE], [SKIP, NONE, NONE, NONE, CONV3, NONE], True),
        # nothing is behind a cut edge, whatever comes after
        ([NONE, SKIP, NONE, CONV1, CONV3, POOL], [NONE, SKIP, NONE, CONV1, POOL, POOL], True),
        ([NONE, SKIP, NONE, CONV1, CONV3, POOL], [NONE, SKIP, NONE, CONV1, CONV3, CONV1], False),
        # the two inner nodes, exchanged
        ([CONV1, CONV3, NONE, NONE, POOL, SKIP], [CONV1, CONV3, NONE, NONE, SKIP, POOL], False),
    ],
)
def test_classes_by_hand(space: NASBench201, first: list[int], second: list[int], same: bool) -> None:
    keys = space.graph_keys(np.array([first, second], np.int8))
    assert (keys[0] == keys[1]) == same


def test_strings_by_hand() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    genes = np.array([CONV3, NONE, SKIP, POOL, CONV1, NONE], np.int8)
    assert to_string(genes) == text
    assert from_strings([text]).tolist() == [genes.tolist()]


@pytest.mark.slow
def test_strings_of_all_cells_go_both_ways(space: NASBench201) -> None:
    strings = [space.describe(row) for row in space.enumerate()]
    assert len(set(strings)) == 15_625
    genes = from_strings(strings)
    assert genes.dtype == np.int8
    np.testing.assert_array_equal(genes, space.enumerate())
    assert from_strings([]).shape == (0, 6)


def test_the_real_table_holds_exactly_these_strings(space: NASBench201, test_tables: Path) -> None:
    strings = pl.read_parquet(test_tables / "nasbench201.parquet", columns=["arch"])["arch"].to_list()
    genes = from_strings(strings)
    assert [to_string(row) for row in genes[::10]] == strings[::10]
    np.testing.assert_array_equal(np.sort(space.keys(genes)), np.sort(space.enumerated_keys()))


GOOD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "another form"),
        ("none", "another form"),
        (GOOD[:-1], "another form"),
        (GOOD + " ", "another form"),
        (GOOD + "\n", "another form"),
        (GOOD + GOOD, "another form"),
        (GOOD.replace("~2", "~1"), "another form"),
        (GOOD.replace("none~2", "~2"), "another form"),
        (GOOD.replace("+", ""), "another form"),
        (GOOD.replace("none~2", "NONE~2"), "unknown operation 'NONE', known: none, skip_connect"),
        (GOOD.replace("none~1", "sep_conv~1"), "unknown operation 'sep_conv'"),
    ],
)
def test_bad_strings_are_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=reason) as caught:
        from_strings([GOOD, text, GOOD])
    assert f"Entry 1, {text!r}" in str(caught.value)


@given(st.text(alphabet="|~+ none012_skip", max_size=60))
def test_no_text_is_misread(text: str) -> None:
    try:
        genes = from_strings([text])
    except InvalidArchitectureError:
        return
    assert to_string(genes[0]) == text


def line_graph(genes: list[int]) -> tuple[list[int], list[list[int]]]:
    """Codes and edges of a cell with its operations on vertices, by networkx: the line graph of what is on paths."""
    cell = nx.DiGraph([edge for gene, edge in zip(genes, EDGES, strict=True) if gene != NONE])
    cell.add_nodes_from([0, 3])
    useful = cell.subgraph((nx.descendants(cell, 0) | {0}) & (nx.ancestors(cell, 3) | {3}))
    kept = sorted(useful.edges, key=EDGES.index)
    place = {edge: vertex for vertex, edge in enumerate(kept, start=1)}
    last = len(kept) + 1
    joined = [[place[one], place[two]] for one, two in nx.line_graph(useful).edges]
    joined += [[0, place[edge]] for edge in kept if edge[0] == 0] + [
        [place[edge], last] for edge in kept if edge[1] == 3
    ]
    codes = [4, *(genes[EDGES.index(edge)] - 1 for edge in kept), 5]
    return codes + [-1] * (8 - len(codes)), sorted(joined)


@pytest.mark.slow
def test_graphs_are_line_graphs_of_the_cells(space: NASBench201) -> None:
    genes = space.enumerate()[::5]
    graphs = space.graphs(genes)
    expected = [line_graph(row) for row in genes.tolist()]
    assert graphs.operations.tolist() == [codes for codes, _ in expected]
    assert [np.argwhere(matrix).tolist() for matrix in graphs.adjacency] == [edges for _, edges in expected]


def test_graphs_are_laid_out_as_promised(space: NASBench201) -> None:
    graphs = space.graphs(space.enumerate())
    assert graphs.adjacency.shape == (15_625, 8, 8)
    assert (graphs.adjacency.dtype, graphs.operations.dtype, graphs.num_codes) == (np.uint8, np.int8, 6)
    assert not np.tril(graphs.adjacency).any()
    assert graphs.adjacency.max() == 1
    sizes = (graphs.operations >= 0).sum(axis=1)
    padding = np.arange(8) >= sizes[:, None]
    assert (graphs.operations[padding] == -1).all()
    assert (graphs.operations[:, 0] == 4).all()
    assert (graphs.operations[np.arange(15_625), sizes - 1] == 5).all()


def test_cells_without_a_path_are_an_input_and_an_output(space: NASBench201) -> None:
    # the four paths 0-3, 0-1-3, 0-2-3 and 0-1-2-3; with 0-3 cut, edges 0-1 and 2-3 are both cut (125 cells), one
    # of them is (100 and 100), or none is and the other three are (16)
    genes = space.enumerate() != NONE
    a, b, c, d, e, f = genes.T
    connected = d | (a & e) | (b & f) | (a & c & f)
    graphs = space.graphs(space.enumerate()[~connected])
    assert len(graphs) == 125 + 100 + 100 + 16
    assert (graphs.operations == [4, 5, -1, -1, -1, -1, -1, -1]).all()
    assert not graphs.adjacency.any()
    assert space.graphs(space.enumerate()[connected]).adjacency.any(axis=(1, 2)).all()


def test_sequences_are_one_hot_genes(space: NASBench201) -> None:
    sequences = space.sequences(space.enumerate())
    assert sequences.shape == (15_625, 6, 5)
    assert sequences.dtype == np.float32
    assert (np.sort(sequences, axis=2) == [0, 0, 0, 0, 1]).all()
    np.testing.assert_array_equal(sequences.argmax(axis=2), space.enumerate())


def test_samples_are_distinct_and_reproducible(space: NASBench201) -> None:
    genes = space.sample(1000, np.random.default_rng(3))
    assert len(np.unique(genes, axis=0)) == 1000
    np.testing.assert_array_equal(genes, space.sample(1000, np.random.default_rng(3)))
    assert (genes != space.sample(1000, np.random.default_rng(4))).any()
    assert len(np.unique(space.sample(10**6, np.random.default_rng(0)), axis=0)) == 15_625


def test_samples_are_uniform(space: NASBench201, rng: np.random.Generator) -> None:
    genes = np.concatenate([space.sample(50, rng) for _ in range(1000)])
    for gene in genes.T:
        assert stats.chisquare(np.bincount(gene, minlength=5)).pvalue > 0.001


@pytest.mark.parametrize("rate", [1 / 6, 0.5, 1.0])
def test_mutation_redraws_each_operation_with_the_rate(
    space: NASBench201, rng: np.random.Generator, rate: float
) -> None:
    parents = space.enumerate()[rng.integers(15_625, size=100_000)]
    children = space.mutate(parents, rng, rate=rate)
    assert children.dtype == np.int8
    assert space.valid(children).all()
    # a redrawn operation is the old one in one of five cases
    changed = np.bincount((children != parents).sum(axis=1), minlength=7)
    expected = stats.binom(6, rate * 4 / 5).pmf(np.arange(7)) * 100_000
    likely = expected > 5
    assert changed[~likely].sum() < 40
    observed = [*changed[likely], changed[~likely].sum() + 1e-9]
    assert stats.chisquare(observed, [*expected[likely], expected[~likely].sum() + 1e-9]).pvalue > 0.001
    new = children[children != parents]
    assert stats.chisquare(np.bincount(new, minlength=5)).pvalue > 0.001


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, float("nan")])
def test_a_rate_that_is_no_probability_is_refused(space: NASBench201, rng: np.random.Generator, rate: float) -> None:
    with pytest.raises(ConfigurationError, match=f"not {rate};"):
        space.mutate(space.enumerate()[:5], rng, rate=rate)


def test_crossover_takes_each_gene_from_either_parent(space: NASBench201, rng: np.random.Generator) -> None:
    a, b = space.enumerate()[rng.integers(15_625, size=(2, 100_000))]
    children = space.crossover(a, b, rng)
    assert children.dtype == np.int8
    assert ((children == a) | (children == b)).all()
    # where all six genes differ, the number that come from the first parent is binomial, and genes are independent
    differ = (a != b).all(axis=1)
    from_first = (children == a)[differ]
    counts = np.bincount(from_first.sum(axis=1), minlength=7)
    assert stats.chisquare(counts, stats.binom(6, 0.5).pmf(np.arange(7)) * differ.sum()).pvalue > 0.001
    for gene in from_first.T:
        assert stats.binomtest(int(gene.sum()), int(differ.sum())).pvalue > 0.001


def test_variation_is_reproducible(space: NASBench201) -> None:
    a, b = space.enumerate()[:1000], space.enumerate()[-1000:]
    mutants = [space.mutate(a, np.random.default_rng(seed), rate=0.3) for seed in (5, 5, 6)]
    crossed = [space.crossover(a, b, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    for first, again, other in (mutants, crossed):
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


def test_operations_are_in_the_official_order() -> None:
    assert OPERATIONS == ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    assert EDGES == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
