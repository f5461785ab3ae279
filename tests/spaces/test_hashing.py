from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from predictornas.spaces.hashing import graph_hash, mix, row_keys

SAME_LABEL = nx.algorithms.isomorphism.categorical_node_match("label", None)


def random_graphs(rng: np.random.Generator, count: int, vertices: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Labelled graphs with edges that point forwards, between input (3) and output (4)."""
    adjacency = np.triu(rng.random((count, vertices, vertices)) < 0.4, 1).astype(np.uint8)
    labels = rng.integers(3, size=(count, vertices)).astype(np.int8)
    labels[:, 0], labels[:, -1] = 3, 4
    return adjacency, labels


def as_networkx(adjacency: np.ndarray, labels: np.ndarray) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from((vertex, {"label": label}) for vertex, label in enumerate(labels.tolist()) if label >= 0)
    graph.add_edges_from(np.argwhere(adjacency).tolist())
    return graph


def isomorphic(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> bool:
    return bool(nx.is_isomorphic(as_networkx(*first), as_networkx(*second), node_match=SAME_LABEL))


def reordered(adjacency: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same graph with its vertices in another, random, topological order."""
    graph, rank = as_networkx(adjacency, labels), rng.permutation(len(labels))
    order = list(nx.lexicographical_topological_sort(graph, key=lambda vertex: int(rank[vertex])))
    return adjacency[np.ix_(order, order)], labels[order]


def test_mix_is_the_finaliser_of_splitmix64() -> None:
    # the published first outputs of SplitMix64 from seed 1234567
    counter = np.arange(1, 6, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1234567)
    assert mix(counter).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_keys_are_the_same_for_ever() -> None:
    chain = np.eye(4, k=1, dtype=np.uint8)[None].repeat(3, axis=0)
    diamond = np.zeros((1, 4, 4), np.uint8)
    diamond[0, [0, 0, 1, 2], [1, 2, 3, 3]] = 1
    labels = np.array([[3, 0, 0, 4], [3, 0, 1, 4], [3, 1, 0, 4], [3, 0, 1, 4]], np.int8)
    keys = graph_hash(np.concatenate([chain, diamond]), labels)
    assert keys.tolist() == [0xD9D16E505CAC7F3F, 0x5618278F98C249CF, 0xDC7819B418F38569, 0x8B595EBB6C1690BB]


def test_the_order_of_the_vertices_does_not_matter(rng: np.random.Generator) -> None:
    adjacency, labels = random_graphs(rng, 500)
    others = [reordered(*graph, rng) for graph in zip(adjacency, labels, strict=True)]
    moved = sum(not np.array_equal(before, after) for before, (after, _) in zip(adjacency, others, strict=True))
    assert moved > 200
    keys = graph_hash(np.stack([graph for graph, _ in others]), np.stack([label for _, label in others]))
    np.testing.assert_array_equal(keys, graph_hash(adjacency, labels))


@pytest.mark.slow
def test_keys_are_equal_if_and_only_if_graphs_are_isomorphic(rng: np.random.Generator) -> None:
    # graphs of five vertices and two labels, close enough to each other that many are isomorphic
    adjacency, labels = random_graphs(rng, 1500, vertices=5)
    labels[:, 1:-1] %= 2
    # one edge of each moves; then the vertices change their order
    other = adjacency.copy()
    rows, (x, y) = np.arange(len(other)), rng.integers(4, size=(2, len(other)))
    other[rows, np.minimum(x, y), np.maximum(x, y) + 1] ^= 1
    other[rows, np.minimum(y, x[::-1]), np.maximum(y, x[::-1]) + 1] ^= 1
    pairs = [reordered(*graph, rng) for graph in zip(other, labels, strict=True)]
    same_key = graph_hash(adjacency, labels) == graph_hash(
        np.stack([graph for graph, _ in pairs]), np.stack([label for _, label in pairs])
    )
    truth = [isomorphic(graph, pair) for graph, pair in zip(zip(adjacency, labels, strict=True), pairs, strict=True)]
    assert 100 < sum(truth) < 1400
    assert same_key.tolist() == truth


@pytest.mark.slow
def test_all_graphs_of_four_vertices_fall_into_their_classes() -> None:
    pairs = list(itertools.combinations(range(4), 2))
    adjacency = np.zeros((64, 4, 4), np.uint8)
    for bit, (x, y) in enumerate(pairs):
        adjacency[:, x, y] = np.arange(64) >> bit & 1
    operations = np.array(list(itertools.product(range(3), repeat=2)))
    labels = np.full((9, 4), 3, np.int8)
    labels[:, 1:3], labels[:, 3] = operations, 4
    adjacency, labels = adjacency.repeat(9, axis=0), np.tile(labels, (64, 1))
    keys = graph_hash(adjacency, labels)
    graphs = list(zip(adjacency, labels, strict=True))
    first: dict[int, int] = {}
    for row, key in enumerate(keys.tolist()):
        assert isomorphic(graphs[first.setdefault(key, row)], graphs[row])
    invariant = [(tuple(sorted(label)), int(matrix.sum())) for matrix, label in graphs]
    for one, two in itertools.combinations(first.values(), 2):
        assert invariant[one] != invariant[two] or not isomorphic(graphs[one], graphs[two])


def test_the_direction_of_edges_and_single_labels_matter() -> None:
    adjacency = np.eye(3, k=1, dtype=np.uint8)[None].repeat(3, axis=0)
    labels = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 1]], np.int8)
    assert len(set(graph_hash(adjacency, labels).tolist())) == 3


