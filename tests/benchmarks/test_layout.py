from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.layout import facts_of_files, file_of, read_manifest
from predictornas.benchmarks.table import write_benchmark
from predictornas.errors import StoreError
from predictornas.reading import sealed
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
    rewrite(folder, {**json.loads((folder / "manifest.json").read_text()), **entries})


def rewrite(folder: Path, manifest: dict[str, Any]) -> None:
    """As if it had been written like this: with the checksum of the new content."""
    manifest.pop("sha256", None)
    (folder / "manifest.json").write_text(json.dumps(sealed(manifest)))


def test_a_whole_folder(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert (manifest["name"], manifest["rows"], manifest["evaluation"]) == ("one", 1, ACCURACY.name)
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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "cannot be read as JSON") for text in ("", "{", '{"schema_version": ', "\x00", "[" * 900 + "]" * 900)),
        ("[]", "a JSON object was expected, not list"),
        ("{}", "lacks schema_version"),
        ('{"schema_version": "1"}', "'schema_version' is '1', not of type int"),
        ('{"schema_version": true}', "'schema_version' is True, not of type int"),
    ],
)
def test_a_torn_manifest(folder: Path, text: str, reason: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=reason):
        read_manifest(folder)


def test_an_altered_manifest_is_noticed(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"licence": "MIT"', '"licence": "GPL"'))
    with pytest.raises(StoreError, match="was altered: its checksum does not match"):
        read_manifest(folder)


def test_a_manifest_of_version_1_has_no_checksum_and_is_read(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["sha256"]
    manifest["schema_version"] = 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert read_manifest(folder) == manifest
    manifest["schema_version"] = 2
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="checksum"):
        read_manifest(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "value"),
    [
        *(("rows", value) for value in (None, "7", 1.5, True, -1, 10**30)),
        *(("signal", value) for value in (None, "test_accuracy_200_run0", 7, ["accuracy"])),
        ("evaluation", "valid_accuracy_200_run1"),
        ("files", {"genes.npy": {"bytes": "12", "sha256": "0"}}),
        ("files", {"genes.npy": 7}),
        ("files", []),
        ("source", "file"),
        ("space", None),
    ],
)
def test_entries_of_a_wrong_kind(folder: Path, entry: str, value: Any) -> None:
    path = folder / "manifest.json"
    manifest = {**json.loads(path.read_text()), entry: value}
    del manifest["sha256"]
    path.write_text(json.dumps(manifest if entry == "rows" and value == 10**30 else sealed(manifest)))
    with pytest.raises(StoreError, match=r"Import the table again|Import it again"):
        read_manifest(folder)


def test_another_schema_version(folder: Path) -> None:
    change(folder, schema_version=3)
    with pytest.raises(StoreError, match="schema version 3, but 2 is read"):
        read_manifest(folder)


def test_a_missing_entry(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["signal"], manifest["rows"]
    rewrite(folder, manifest)
    with pytest.raises(StoreError, match="lacks rows, signal"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "columns",
    [
        [{**asdict(ACCURACY), "name": "../../outside"}],
        [{**asdict(ACCURACY), "epochs": "200"}],
        [{**asdict(ACCURACY), "epochs": -1}],
        [{"metric": "accuracy"}],
        ["accuracy"],
        7,
    ],
)
def test_columns_that_are_none(folder: Path, columns: Any) -> None:
    change(folder, columns=columns)
    with pytest.raises(StoreError, match=r"a column|describes a column wrongly|'columns' is 7"):
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
