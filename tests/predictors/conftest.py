"""A space of random graphs: predictors need nothing of a space but its graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from predictornas.spaces.base import Graphs, SearchSpace

NUM_CODES = 5
MakeGraphs = Callable[..., Graphs]


def random_graphs(n: int, *, seed: int = 0, size: int = 6) -> Graphs:
    """Cells of 2 to `size` vertices, input first, output last, any upper-triangular adjacency between real vertices."""
    rng = np.random.default_rng(seed)
    adjacency = np.triu(rng.integers(0, 2, (n, size, size), dtype=np.uint8), 1)
    operations = rng.integers(0, NUM_CODES - 2, (n, size), dtype=np.int8)
    last = rng.integers(1, size, n)
    operations[:, 0] = NUM_CODES - 2
    operations[np.arange(n), last] = NUM_CODES - 1
    padding = np.arange(size) > last[:, None]
    operations[padding] = -1
    adjacency[padding] = 0
    adjacency.transpose(0, 2, 1)[padding] = 0
    return Graphs(adjacency, operations, NUM_CODES)


class RowsOfGraphs(SearchSpace):
    """Stands in for a search space: architecture i is graph i of a batch, its genes the digits of i."""

    name = "rows-of-graphs"
    num_genes = 2
    num_choices = (100, 100)

    def __init__(self, graphs: Graphs) -> None:
        self.all = graphs
        numbers = np.arange(len(graphs))
        self._genes = np.stack([numbers // 100, numbers % 100], axis=1).astype(np.int8)
        self._genes.setflags(write=False)
        self.asked = 0

    def __len__(self) -> int:
        return len(self.all)

    def enumerate(self) -> np.ndarray:
        return self._genes

    def graphs(self, genes: np.ndarray) -> Graphs:
        self.asked += len(genes)
        rows = genes[:, 0].astype(int) * 100 + genes[:, 1]
        return Graphs(self.all.adjacency[rows], self.all.operations[rows], self.all.num_codes)


@pytest.fixture
def make_graphs() -> MakeGraphs:
    return random_graphs


@pytest.fixture
def graph_space() -> RowsOfGraphs:
    return RowsOfGraphs(random_graphs(300))
