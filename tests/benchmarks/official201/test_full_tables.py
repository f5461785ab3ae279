from __future__ import annotations

import pickle
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.importing import import_official, import_table
from predictornas.benchmarks.official201.full_tables import full_tables
from predictornas.benchmarks.official201.importing import OfficialTable
from predictornas.oracles.tabular import TabularOracle
from tests.benchmarks.official201.test_curves import content as halves


def table(genes: list[list[int]], values: dict[Column, list[float]]) -> OfficialTable:
    columns = {column: np.array(numbers) for column, numbers in values.items()}
    return OfficialTable("nasbench201", np.array(genes, np.int8), columns, "", None, {}, (Path(), {}))


def accuracy(split: str, epochs: int, run: str, metric: str = "accuracy") -> Column:
    return Column.named(metric=metric, split=split, epochs=epochs, run=run)


def test_validation_and_seconds_are_of_one_table_and_test_of_the_other() -> None:
    """The other has the cells in another order, and one cell less."""
    half = table(
        [[0] * 6, [1] * 6, [2] * 6],
        {
            accuracy("valid", 200, "0"): [0.1, 0.2, 0.3],
            accuracy("valid", 100, "0"): [0.7, 0.7, 0.7],
            accuracy("valid", 12, "1", "of12_accuracy"): [0.4, 0.5, 0.6],
            accuracy("valid", 200, "mean"): [0.11, 0.22, 0.33],
            accuracy("test", 200, "mean"): [0.9, 0.9, 0.9],
            Column.named(metric="seconds", split="train", epochs=200, run="0"): [1.0, 2.0, 3.0],
            Column.named(metric="seconds", split="train", epochs=200, run="1"): [3.0, 4.0, np.nan],
            Column.named(metric="of12_seconds", split="train", epochs=12): [5.0, 6.0, 7.0],
            Column.named(metric="parameters"): [10, 20, 30],
            Column.named(metric="flops"): [1, 1, 1],
        },
    )
    whole = table(
        [[2] * 6, [0] * 6],
        {accuracy("test", 200, "mean"): [0.33, 0.31], accuracy("test", 12, "0", "of12_accuracy"): [0.63, 0.61]},
    )
    [(dataset, genes, columns, signal, evaluation)] = full_tables({"cifar10-valid": half, "cifar10": whole})
    assert (dataset, signal, evaluation) == ("cifar10", "valid_accuracy_200_run0", "test_accuracy_200_mean")
    np.testing.assert_array_equal(genes, [[0] * 6, [2] * 6])
    assert {column.name: values.tolist() for column, values in columns.items()} == {
        "valid_accuracy_200_run0": [0.1, 0.3],
        "valid_accuracy_200_mean": [0.11, 0.33],
        "parameters": [10, 30],
        "test_accuracy_200_mean": [0.31, 0.33],
        "valid_accuracy_12_run0": [0.4, 0.6],
        "test_accuracy_12_run0": [0.61, 0.63],
        "train_seconds_12": [5, 7],
        "train_seconds_200": [2, 3],
    }


def test_no_table_without_both_parts() -> None:
    half = table([[0] * 6], {accuracy("valid", 200, "0"): [0.1]})
    whole = table([[1] * 6], {accuracy("test", 200, "mean"): [0.1]})
    assert list(full_tables({"cifar10-valid": half})) == []
    assert list(full_tables({"cifar10-valid": half, "cifar10": whole})) == []
    both = [[0] * 6, [1] * 6]
    whole = table(both, {accuracy("test", 200, "mean"): [0.1, 0.2]})
    unmeasured = table([*both, [2] * 6], {accuracy("valid", 200, "0"): [np.nan, np.nan, 0.1]})  # where the other is
    assert list(full_tables({"cifar10-valid": unmeasured, "cifar10": whole})) == []


def content() -> dict[str, Any]:
    """Two cells of the form of the official file, each trained once and twice on half of CIFAR-10 and on all of it."""
    made = deepcopy(halves())
    for state in made["arch2infos"].values():
        long = state["full"]["all_results"]
        for (_, seed), trial in list(long.items()):
            tests = {name: value - 7 for name, value in trial["eval_acc1es"].items() if "ori-test" in name}
            long["cifar10", seed] = {**deepcopy(trial), "eval_names": ["ori-test"], "eval_acc1es": tests}
        once = {key: {**deepcopy(trial), "epochs": 1} for key, trial in long.items() if key[1] == 777}
        for trial in once.values():
            trial["eval_acc1es"] = {name.replace("@1", "@0"): value for name, value in trial["eval_acc1es"].items()}
        state["less"] = {**state["full"], "all_results": once}
    return made


@pytest.mark.slow
def test_an_official_file_makes_them_too_and_one_that_is_there_stays(tmp_path: Path, store: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content(), protocol=2))
    tables = {table.name: table for table in import_official("nasbench201", tmp_path / "a.pth")}
    assert list(tables) == [
        "nasbench201-official-cifar10-valid",
        "nasbench201-official-cifar10",
        "nasbench201-full-cifar10",
    ]
    valid, test, full = tables.values()
    for ours, table, theirs in (
        ("valid_accuracy_1_run0", valid, "valid_of1_accuracy_1_run0"),
        ("valid_accuracy_2_run0", valid, "valid_accuracy_2_run0"),
        ("test_accuracy_2_mean", test, "test_accuracy_2_mean"),
    ):
        np.testing.assert_array_equal(full.values(ours), table.values(theirs))
    assert (full.values("test_accuracy_2_mean") < valid.values("test_accuracy_2_mean")).all()
    oracle = TabularOracle(full)
    assert (oracle.levels, oracle.resumes) == ((1, 2), False)
    arch = [full.space.describe(row) for row in full.genes]

    assert [table.name for table in import_official("nasbench201", tmp_path / "a.pth")] == list(tables)
    shutil.rmtree(store / "nasbench201-full-cifar10")
    import_table("nasbench201-full-cifar10", other_file(tmp_path, arch))
    assert [table.name for table in import_official("nasbench201", tmp_path / "a.pth")] == list(tables)[:2]
    assert open_benchmark("nasbench201-full-cifar10").manifest["source"]["file"] == "other.csv"


def other_file(folder: Path, arch: list[str]) -> Path:
    """A file as the recipe of `nasbench201-full-cifar10` reads it."""
    names = ["valid_12ep", "test_12ep", *(f"valid_200ep_seed{run}" for run in range(3)), "test_200ep_mean"]
    costs = ["train_seconds_200ep", "latency_seconds", "params_millions"]
    columns = {f"cifar10_{name}": [10.0 + row for row in range(len(arch))] for name in (*names, *costs)}
    pl.DataFrame({"arch": arch, **columns}).write_csv(folder / "other.csv")
    return folder / "other.csv"
