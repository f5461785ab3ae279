from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from predictornas.spaces.cache import cached_arrays


class Builder:
    """Counts how often the arrays were computed; gives something else every time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"rows": np.arange(12, dtype=np.int8).reshape(4, 3), "keys": np.full(4, self.calls, np.uint64)}


@pytest.fixture
def build() -> Builder:
    return Builder()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the arrays `spaces`, version 1, are kept."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "spaces-v1"


def test_arrays_are_built_once(folder: Path, build: Builder) -> None:
    first = cached_arrays("spaces", 1, build)
    second = cached_arrays("spaces", 1, build)
    assert build.calls == 1
    for arrays in (first, second):
        assert set(arrays) == {"rows", "keys"}
        assert arrays["rows"].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        assert arrays["rows"].dtype == np.int8
        assert arrays["keys"].tolist() == [1, 1, 1, 1]
        assert not any(array.flags.writeable for array in arrays.values())
    assert sorted(path.name for path in folder.parent.iterdir()) == ["spaces-v1"]


def test_what_is_on_disk_is_mapped_not_read(folder: Path, build: Builder) -> None:
    cached_arrays("spaces", 1, build)
    assert all(isinstance(array, np.memmap) for array in cached_arrays("spaces", 1, build).values())


def test_names_and_versions_do_not_share_arrays(folder: Path, build: Builder) -> None:
    assert cached_arrays("spaces", 1, build)["keys"][0] == 1
    assert cached_arrays("spaces", 2, build)["keys"][0] == 2
    assert cached_arrays("other", 1, build)["keys"][0] == 3
    assert cached_arrays("spaces", 1, build)["keys"][0] == 1


def test_a_torn_file_is_rebuilt(folder: Path, build: Builder) -> None:
    cached_arrays("spaces", 1, build)
    content = (folder / "keys.npy").read_bytes()
    for size in (0, 10, len(content) - 1):
        (folder / "keys.npy").write_bytes(content[:size])
        before = build.calls
        assert cached_arrays("spaces", 1, build)["keys"].tolist() == [before + 1] * 4
        assert cached_arrays("spaces", 1, build)["keys"].tolist() == [before + 1] * 4
        assert build.calls == before + 1


@pytest.mark.parametrize("name", ["rows.npy", "keys.npy", "manifest.json"])
def test_a_missing_file_is_rebuilt(folder: Path, build: Builder, name: str) -> None:
    cached_arrays("spaces", 1, build)
    (folder / name).unlink()
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2
    assert (folder / name).exists()


MANIFESTS = {
    "empty": b"",
    "text": b"not json",
    "binary": b"\xff\xfe\x00\x80",
    "list": b"[]",
    "null": b"null",
    "no sizes": b'{"version": 1}',
    "sizes of another type": b'{"version": 1, "bytes": 3}',
    "size of another type": b'{"version": 1, "bytes": {"rows": "many", "keys": null}}',
    "unknown file": b'{"version": 1, "bytes": {"absent": 5}}',
    "another version": None,
}


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_of_another_kind_is_rebuilt(folder: Path, build: Builder, content: bytes | None) -> None:
    cached_arrays("spaces", 1, build)
    manifest = json.loads((folder / "manifest.json").read_text())
    other = json.dumps(manifest | {"version": 0}).encode()
    (folder / "manifest.json").write_bytes(other if content is None else content)
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2
    assert json.loads((folder / "manifest.json").read_text()) == manifest


@pytest.mark.parametrize("size", [0, 200])
def test_a_file_that_is_no_array_is_rebuilt(folder: Path, build: Builder, size: int) -> None:
    cached_arrays("spaces", 1, build)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["bytes"]["keys"] = size
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "keys.npy").write_bytes(bytes(size))
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2


def test_a_pickle_is_never_opened(folder: Path, build: Builder) -> None:
    cached_arrays("spaces", 1, build)
    np.save(folder / "keys.npy", np.array([{"any": "object"}], object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["bytes"]["keys"] = (folder / "keys.npy").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert cached_arrays("spaces", 1, build)["keys"].dtype == np.uint64


def test_a_cache_that_cannot_be_written_still_gives_arrays(
    tmp_path: Path, build: Builder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "taken"))
    for call in (1, 2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            arrays = cached_arrays("spaces", 1, build)
        assert arrays["keys"].tolist() == [call] * 4
        assert not any(array.flags.writeable for array in arrays.values())
        assert len(caplog.messages) == 1
        assert "cannot be used" in caplog.messages[0]
