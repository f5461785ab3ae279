from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.layout import facts_of_files, file_of, read_manifest
from predictornas.benchmarks.table import write_benchmark
from predictornas.errors import StoreError
from predictornas.spaces.nasbench201 import NASBench201

ACCURACY = Column.named(metric="accuracy", split="valid", epochs=200, run="0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_benchmark(
        tmp_path / "one",
        name="one",
        space=NASBench201(),
        genes=np.zeros((1, 6), np.int8),
        columns={ACCURACY: np.array([0.5])},
        signal=ACCURACY.name,
        evaluation=None,
        source={},
        licence="MIT",
    ).folder


def change(folder: Path, **entries: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_a_whole_folder(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert (manifest["name"], manifest["rows"], manifest["evaluation"]) == ("one", 1, None)
    assert set(manifest["files"]) == {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix == ".npy"
    }
    assert file_of(ACCURACY) in manifest["files"]


def test_facts_of_files(tmp_path: Path) -> None:
    (tmp_path / "columns").mkdir()
    (tmp_path / "columns" / "a.npy").write_bytes(b"abc")
    (tmp_path / "manifest.json").write_text("{}")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert facts_of_files(tmp_path) == {"columns/a.npy": {"bytes": 3, "sha256": sha256}}


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest.json cannot be read .*no benchmark"):
        read_manifest(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema_version": ', "\x00"])
def test_a_torn_manifest(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match="cannot be read"):
        read_manifest(folder)


def test_another_schema_version(folder: Path) -> None:
    change(folder, schema_version=2)
    with pytest.raises(StoreError, match="schema version 2, but 1 is read"):
        read_manifest(folder)


def test_a_missing_entry(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["signal"], manifest["rows"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="lacks rows, signal"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "columns",
    [
        [{"name": "../../outside", "metric": "accuracy"}],
        [{"metric": "accuracy"}],
        [{"name": "accuracy", "metric": "accuracy", "colour": "red"}],
        ["accuracy"],
        7,
    ],
)
def test_columns_that_are_none(folder: Path, columns: Any) -> None:
    change(folder, columns=columns)
    with pytest.raises(StoreError, match="describes its columns or files wrongly"):
        read_manifest(folder)


def test_files_that_no_column_needs(folder: Path) -> None:
    change(folder, files={"../outside.npy": {"bytes": 1, "sha256": "0"}})
    with pytest.raises(StoreError, match="lists other files"):
        read_manifest(folder)


def test_a_missing_and_a_short_file(folder: Path) -> None:
    path = folder / file_of(ACCURACY)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(StoreError, match=f"run0.npy has {len(content) - 1} bytes, not {len(content)}"):
        read_manifest(folder)
    path.unlink()
    with pytest.raises(StoreError, match=r"run0.npy is missing"):
        read_manifest(folder)
