from __future__ import annotations

import hashlib
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.nasbench101 import importing as nasbench101
from predictornas.benchmarks.nasbench101.importing import mean_column
from predictornas.benchmarks.recipes import Architecture, ImportRecipe, Measured
from predictornas.benchmarks.sources import is_tfrecord, read_tabular_source, read_tfrecord_source, refuse_pickle
from predictornas.errors import DataError
from predictornas.spaces.nasbench201 import to_string

ARCH = to_string(np.zeros(6, np.int8))


@pytest.mark.slow
@settings(max_examples=60)
@given(
    value=st.recursive(st.none() | st.integers() | st.text() | st.binary(), st.lists, max_leaves=60),
    protocol=st.integers(2, pickle.HIGHEST_PROTOCOL),
)
def test_no_pickle_passes_under_any_name(
    tmp_path_factory: pytest.TempPathFactory, value: object, protocol: int
) -> None:
    file = tmp_path_factory.mktemp("files") / "table.parquet"
    file.write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(DataError, match=r"is a pickle.*never loaded.*parquet or CSV"):
        refuse_pickle(file)


def test_a_large_pickle(tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(pickle.dumps(np.zeros(1_000_000)))
    with pytest.raises(DataError, match="is a pickle"):
        refuse_pickle(file)


@pytest.mark.parametrize("name", ["table.pkl", "table.pickle", "model.pt", "model.PTH"])
def test_the_suffixes_of_pickles(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("arch,accuracy\n")
    with pytest.raises(DataError, match="is a pickle"):
        refuse_pickle(tmp_path / name)


@pytest.mark.parametrize("length", [1, 128, 384, 700])  # 128 and 384 begin with the first byte of a pickle
def test_a_tfrecord_by_its_content(tmp_path: Path, length: int) -> None:
    file = tmp_path / "download"
    file.write_bytes(struct.pack("<Q", length) + b"\0" * (4 + length + 4))
    assert is_tfrecord(file)
    refuse_pickle(file)


def test_tables_are_no_tfrecord(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("arch,accuracy\n" + "x,0.5\n" * 10_000)
    pl.DataFrame({"arch": [ARCH] * 10}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "empty").write_bytes(b"")
    for name in ("a.csv", "a.parquet", "empty"):
        assert not is_tfrecord(tmp_path / name)
        refuse_pickle(tmp_path / name)
    (tmp_path / "torn.tfrecord").write_bytes(b"")
    assert is_tfrecord(tmp_path / "torn.tfrecord")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.csv cannot be read: No such file"):
        refuse_pickle(tmp_path / "nothing.csv")


def test_where_the_values_come_from_is_noted(tmp_path: Path) -> None:
    measured = Measured("a", Column.named(metric="accuracy", split="valid"), "percent")
    joined = Measured("b", Column.named(metric="accuracy", split="test"))
    other = ImportRecipe("nasbench201", Architecture(string="arch"), (joined,), "test_accuracy")
    how = ImportRecipe(
        "nasbench201",
        Architecture(string="arch"),
        (measured,),
        "valid_accuracy",
        "test_accuracy",
        licence="MIT",
        join=other,
    )
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    pl.DataFrame({"arch": [ARCH], "a": [50.0]}).write_csv(first)
    pl.DataFrame({"arch": [ARCH], "b": [0.4]}).write_csv(second)
    content = read_tabular_source(first, how, second)
    assert (content.space, content.signal, content.evaluation, content.licence) == (
        "nasbench201",
        "valid_accuracy",
        "test_accuracy",
        "MIT",
    )
    assert {column.name: values.tolist() for column, values in content.columns.items()} == {
        "valid_accuracy": [0.5],
        "test_accuracy": [0.4],
    }
    assert content.source["file"] == "first.csv"
    assert content.source["sha256"] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert content.source["joined"] == {"file": "second.csv", "sha256": hashlib.sha256(second.read_bytes()).hexdigest()}
    assert json.loads(json.dumps(content.source["recipe"]))["columns"][0]["unit"] == "percent"


def test_a_tfrecord_is_judged_at_its_largest_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genes = np.zeros((1, 26), np.int8)
    source = {"file": "x.tfrecord", "sha256": "0", "budgets": [4, 36]}
    told = []

    def read(path: Path, *, progress: object) -> tuple[object, ...]:
        told.append((path, progress))
        return genes, {mean_column(epochs): np.array([0.5]) for epochs in source["budgets"]}, source

    monkeypatch.setattr(nasbench101, "read_tfrecord", read)
    content = read_tfrecord_source(tmp_path / "x.tfrecord", None)
    assert (content.signal, content.evaluation) == ("valid_accuracy_36_run0", "test_accuracy_36_mean")
    assert content.genes is genes
    assert content.source is source
    assert told == [(tmp_path / "x.tfrecord", None)]
