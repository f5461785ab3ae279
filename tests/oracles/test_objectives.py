"""The oracle of several objectives reads what a search may see, and nothing of what judges it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.objectives import objectives_for
from predictornas.description import describe
from predictornas.errors import UnknownArchitectureError
from predictornas.oracles.objectives import ObjectivesOracle, TableReader


def test_costs_are_the_searched_columns_beside_the_signal(rng: np.random.Generator) -> None:
    table = open_benchmark("nasbench201-cifar10")
    oracle = ObjectivesOracle(table, objectives_for(table, ("error", "parameters")))
    answers = oracle.evaluate(table.genes[5:8], None, rng)
    assert answers.costs is not None
    assert answers.costs[:, 0] == pytest.approx(1 - answers.value)
    assert answers.costs[:, 1].tolist() == table.values("parameters")[5:8].tolist()


def test_a_reader_is_described_by_its_columns_and_travels() -> None:
    table = open_benchmark("nasbench201-cifar10")
    reader = TableReader(table, ["parameters"])
    assert describe(reader) == {"type": "TableReader", "columns": ["parameters"]}
    assert np.array_equal(pickle.loads(pickle.dumps(reader)).read(table.genes[:2]), reader.read(table.genes[:2]))
    assert TableReader(table, []).read(table.genes[:2]).shape == (2, 0)


def test_what_the_table_lacks_is_named() -> None:
    table = open_benchmark("nasbench101-digits")
    with pytest.raises(UnknownArchitectureError, match="architecture 0 of 1"):
        TableReader(table, [table.signal]).read(np.zeros((1, 26), np.int8))
