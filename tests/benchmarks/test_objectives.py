"""Objectives by name, and limits on the good side of a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.objectives import costs_of, objectives_for
from predictornas.benchmarks.table import Benchmark, Column, write_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces.nasbench201 import NASBench201


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


ON_NINETY = 1.0 - float(np.float32(0.9))
"""The error of an accuracy of 90 % as a table holds it, in single precision."""


@pytest.mark.parametrize(
    ("condition", "limit"),
    [
        ("parameters<=5e5", 5e5),
        (" parameters < 5e5", np.nextafter(5e5, 0)),
        ("error<=.1", ON_NINETY),
        ("error <= 10 %", ON_NINETY),
        ("valid_accuracy_200_run0>=90%", ON_NINETY),
        ("valid_accuracy_200_run0>=0.9", ON_NINETY),
    ],
)
def test_limits_are_the_highest_cost_that_is_allowed(table: Benchmark, condition: str, limit: float) -> None:
    assert objectives_for(table, ("latency",), (condition,))[1].limit == pytest.approx(limit, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ("valid_accuracy_9_run0>=0.7", lambda values: values >= 0.7),
        ("valid_accuracy_9_run0>0.7", lambda values: values > 0.7),
        ("error<=30%", lambda values: values >= 0.7),
        ("error<30%", lambda values: values > 0.7),
        ("valid_accuracy_9_run0>=68%", lambda values: values >= 0.68),
        ("valid_accuracy_9_run0>0.68", lambda values: values > 0.68),
    ],
)
def test_what_lies_on_a_limit_keeps_it_or_not_as_it_is_written(condition: str, allowed: Any) -> None:
    """Tables hold single precision, in which 0.7 is another number."""
    table = open_benchmark("nasbench101-digits")
    limit = objectives_for(table, (), (condition,))[-1].limit
    values = np.round(table.values("valid_accuracy_9_run0").astype(np.float64), 6)
    assert ((values == 0.7) | (values == 0.68)).any()
    np.testing.assert_array_equal(costs_of(table, table.signal) <= limit, allowed(values))


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
        (("latency",), ("error<5",), r"a fraction from 0 to 1. Write error<0\.05, or as a percentage error<5%"),
        (("latency",), ("valid_accuracy_200_run0>95",), r"Write valid_accuracy_200_run0>0\.95, or"),
        (("latency",), ("error>5%",), r"bounds the good side.*Write error<5%\."),
        (("latency",), ("error<nan",), "nan is no bound"),
        (("error",), ("parameters<inf",), "inf is no bound"),
        (("error",), ("parameters<5%",), "no fraction"),
        (("error",), ("parameters<5", "parameters<6"), "limited twice"),
    ],
)
def test_what_cannot_be_is_refused(table: Benchmark, names: tuple[str], limits: tuple[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        objectives_for(table, names, limits)


def test_a_word_that_is_no_column_names_those_there_are(table: Benchmark) -> None:
    with pytest.raises(UnknownNameError, match="error, latency, latency_seconds, parameters"):
        objectives_for(table, ("error", "weight"))


@pytest.fixture
def losses(store: Path) -> Benchmark:
    """40 cells with a perplexity that drives and judges, two accuracies on test images, and parameters."""
    named = {
        Column.named(metric="perplexity", split="valid", epochs=None, run="0"): np.linspace(1.0, 3.0, 40),
        Column.named(metric="accuracy", split="test", epochs=9, run="0"): np.linspace(0.1, 0.9, 40),
        Column.named(metric="accuracy", split="test", epochs=9, run="1"): np.linspace(0.1, 0.8, 40),
        Column.named(metric="parameters", split=None, epochs=None, run=None): np.arange(40.0) + 1,
    }
    return write_benchmark(
        store / "losses",
        name="losses",
        space=NASBench201(),
        genes=NASBench201().enumerate()[:40],
        columns=named,
        signal="valid_perplexity_run0",
        evaluation="valid_perplexity_run0",
        source={"file": "made"},
        licence="MIT",
    )


def test_a_limit_alone_means_the_signal_whatever_it_is(table: Benchmark, losses: Benchmark) -> None:
    own, size = objectives_for(losses, (), ("parameters<9",))
    assert (own.name, own.searched, own.is_objective) == ("valid_perplexity_run0", "valid_perplexity_run0", True)
    assert (size.searched, size.is_objective) == ("parameters", False)
    (limited,) = objectives_for(losses, (), ("perplexity<=2",))
    assert (limited.searched, limited.is_objective, limited.limit) == ("valid_perplexity_run0", True, 2.0)
    assert objectives_for(table, (), ("parameters<5e5",))[0].name == "error"


def test_a_word_that_one_trained_column_has_is_enough_and_several_are_named(losses: Benchmark) -> None:
    assert objectives_for(losses, ("perplexity",))[0].searched == "valid_perplexity_run0"
    with pytest.raises(
        ConfigurationError, match=r"are called accuracy: test_accuracy_9_run0, test_accuracy_9_run1. Name"
    ):
        objectives_for(losses, ("accuracy",))


def test_error_is_not_suggested_where_there_is_no_accuracy(losses: Benchmark) -> None:
    with pytest.raises(
        ConfigurationError, match=r"'valid_perplexity_run0', is no accuracy. Name a column: valid_perpl"
    ):
        objectives_for(losses, ("error",))
    with pytest.raises(UnknownNameError) as caught:
        objectives_for(losses, ("eror",))
    assert "error" not in caught.value.known
