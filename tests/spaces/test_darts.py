from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from predictornas.errors import ConfigurationError, InvalidArchitectureError, UnknownNameError
from predictornas.spaces.base import RelaxableSpace
from predictornas.spaces.darts import DARTS, DARTS_OPERATIONS
from predictornas.spaces.genotypes import NAMED_GENOTYPES, Genotype
from predictornas.testing.spaces import check_space

SKIP, CONV = 0, 1
SMALL = DARTS(("skip_connect", "sep_conv_3x3"), "two")
TINY = DARTS(("sep_conv_3x3",), "one")
V2 = NAMED_GENOTYPES["DARTS-V2"]


@pytest.fixture(scope="module")
def space() -> DARTS:
    return DARTS(DARTS_OPERATIONS[1:], "darts")


def test_the_space_knows_its_shape(space: DARTS) -> None:
    assert isinstance(space, RelaxableSpace)
    assert len(space) == (180 * 7**8) ** 2 == 1_076_746_950_455_072_400
    assert space.num_genes == 32
    assert space.num_choices == (2, 7, 2, 7, 3, 7, 3, 7, 4, 7, 4, 7, 5, 7, 5, 7) * 2
    assert (DARTS().name, DARTS().operations) == ("darts-8", DARTS_OPERATIONS)


@pytest.mark.slow
def test_a_space_small_enough_to_be_listed_keeps_every_rule(rng: np.random.Generator) -> None:
    assert len(TINY) == 180**2
    check_space(TINY, rng=rng, samples=300)


def test_genes_by_hand(space: DARTS) -> None:
    """Operations: max_pool 0, avg_pool 1, skip 2, sep 3 and 5, dil 5; (input, operation) twice for each node."""
    assert space.genes_of(V2).tolist() == [
        *[0, 3, 1, 3], *[0, 3, 1, 3], *[0, 2, 1, 3], *[0, 2, 2, 5],
        *[0, 0, 1, 0], *[1, 0, 2, 2], *[0, 0, 2, 2], *[1, 0, 2, 2],
    ]  # fmt: skip
    assert str(space.genotype(space.genes_of(V2))) == space.describe(space.genes_of(V2))


def test_a_space_too_large_to_be_listed_says_so(space: DARTS, rng: np.random.Generator) -> None:
    keys = space.keys(space.sample(3, rng))
    for listed in (space.enumerate, space.enumerated_keys, lambda: space.restricted_to(keys)):
        with pytest.raises(ConfigurationError, match=r"'darts' has 1,076,746,950,455,072,400 .* uniform-1000"):
            listed()


def test_samples_are_distinct_valid_and_reproducible(space: DARTS) -> None:
    genes = space.sample(3000, np.random.default_rng(1))
    assert (genes.dtype, genes.shape) == (np.int8, (3000, 32))
    assert space.valid(genes).all()
    assert len(np.unique(genes, axis=0)) == 3000
    np.testing.assert_array_equal(genes, space.sample(3000, np.random.default_rng(1)))
    assert len(space.sample(0, np.random.default_rng(1))) == 0


def test_samples_are_uniform(space: DARTS, rng: np.random.Generator) -> None:
    """The pairs of inputs of each node are equally frequent, and so are its operations."""
    genes = space.sample(4000, rng).reshape(4000, 8, 4)
    for node in range(8):
        pairs = np.unique(genes[:, node, 0] * 5 + genes[:, node, 2], return_counts=True)[1]
        assert len(pairs) == [1, 3, 6, 10][node % 4]
        if node % 4:
            assert stats.chisquare(pairs).pvalue > 0.001
        for gene in (1, 3):
            assert stats.chisquare(np.bincount(genes[:, node, gene], minlength=7)).pvalue > 0.001


def test_keys_are_one_to_one_and_the_same_for_ever(space: DARTS, rng: np.random.Generator) -> None:
    rows = np.stack([space.genes_of(NAMED_GENOTYPES[name]) for name in ("DARTS-V1", "DARTS-V2")])
    assert space.keys(rows).tolist() == [4933340497574929733, 9364090913228617921]
    genes = SMALL.sample(20_000, rng)
    assert len(np.unique(SMALL.keys(genes))) == 20_000
    swapped = genes.reshape(-1, 8, 2, 2)[:, :, ::-1].reshape(-1, 32)
    np.testing.assert_array_equal(SMALL.keys(swapped), SMALL.keys(genes))