def test_absent_vertices_do_not_matter_wherever_they_stand(rng: np.random.Generator) -> None:
    adjacency, labels = random_graphs(rng, 300, vertices=5)
    wide = np.zeros((300, 7, 7), np.uint8)
    codes = np.full((300, 7), -1, np.int8)
    for row in range(300):
        place = np.sort(rng.choice(7, size=5, replace=False))
        wide[row][np.ix_(place, place)] = adjacency[row]
        codes[row, place] = labels[row]
    np.testing.assert_array_equal(graph_hash(wide, codes), graph_hash(adjacency, labels, rounds=7))


def test_vertices_without_edges_are_counted() -> None:
    labels = np.array([[3, 4, -1, -1], [3, 4, 0, -1], [3, 4, 0, 0]], np.int8)
    assert len(set(graph_hash(np.zeros((3, 4, 4), np.uint8), labels).tolist())) == 3


def test_batches_of_any_size_give_the_same_keys(rng: np.random.Generator) -> None:
    adjacency, labels = random_graphs(rng, 20_000)
    keys = graph_hash(adjacency, labels)
    for rows in (slice(8191, 8193), slice(16_384, None), slice(0, 0)):
        np.testing.assert_array_equal(graph_hash(adjacency[rows], labels[rows]), keys[rows])


def test_every_round_looks_one_edge_further() -> None:
    # two chains with the same labels, and the same labels beside each label, but not the same two steps away
    adjacency = np.eye(8, k=1, dtype=np.uint8)[None].repeat(2, axis=0)
    labels = np.array([[0, 0, 1, 0, 0, 2, 0, 0], [0, 0, 2, 0, 0, 1, 0, 0]], np.int8)
    equal = [bool(keys[0] == keys[1]) for keys in (graph_hash(adjacency, labels, rounds=rounds) for rounds in range(4))]
    assert equal == [True, True, False, False]


def test_keys_of_rows_are_one_to_one_up_to_64_bits() -> None:
    rows = np.array(list(itertools.product(range(3), range(4), range(2))), np.int8)
    np.testing.assert_array_equal(row_keys(rows, (3, 4, 2)), mix(np.arange(1, 25, dtype=np.uint64)))
    # the last row of 2^63 possible ones is still a number of its own
    assert row_keys(np.ones((1, 63), np.int8), (2,) * 63).tolist() == mix(np.array([2**63], np.uint64)).tolist()
    # the first gene alone differs: lost, were 65 genes read as one number of 64 bits
    two = np.zeros((2, 65), np.int8)
    two[1, 0] = 1
    assert len(set(row_keys(two, (2,) * 65).tolist())) == 2
