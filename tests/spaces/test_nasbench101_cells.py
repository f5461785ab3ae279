from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from predictornas.spaces import nasbench101_cells as cells
from predictornas.spaces.hashing import graph_hash
from predictornas.spaces.nasbench101_cells import ABSENT, from_vertices, prune, to_vertices
from predictornas.spaces.registry import get_space


def keys_of(genes: np.ndarray) -> np.ndarray:
    return graph_hash(*to_vertices(genes))


def random_cells(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Raw cells, mostly not in normal form: any edges, absent vertices anywhere, even with edges."""
    adjacency = np.triu(rng.random((count, 7, 7)) < rng.uniform(0.1, 0.6, (count, 1, 1)), 1).astype(np.uint8)
    labels = rng.integers(-1, 3, size=(count, 7)).astype(np.int8)
    labels[:, 0], labels[:, -1] = 3, 4
    return adjacency, labels


def canonical_codes(genes: np.ndarray) -> np.ndarray:
    """The least of a cell's codes over all orders of its five inner vertices: equal iff cells are isomorphic.

    A code has one binary place for each entry of the matrix but its first column and last row, and two for each
    operation; 46 places, so that a matrix product in float64 is exact.
    """
    adjacency, labels = to_vertices(genes)
    edges = adjacency[:, :6, 1:].reshape(len(genes), 36)
    digits = np.concatenate([edges, labels[:, 1:6] % 4], axis=1).astype(np.float64)
    codes = np.full(len(genes), np.inf)
    weights = []
    for order in itertools.permutations(range(1, 6)):
        place = (0, *order, 6)
        of_edges = [2.0 ** (6 * place[x] + place[y] - 1) for x in range(6) for y in range(1, 7)]
        weights.append([*of_edges, *(2.0 ** (34 + 2 * place[vertex]) for vertex in range(1, 6))])
    for start in range(0, len(genes), 20_000):
        block = slice(start, start + 20_000)
        codes[block] = (digits[block] @ np.array(weights).T).min(axis=1)
    return codes


@pytest.fixture(scope="module")
def everything() -> tuple[np.ndarray, np.ndarray]:
    """All cells, computed from scratch."""
    arrays = cells.enumerate_cells(keys_of)
    return arrays["genes"], arrays["keys"]


def test_an_edge_stands_where_the_data_model_says() -> None:
    for x, y in itertools.combinations(range(7), 2):
        genes = np.zeros((1, 26), np.int8)
        genes[0, x + y * (y - 1) // 2] = 1
        adjacency, _ = to_vertices(genes)
        assert np.argwhere(adjacency[0]).tolist() == [[x, y]]


def test_labels_by_hand() -> None:
    genes = np.array([[0] * 21 + [2, 0, 1, ABSENT, ABSENT]], np.int8)
    assert to_vertices(genes)[1].tolist() == [[3, 2, 0, 1, -1, -1, 4]]


def test_vertices_and_genes_are_the_same_thing(rng: np.random.Generator) -> None:
    genes = np.concatenate([rng.integers(2, size=(500, 21)), rng.integers(4, size=(500, 5))], axis=1).astype(np.int8)
    np.testing.assert_array_equal(from_vertices(*to_vertices(genes)), genes)
    adjacency, labels = random_cells(rng, 500)
    again = to_vertices(from_vertices(adjacency, labels))
    np.testing.assert_array_equal(again[0], adjacency)
    np.testing.assert_array_equal(again[1], labels)


def pruned_with_networkx(adjacency: np.ndarray, labels: np.ndarray) -> tuple[list[list[int]], list[int]]:
    graph = nx.DiGraph()
    graph.add_nodes_from([0, 6])
    graph.add_edges_from((x, y) for x, y in np.argwhere(adjacency).tolist() if labels[x] >= 0 and labels[y] >= 0)
    kept = sorted((nx.descendants(graph, 0) | {0}) & (nx.ancestors(graph, 6) | {6}))
    inner = [vertex for vertex in kept if vertex not in (0, 6)]
    place = {0: 0, 6: 6} | {vertex: rank for rank, vertex in enumerate(inner, start=1)}
    edges = [[place[x], place[y]] for x, y in graph.subgraph(kept).edges if 0 in kept and 6 in kept]
    return sorted(edges), [3, *(int(labels[vertex]) for vertex in inner), *[-1] * (5 - len(inner)), 4]


def test_pruning_keeps_what_networkx_finds_on_paths(rng: np.random.Generator) -> None:
    adjacency, labels = random_cells(rng, 2000)
    pruned, kept = prune(adjacency, labels)
    expected = [pruned_with_networkx(*cell) for cell in zip(adjacency, labels, strict=True)]
    assert [sorted(np.argwhere(matrix).tolist()) for matrix in pruned] == [edges for edges, _ in expected]
    assert kept.tolist() == [codes for _, codes in expected]
    sizes = {sum(code >= 0 for code in codes) for _, codes in expected}
    assert sizes == {2, 3, 4, 5, 6, 7}
    assert sum(not edges for edges, _ in expected) > 20


def test_pruning_twice_changes_nothing_more(rng: np.random.Generator) -> None:
    once = prune(*random_cells(rng, 2000))
    twice = prune(*once)
    np.testing.assert_array_equal(twice[0], once[0])
    np.testing.assert_array_equal(twice[1], once[1])


@pytest.mark.slow
def test_there_are_exactly_the_published_numbers_of_cells(everything: tuple[np.ndarray, np.ndarray]) -> None:
    genes, keys = everything
    assert genes.shape == (423_624, 26) == (cells.NUM_CELLS, 26)
    assert genes.dtype == np.int8
    vertices = (genes[:, 21:] != ABSENT).sum(axis=1) + 2
    assert np.bincount(vertices).tolist() == [0, 0, 1, 6, 84, 2441, 62010, 359082]
    assert (np.diff(vertices) >= 0).all()
    assert genes[:, :21].sum(axis=1).max() == 9
    assert len(np.unique(keys)) == 423_624


@pytest.mark.slow
def test_keys_of_all_cells_are_the_same_for_ever(everything: tuple[np.ndarray, np.ndarray]) -> None:
    _, keys = everything
    pinned = {
        0: 0x8F45599D27FC02CC,  # input -> output
        1: 0x185AB79C0AA80BDB,  # input -> conv3x3 -> output
        7: 0xE9CB36857863C92F,  # chains of 2, 3, 4, 5 conv3x3
        91: 0x0ACED38F2FD2389,
        2532: 0x766E428CF27E394F,
        64542: 0x935640CC26BEEA48,
        423_623: 0xC95C0B91B74C803F,
    }
    assert {row: int(keys[row]) for row in pinned} == pinned
    assert int(np.bitwise_xor.reduce(keys)) == 0x1FFE6D19B82A825E
    assert int(keys.sum(dtype=np.uint64)) == 0x361463FF561DD340


@pytest.mark.slow
def test_no_two_cells_are_isomorphic(everything: tuple[np.ndarray, np.ndarray]) -> None:
    genes, _ = everything
    assert len(np.unique(canonical_codes(genes))) == 423_624


@pytest.mark.slow
def test_any_cell_has_the_key_of_its_isomorphic_representative(
    everything: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> None:
    genes, keys = everything
    adjacency, labels = random_cells(rng, 60_000)
    raw = from_vertices(*prune(adjacency, np.where(labels < 0, 0, labels).astype(np.int8)))
    raw = raw[get_space("nasbench101").valid(raw)]
    assert len(raw) > 20_000
    order = np.argsort(keys)
    place = order[np.searchsorted(keys[order], keys_of(raw))]
    np.testing.assert_array_equal(keys[place], keys_of(raw))
    np.testing.assert_array_equal(canonical_codes(genes[place]), canonical_codes(raw))
    assert (genes[place] != raw).any(axis=1).sum() > 3000


def test_the_cache_holds_what_is_computed_from_scratch(everything: tuple[np.ndarray, np.ndarray]) -> None:
    space = get_space("nasbench101")
    np.testing.assert_array_equal(space.enumerate(), everything[0])
    np.testing.assert_array_equal(space.enumerated_keys(), everything[1])
