"""Objectives by name, and limits on the good side of a column."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.objectives import costs_of, objectives_for
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, UnknownNameError


@pytest.fixture(scope="module")
def table() -> Benchmark:
    return open_benchmark("nasbench201-cifar10")


def test_words_lead_to_columns_and_an_accuracy_becomes_an_error(table: Benchmark) -> None:
    error, latency, size = objectives_for(table, ("error", "latency", "parameters"))
    assert (error.searched, error.judged, error.known) == (table.signal, table.evaluation, False)
    assert (latency.searched, latency.judged, latency.known) == ("latency_seconds", "latency_seconds", False)
    assert size.known
    assert costs_of(table, error.searched)[:3] == pytest.approx(1 - table.values(table.signal)[:3].astype(float))
    assert np.array_equal(costs_of(table, "parameters"), table.values("parameters").astype(float))


def test_what_is_declared_to_be_known_is(table: Benchmark) -> None:
    assert objectives_for(table, ("error", "latency"), known=("latency",))[1].known
    with pytest.raises(UnknownNameError, match="objective or limit"):
        objectives_for(table, ("error",), known=("latency",))


@pytest.mark.parametrize(
    ("condition", "limit"),
    [
        ("parameters<=5e5", 5e5),
        (" parameters < 5e5", np.nextafter(5e5, 0)),
        ("error<=.1", 0.1),
        ("valid_accuracy_200_run0>=0.9", 0.1),
    ],
)
def test_limits_are_the_highest_cost_that_is_allowed(table: Benchmark, condition: str, limit: float) -> None:
    assert objectives_for(table, ("latency",), (condition,))[1].limit == pytest.approx(limit, rel=1e-12, abs=0)


def test_an_objective_may_be_limited_too(table: Benchmark) -> None:
    (_, size) = objectives_for(table, ("error", "parameters"), ("parameters<5e5",))
    assert size.is_objective
    assert size.condition == "parameters<5e5"


@pytest.mark.parametrize(
    ("names", "limits", "said"),
    [
        (("error", "error"), (), "once"),
        ((), (), "at least one"),
        (("error", "valid_accuracy_200_run0"), (), "once"),
        (("error",), ("parameters>5e5",), "bounds the good side"),
        (("error",), ("error>0.5",), "bounds the good side"),
        (("error",), ("parameters",), "is no limit"),
        (("error",), ("parameters<many",), "is no limit"),
        (("error",), ("parameters<5", "parameters<6"), "limited twice"),
    ],
)
def test_what_cannot_be_is_refused(table: Benchmark, names: tuple[str], limits: tuple[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        objectives_for(table, names, limits)


def test_a_word_that_is_no_column_names_those_there_are(table: Benchmark) -> None:
    with pytest.raises(UnknownNameError, match="error, latency_seconds, parameters"):
        objectives_for(table, ("error", "weight"))