def test_the_normal_form_sorts_the_inputs_of_each_node(space: DARTS, rng: np.random.Generator) -> None:
    genes = space.sample(200, rng)
    swapped = genes.reshape(-1, 8, 2, 2)[:, :, ::-1].reshape(-1, 32)
    assert not space.valid(swapped).any()
    np.testing.assert_array_equal(space.normalise(swapped), genes)
    twice = genes.copy()
    twice[:, 8] = twice[:, 10]  # node 2 of the normal cell reads one input twice
    assert not space.valid(space.normalise(twice)).any()


def permuted(cell: list[tuple[int, int, int, int]]) -> set[tuple[object, ...]]:
    """All ways to write a cell down with its nodes in another order, each node's edges sorted."""
    ways = set()
    for order in itertools.permutations(range(4)):
        place = {0: 0, 1: 1, **{2 + node: 2 + order[node] for node in range(4)}}
        edges = [sorted([(place[a], one), (place[b], other)]) for a, one, b, other in cell]
        if all(source < 2 + order[node] for node in range(4) for source, _ in edges[node]):
            ways.add(tuple(tuple(edges[order.index(node)]) for node in range(4)))
    return ways


def test_graph_keys_are_the_classes_of_cells_with_their_nodes_in_any_order(rng: np.random.Generator) -> None:
    """Normal cells of few operations before one reduction cell, so that many cells are equal."""
    genes = SMALL.sample(1000, rng)
    genes[:, [1, 3, 5, 7, 9, 11]] = CONV
    genes[:, 16:] = genes[0, 16:]
    keys = SMALL.graph_keys(genes).tolist()
    cells = [min(permuted([tuple(node) for node in row[:16].reshape(4, 4).tolist()]), key=repr) for row in genes]
    pairs = set(zip(keys, cells, strict=True))
    assert len(pairs) == len(set(keys)) == len(set(cells)) < len({row.tobytes() for row in genes})


def test_there_are_as_many_structures_of_cells_as_networkx_tells_apart() -> None:
    """180 choices of inputs; the cell's inputs differ, its nodes are alike."""
    rows = TINY.enumerate()[:180]  # the last node's choices change first: reduction cells behind one normal cell
    genes = rows[:, 16:]
    same_kind = nx.algorithms.isomorphism.categorical_node_match("kind", None)
    structures: dict[object, list[nx.DiGraph]] = {}
    for row in genes.reshape(-1, 4, 4).tolist():
        cell = nx.DiGraph((source, 2 + node) for node, (a, _, b, _) in enumerate(row) for source in (a, b))
        nx.set_node_attributes(cell, {vertex: min(vertex, 2) for vertex in cell}, "kind")
        alike = structures.setdefault(tuple(sorted(cell.out_degree(vertex) for vertex in cell)), [])
        if not any(nx.is_isomorphic(cell, other, node_match=same_kind) for other in alike):
            alike.append(cell)
    assert len(np.unique(genes, axis=0)) == 180
    assert len(np.unique(TINY.graph_keys(rows))) == sum(len(alike) for alike in structures.values())


def test_which_node_an_operation_ends_in_matters(space: DARTS) -> None:
    """Two nodes that nobody reads, their second operations exchanged: other sums, another class."""
    first = space.genes_of(V2)
    first[8:16] = [0, 2, 1, 3, 0, 4, 1, 5]
    other = first.copy()
    other[[11, 15]] = other[[15, 11]]
    assert space.graph_keys(first[None])[0] != space.graph_keys(other[None])[0]


def test_mutation_redraws_each_gene_with_the_rate(space: DARTS, rng: np.random.Generator) -> None:
    """Operations are free: one of seven draws gives the old one. Inputs are where the node stays possible."""
    parents = np.repeat(space.genes_of(V2)[None], 20_000, axis=0)
    children = space.mutate(parents, rng, rate=0.3)
    assert space.valid(children).all()
    # node 0 always reads both c, so its operations are changed by themselves alone
    for gene in (1, 3, 17, 19):
        changed = int((children[:, gene] != parents[:, gene]).sum())
        assert stats.binomtest(changed, 20_000, 0.3 * 6 / 7).pvalue > 0.001
    # node 1 reads 0 and 1 of three: attempts that give (0, 1), (0, 2), (1, 2) in normal form, out of all nine
    pairs = np.array([((children[:, 4] == a) & (children[:, 6] == b)).sum() for a, b in ((0, 1), (0, 2), (1, 2))])
    assert stats.chisquare(pairs, attempts_of_a_pair() / attempts_of_a_pair().sum() * 20_000).pvalue > 0.001


