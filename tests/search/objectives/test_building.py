"""The settings that were frozen before the results were measured."""

from __future__ import annotations

from typing import Any

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.oracles.objectives import TableReader
from predictornas.search.objectives.building import front_search
from predictornas.search.objectives.nsga import NSGA2
from predictornas.search.objectives.quantities import Goal


def test_settings_are_those_that_the_document_names() -> None:
    table = open_benchmark("nasbench201-cifar10")
    search = front_search((Goal("error"),), TableReader(table, []))
    assert (search.initial, search.batch, search.pool_size, search.exploration, search.margin) == (
        10,
        10,
        300,
        1.0,
        1.0,
    )
    sampler: Any = search.sampler
    assert (sampler.parents, sampler.mutants, sampler.rate) == (10, 1.0, 0.2)
    evolution = NSGA2((Goal("error"),))
    assert (evolution.population, evolution.batch, evolution.rate) == (20, 5, 0.1)
