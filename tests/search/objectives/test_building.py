"""Methods for several objectives by name, and the settings that were frozen before the results were measured."""

from __future__ import annotations

from typing import Any

import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.description import describe
from predictornas.errors import UnknownNameError
from predictornas.oracles.objectives import TableReader
from predictornas.search.objectives.building import front_search, get_objective_strategy
from predictornas.search.objectives.nsga import NSGA2
from predictornas.search.objectives.quantities import Goal
from predictornas.search.objectives.registry import OBJECTIVE_METHODS


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


QUANTITIES = (Goal("error"), Goal("parameters", known=True))


class Nothing:
    """Knows nothing."""

    def read(self, genes: object) -> object:
        return genes


@pytest.mark.parametrize("name", list(OBJECTIVE_METHODS))
def test_every_method_is_made_and_described(name: str) -> None:
    strategy = get_objective_strategy(name, QUANTITIES, Nothing())  # type: ignore[arg-type]
    described = describe(strategy)
    assert strategy.initial >= 1
    assert name == "random" or [one["name"] for one in described["quantities"]] == ["error", "parameters"]


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nsga-ii"):
        get_objective_strategy("nsga2", QUANTITIES, Nothing())  # type: ignore[arg-type]
