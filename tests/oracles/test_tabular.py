from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.table import Benchmark, Column, write_benchmark
from predictornas.errors import ConfigurationError, InvalidArchitectureError, UnknownArchitectureError, UnknownNameError
from predictornas.oracles import Oracle, TabularOracle
from predictornas.spaces.nasbench201 import NASBench201

GENES = NASBench201().enumerate()[:3]
ABSENT = NASBench201().enumerate()[3:4]


def accuracy(split: str, epochs: int | None, run: str | None, *, nullable: bool = False) -> Column:
    return Column.named(metric="accuracy", split=split, epochs=epochs, run=run, nullable=nullable)


def seconds(epochs: int, run: str | None) -> Column:
    return Column.named(metric="seconds", split="train", epochs=epochs, run=run)


@pytest.fixture
def table(tmp_path: Path) -> Benchmark:
    columns = {
        accuracy("valid", 12, "0"): [0.11, 0.12, 0.13],
        accuracy("valid", 36, "0"): [0.21, 0.22, 0.23],
        accuracy("valid", 108, "0"): [0.31, 0.32, 0.33],
        accuracy("valid", 108, "1"): [0.41, 0.42, 0.43],
        accuracy("valid", 108, "2", nullable=True): [0.51, np.nan, 0.53],
        accuracy("valid", 4, "1"): [0.61, 0.62, 0.63],
        accuracy("test", 108, "mean"): [0.91, 0.92, 0.93],
        accuracy("test", None, None): [0.71, 0.72, 0.73],
        seconds(108, "0"): [1000.0, 2000.0, 3000.0],
        seconds(108, "1"): [1001.0, 2001.0, 3001.0],
        seconds(36, None): [400.0, 500.0, 600.0],
    }
    return write_benchmark(
        tmp_path / "table",
        name="table",
        space=NASBench201(),
        genes=GENES,
        columns={column: np.array(values) for column, values in columns.items()},
        signal="valid_accuracy_108_run0",
        evaluation="test_accuracy_108_mean",
        source={},
        licence="MIT",
    )


def test_it_is_an_oracle(table: Benchmark) -> None:
    assert isinstance(TabularOracle(table), Oracle)


def test_the_signal_and_its_cost(table: Benchmark, rng: np.random.Generator) -> None:
    answers = TabularOracle(table).evaluate(GENES[[2, 0, 2]], None, rng)
    np.testing.assert_allclose(answers.value, [0.33, 0.31, 0.33], atol=1e-7)
    assert answers.epochs.tolist() == [108, 108, 108]
    assert answers.cost_seconds.tolist() == [3000.0, 1000.0, 3000.0]
    assert answers.cost_epochs.tolist() == [108.0, 108.0, 108.0]


def test_the_same_at_other_epochs(table: Benchmark, rng: np.random.Generator) -> None:
    oracle = TabularOracle(table)
    np.testing.assert_allclose(oracle.evaluate(GENES, 12, rng).value, [0.11, 0.12, 0.13], atol=1e-7)
    assert np.isnan(oracle.evaluate(GENES, 12, rng).cost_seconds).all()
    at_36 = oracle.evaluate(GENES, 36, rng)
    np.testing.assert_allclose(at_36.value, [0.21, 0.22, 0.23], atol=1e-7)
    assert at_36.cost_seconds.tolist() == [400.0, 500.0, 600.0]
    assert at_36.epochs.tolist() == [36, 36, 36]
    with pytest.raises(ConfigurationError, match=r"no 'valid_accuracy_108_run0' at 4 epochs. Available: 12, 36, 108"):
        oracle.evaluate(GENES, 4, rng)


def test_another_signal_has_its_own_epochs_and_cost(table: Benchmark, rng: np.random.Generator) -> None:
    oracle = TabularOracle(table, "valid_accuracy_108_run1")
    answers = oracle.evaluate(GENES, None, rng)
    np.testing.assert_allclose(answers.value, [0.41, 0.42, 0.43], atol=1e-7)
    assert answers.cost_seconds.tolist() == [1001.0, 2001.0, 3001.0]
    np.testing.assert_allclose(oracle.evaluate(GENES, 4, rng).value, [0.61, 0.62, 0.63], atol=1e-7)
    with pytest.raises(ConfigurationError, match="Available: 4, 108"):
        oracle.evaluate(GENES, 12, rng)