def attempts_of_a_pair() -> np.ndarray:
    """Probabilities of the pairs (0, 1), (0, 2), (1, 2) when each of 0 and 1 is redrawn out of three with p = 0.3."""
    becomes = 0.7 * np.eye(3)[:2] + 0.3 / 3
    joint = np.outer(becomes[0], becomes[1])
    return np.array([joint[a, b] + joint[b, a] for a, b in ((0, 1), (0, 2), (1, 2))])


def test_mutation_at_full_rate_forgets_the_parent(space: DARTS, rng: np.random.Generator) -> None:
    children = space.mutate(np.repeat(space.genes_of(V2)[None], 4000, axis=0), rng, rate=1.0)
    pairs = np.unique(children[:, [12, 14]], axis=0, return_counts=True)[1]
    assert len(pairs) == 10
    assert stats.chisquare(pairs).pvalue > 0.001


def test_crossover_takes_each_gene_from_either_parent(space: DARTS, rng: np.random.Generator) -> None:
    a, b = (np.repeat(space.sample(1, rng), 4000, axis=0) for _ in range(2))
    b[:, 8:12] = [0, 1, 1, 1]
    a[:, 8:12] = [2, 0, 3, 0]  # node 2 of the normal cell: the parents read different inputs
    children = space.crossover(a, b, rng)
    assert space.valid(children).all()
    assert len(np.unique(children[:, 8:12], axis=0)) == 16  # 4 choices of inputs times 4 of operations, all possible
    assert stats.binomtest(int((children[:, 8] == 0).sum()), 4000).pvalue > 0.001


@pytest.mark.slow
@given(st.integers(0, 2**63 - 1))
def test_any_architecture_goes_to_its_genotype_and_back(seed: int) -> None:
    space = DARTS()
    row = space.sample(1, np.random.default_rng(seed))[0]
    assert space.genes_of(space.genotype(row)).tolist() == row.tolist()


@pytest.mark.parametrize(
    ("place", "edge", "reason"),
    [
        (0, ("conv_7x7", 0), "'conv_7x7' is not one of space 'darts': max_pool"),
        (0, ("sep_conv_3x3", 1), "Node 0 of the normal cell"),
        (5, ("sep_conv_3x3", 4), "Node 2 of the normal cell"),
        (7, ("sep_conv_3x3", -1), "Node 3 of the normal cell"),
        (7, ("sep_conv_3x3", 1000), "Node 3 of the normal cell, .*1000"),
        (8, None, "has 9 edges"),
    ],
)
def test_genotypes_that_break_the_rules_are_named(
    space: DARTS, place: int, edge: tuple[str, int] | None, reason: str
) -> None:
    normal = list(V2.normal)
    normal[place : place + 1] = [edge or ("skip_connect", 0)]
    with pytest.raises(InvalidArchitectureError, match=reason):
        space.genes_of(V2._replace(normal=normal))
    with pytest.raises(InvalidArchitectureError, match=r"puts out nodes \[2, 3, 4, 5, 6\]"):
        space.genes_of(Genotype(V2.normal, range(2, 7), V2.reduce, V2.reduce_concat))


def test_an_operation_of_another_edge_is_refused() -> None:
    edges = ((("skip_connect",),) * 13 + (("none",),), (("skip_connect", "none"),) * 14)
    space = DARTS(("none", "skip_connect"), "mine", edges)
    assert space.edge_operations("normal") == edges[0]
    with pytest.raises(InvalidArchitectureError, match="Node 3 of the normal cell"):
        space.genes_of(Genotype([("skip_connect", source) for source in (0, 1, 0, 1, 0, 1, 0, 4)], range(2, 6),
                                [("none", source) for source in (0, 1) * 4], range(2, 6)))  # fmt: skip
    with pytest.raises(UnknownNameError, match="Did you mean 'reduction'"):
        space.edge_operations("reduce")


@pytest.mark.parametrize("operations", [(), ("a", "a"), tuple("abcdefghi")])
def test_operations_are_one_to_eight_different_ones(operations: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="1 to 8 different operations"):
        DARTS(operations)


@pytest.mark.parametrize("edges", [(("a",),) * 13, (("a",),) * 13 + ((),), (("a",),) * 13 + (("b",),)])
def test_operations_by_edge_are_some_of_the_space(edges: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ConfigurationError, match="each of 14 edges one or more of a"):
        DARTS(("a",), "mine", (edges, edges))
