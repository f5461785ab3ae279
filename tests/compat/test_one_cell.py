"""One cell's key and hash against the arrays that compute many, and against a second way to the official hash."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from predictornas.compat.one_cell import cell_key, module_hash
from predictornas.spaces.hashing import graph_hash
from predictornas.spaces.nasbench101 import NASBench101

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "official_file.py")))


def cells(count: int, vertices: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Any graphs with forward edges, pruned or not."""
    adjacency = np.triu(rng.integers(2, size=(count, vertices, vertices)), 1).astype(np.uint8)
    labels = rng.integers(3, size=(count, vertices)).astype(np.int8)
    labels[:, 0], labels[:, -1] = 3, 4
    return adjacency, labels


@pytest.mark.parametrize("vertices", range(2, 8))
def test_keys_are_those_of_whole_tables(vertices: int, rng: np.random.Generator) -> None:
    adjacency, labels = cells(50, vertices, rng)
    padding = 7 - vertices
    expected = graph_hash(
        np.pad(adjacency, ((0, 0), (0, padding), (0, padding))),
        np.pad(labels, ((0, 0), (0, padding)), constant_values=-1),
    )
    assert [cell_key(a, b) for a, b in zip(adjacency.tolist(), labels.tolist(), strict=True)] == expected.tolist()


@pytest.mark.slow
def test_keys_of_real_cells_are_those_of_their_space(rng: np.random.Generator) -> None:
    space = NASBench101()
    genes = space.sample(500, rng)
    graphs = space.graphs(genes)
    for adjacency, labels, key in zip(graphs.adjacency, graphs.operations, space.keys(genes), strict=True):
        there = labels >= 0
        assert cell_key(adjacency[there][:, there].tolist(), labels[there].tolist()) == key


def test_hashes_are_those_of_another_way_to_the_official_ones(rng: np.random.Generator) -> None:
    names = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3", "input", "output")
    for vertices in (2, 5, 7):
        for adjacency, labels in zip(*cells(10, vertices, rng), strict=True):
            text = "".join(map(str, adjacency.ravel().tolist()))
            expected = official.hash_of(text, ",".join(names[label] for label in labels))
            assert module_hash(adjacency.tolist(), [-1, *labels[1:-1].tolist(), -2]) == expected
