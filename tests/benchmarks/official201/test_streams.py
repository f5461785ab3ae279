"""The pickles inside official files, whole and torn."""

from __future__ import annotations

import bz2
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from predictornas.benchmarks.official201 import machine, streams
from predictornas.benchmarks.official201.streams import TORCH_MAGIC, TORCH_PROTOCOL, read_official, read_small
from predictornas.errors import DataError

CONTENT = {"meta_archs": ["a", "b"], "arch2infos": {0: {"full": [0.5] * 50}, 1: {"full": "x" * 500}}}
SYSTEM = {"protocol_version": TORCH_PROTOCOL, "little_endian": True}


def legacy(*, system: object = SYSTEM, keys: object = (), magic: int = TORCH_MAGIC) -> bytes:
    parts = (magic, TORCH_PROTOCOL, system, CONTENT, list(keys))  # type: ignore[call-overload]
    return b"".join(pickle.dumps(part, protocol=2) for part in parts)


def zipped(path: Path, content: bytes, *, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
    return path


def read(path: Path) -> tuple[dict[str, Any], dict[int, Any]]:
    taken: dict[int, Any] = {}
    return read_official(path, taken.__setitem__), taken


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_every_form_holds_the_same(tmp_path: Path) -> None:
    forms = [
        written(tmp_path / "legacy.pth", legacy()),
        zipped(tmp_path / "zipped.pth", pickle.dumps(CONTENT, protocol=2)),
        written(tmp_path / "plain.pth", pickle.dumps(CONTENT, protocol=4)),
        written(tmp_path / "a.pickle.pbz2", bz2.compress(pickle.dumps(CONTENT, protocol=4))),
    ]
    for path in forms:
        rest, taken = read(path)
        assert taken == CONTENT["arch2infos"]
        assert rest == {"meta_archs": ["a", "b"], "arch2infos": {0: None, 1: None}}


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pickle.pbz2", bz2.compress(pickle.dumps(CONTENT)))
    told: list[tuple[int, int]] = []
    read_official(path, lambda index, state: None, lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size,) * 2


def test_a_torn_file_is_refused_wherever_it_is_torn(tmp_path: Path) -> None:
    compressed = bz2.compress(pickle.dumps(CONTENT))
    for content in (compressed, legacy()):
        for kept in (0, 1, len(content) // 2, len(content) - 1):
            with pytest.raises(DataError, match=r"torn\.x"):
                read(written(tmp_path / "torn.x", content[:kept]))


def test_altered_compressed_bytes_are_noticed(tmp_path: Path) -> None:
    content = bytearray(bz2.compress(pickle.dumps(CONTENT)))
    content[-2] ^= 1  # of the checksum
    with pytest.raises(DataError, match="cannot be read"):
        read(written(tmp_path / "altered", bytes(content)))
    archive = zipped(tmp_path / "altered.pth", pickle.dumps(CONTENT, protocol=2))
    archive.write_bytes(archive.read_bytes().replace(b"x" * 500, b"y" * 500))
    with pytest.raises(DataError, match=r"is torn .*CRC"):
        read(archive)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello, this is text", "no file of torch and no compressed pickle"),
        (bz2.compress(pickle.dumps([1])), "holds no dictionary of results"),
        (bz2.compress(pickle.dumps(CONTENT)) + b"more", "something stands behind"),
        (bz2.compress(pickle.dumps(CONTENT) + b"more"), "it goes on behind its end"),
        (legacy(keys=["0"]), "it holds tensors"),
        (legacy(system={"little_endian": False}), "another byte order"),
        (legacy(magic=5), "it goes on behind its end"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(written(tmp_path / "other", content))


def test_an_archive_that_torch_did_not_write_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.pth", pickle.dumps(CONTENT), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="no archive that torch wrote"):
        read(path)


def test_a_small_file_that_grows_large_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_INSTRUCTIONS", 1000)
    monkeypatch.setattr(streams, "_BLOCK", 1 << 16)
    bomb = written(tmp_path / "bomb", bz2.compress(b"\x80\x02" + b"N" * 2_000_000))
    assert bomb.stat().st_size < 200
    with pytest.raises(DataError, match="grows to more than 100,000 bytes"):
        read_small(bomb, 100_000)
    with pytest.raises(DataError, match="instructions for one architecture"):
        read_small(bomb, 1 << 26)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.pth cannot be read \(No such file"):
        read(tmp_path / "gone.pth")
    assert streams.MOST_BYTES > 9e9
