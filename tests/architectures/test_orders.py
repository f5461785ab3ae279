from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.architectures.orders import ORDERS, index_of, official_order, ordered, row_at, unordered
from predictornas.errors import InvalidArchitectureError, UnknownNameError
from predictornas.spaces.nasbench201 import EDGES, OPERATIONS
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")

PUBLISHED = {
    0: "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    9: "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    123: "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
}
"""What the code that made NAS-Bench-201 asserts of its order."""


@pytest.mark.parametrize("index", PUBLISHED)
def test_the_official_order_where_it_is_published(index: int) -> None:
    assert SPACE.describe(row_at(SPACE, index)) == PUBLISHED[index]
    assert index_of(SPACE, row_at(SPACE, index)) == index


def test_every_architecture_has_one_index() -> None:
    assert (np.sort(official_order()) == np.arange(15_625)).all()


def test_the_official_order_of_all(test_tables: Path) -> None:
    texts = pl.read_parquet(test_tables / "nasbench201.parquet", columns=["arch"])["arch"].to_list()
    genes = SPACE.enumerate()[official_order()]
    assert [SPACE.describe(row) for row in genes[::50]] == texts[::50]


@pytest.mark.parametrize("index", [-1, 15_625])
def test_indexes_of_nothing(index: int) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"0\.\.15624"):
        row_at(SPACE, index)


@pytest.mark.parametrize("name", ORDERS)
def test_orders_hold_every_operation_and_edge_once_and_are_undone(name: str, rng: np.random.Generator) -> None:
    assert sorted(ORDERS[name].operations) == sorted(OPERATIONS)
    assert sorted(ORDERS[name].edges) == sorted(EDGES)
    for row in SPACE.sample(20, rng):
        assert unordered(name, SPACE, ordered(name, row)).tolist() == row.tolist()


def test_naslib_counts_edges_by_where_they_begin() -> None:
    for number, edge in enumerate(itertools.combinations(range(4), 2)):
        numbers = [1] * 6  # none everywhere, but a 3 x 3 convolution on one edge
        numbers[number] = 2
        row = unordered("naslib", SPACE, numbers)
        assert [(EDGES[gene], OPERATIONS[row[gene]]) for gene in np.flatnonzero(row)] == [(edge, "nor_conv_3x3")]


def test_an_order_that_nobody_has() -> None:
    with pytest.raises(UnknownNameError, match="naslib"):
        unordered("naslab", SPACE, [0] * 6)