@pytest.mark.parametrize("signal", ["test_accuracy_108_mean", "test_accuracy"])
def test_the_evaluation_is_out_of_reach(table: Benchmark, rng: np.random.Generator, signal: str) -> None:
    with pytest.raises(ConfigurationError, match="share a training run"):
        TabularOracle(table, signal).evaluate(GENES, None, rng)


def test_a_signal_without_epochs(table: Benchmark, rng: np.random.Generator) -> None:
    answers = TabularOracle(table.with_columns("test_accuracy", "valid_accuracy_108_run0")).evaluate(GENES, None, rng)
    assert answers.epochs.tolist() == [0, 0, 0]
    assert np.isnan(answers.cost_epochs).all()
    assert np.isnan(answers.cost_seconds).all()


def test_what_has_no_value_is_named(table: Benchmark, rng: np.random.Generator) -> None:
    with pytest.raises(UnknownArchitectureError, match="'table' has no row for architecture 1 of 2"):
        TabularOracle(table).evaluate(np.concatenate([GENES[:1], ABSENT]), None, rng)
    with pytest.raises(UnknownArchitectureError, match="has no 'valid_accuracy_108_run2' for architecture 1 of 3"):
        TabularOracle(table, "valid_accuracy_108_run2").evaluate(GENES, None, rng)
    with pytest.raises(UnknownNameError, match="Did you mean 'valid_accuracy_108_run"):
        TabularOracle(table, "valid_accuracy_108_run3").evaluate(GENES, None, rng)


def test_the_same_every_time_and_in_every_process(table: Benchmark, rng: np.random.Generator) -> None:
    oracle = TabularOracle(table)
    state = rng.bit_generator.state
    first = oracle.evaluate(GENES, None, rng)
    again = pickle.loads(pickle.dumps(oracle)).evaluate(GENES, None, rng)
    np.testing.assert_array_equal(first.value, again.value)
    assert rng.bit_generator.state == state


def test_its_levels_are_those_of_the_signals_own_run(table: Benchmark) -> None:
    assert TabularOracle(table).levels == (12, 36, 108)
    assert TabularOracle(table, "valid_accuracy_108_run1").levels == (4, 108)
    assert TabularOracle(table, "valid_accuracy_108_run2").levels == (108,)
    assert TabularOracle(table.with_columns("test_accuracy", "valid_accuracy_108_run0")).levels == ()


def test_every_level_can_be_asked_for(table: Benchmark, rng: np.random.Generator) -> None:
    oracle = TabularOracle(table)
    for level in oracle.levels:
        answers = oracle.evaluate(GENES, level, rng)
        assert answers.epochs.tolist() == [level] * 3
        assert answers.cost_epochs.tolist() == [level] * 3


def test_only_a_table_of_learning_curves_resumes(table: Benchmark, tmp_path: Path) -> None:
    assert TabularOracle(table).resumes is False
    curves = write_benchmark(
        tmp_path / "curves",
        name="curves",
        space=NASBench201(),
        genes=GENES,
        columns={accuracy("valid", epochs, "0"): np.array([0.1, 0.2, 0.3]) for epochs in (1, 3)},
        signal="valid_accuracy_3_run0",
        evaluation=None,
        source={"learning_curves": True},
        licence="MIT",
    )
    assert TabularOracle(curves).resumes is True
    assert pickle.loads(pickle.dumps(TabularOracle(curves))).resumes is True


@pytest.mark.parametrize("gene", [-1, 5, 9])
def test_genes_out_of_range_have_no_answer(table: Benchmark, rng: np.random.Generator, gene: int) -> None:
    genes = GENES.copy()
    genes[2, 4] = gene
    with pytest.raises(InvalidArchitectureError, match=rf"Row 2 of 3: gene 4 is {gene}, outside 0\.\.4"):
        TabularOracle(table).evaluate(genes, None, rng)
