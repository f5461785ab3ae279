from __future__ import annotations

from pathlib import Path

import numpy as np

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.compat.nasbench_runs import MeasuredRun, runs_of
from predictornas.spaces.nasbench101 import NASBench101

HALF, NOTHING = 0.5, np.nan


def accuracy(split: str, epochs: int, run: str | None) -> Column:
    return Column.named(metric="accuracy", split=split, epochs=epochs, run=run, nullable=True)


def table(folder: Path) -> Benchmark:
    """Two cells; at 4 epochs runs 0 and 2 with one time for both, at 12 a run without number, at 36 a mean."""
    genes = np.array([[*[0] * 15, 1, 0, 0, 0, 0, 0, *[3] * 5], [1, *[0] * 15, 1, 0, 0, 0, 0, 2, *[3] * 4]], np.int8)
    columns = {
        accuracy("test", 4, "2"): np.array([0.25, 0.75]),
        accuracy("test", 4, "0"): np.array([NOTHING, HALF]),
        accuracy("valid", 12, None): np.array([HALF, HALF]),
        accuracy("test", 36, "mean"): np.array([HALF, NOTHING]),
        Column.named(metric="seconds", split="train", epochs=4, nullable=True): np.array([NOTHING, 8.0]),
        Column.named(metric="halfway_accuracy", split="valid", epochs=4, run="2"): np.array([0.125, 0.375]),
    }
    return write_benchmark(
        folder, name="small", space=NASBench101(), genes=genes, columns=columns, signal="test_accuracy_4_run0",
        evaluation=None, source={}, licence="none",
    )  # fmt: skip


def test_runs_are_those_with_numbers_or_the_one_without_or_the_mean(tmp_path: Path) -> None:
    runs = runs_of(table(tmp_path / "table"))
    assert {epochs: len(told_apart) for epochs, told_apart in runs.items()} == {4: 2, 12: 1, 36: 1}
    zero, two = runs[4]
    assert [zero.value("final", "test_accuracy", row) for row in (0, 1)] == [None, 0.5]
    assert [two.value("final", "test_accuracy", row) for row in (0, 1)] == [0.25, 0.75]
    assert runs[12][0].value("final", "validation_accuracy", 1) == 0.5
    assert runs[36][0].value("final", "test_accuracy", 0) == 0.5


def test_a_value_without_run_holds_for_every_run_and_what_is_missing_is_none(tmp_path: Path) -> None:
    zero, two = runs_of(table(tmp_path / "table"))[4]
    for run in (zero, two):
        assert [run.value("final", "training_time", row) for row in (0, 1)] == [None, 8.0]
        assert run.value("final", "train_accuracy", 1) is None
    assert (zero.has("halfway"), two.has("halfway")) == (False, True)
    assert two.all_values(1) == {
        "halfway_training_time": None,
        "halfway_train_accuracy": None,
        "halfway_validation_accuracy": 0.375,
        "halfway_test_accuracy": None,
        "final_training_time": 8.0,
        "final_train_accuracy": None,
        "final_validation_accuracy": None,
        "final_test_accuracy": 0.75,
    }


def test_a_cell_without_any_value_was_not_trained(tmp_path: Path) -> None:
    runs = runs_of(table(tmp_path / "table"))
    assert [runs[36][0].is_there(row) for row in (0, 1)] == [True, False]
    assert [runs[4][0].is_there(row) for row in (0, 1)] == [False, True]
    assert [runs[4][1].is_there(row) for row in (0, 1)] == [True, True]
    assert not MeasuredRun(table(tmp_path / "again"), 108, "0").is_there(0)
