from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from predictornas.errors import StoreError
from predictornas.executors.transfer import Parcel, Piece, Watched, parcel_of
from predictornas.files import writing_file, writing_folder
from predictornas.journal import Journal, read_records


def pair(tmp_path: Path, name: str) -> tuple[Path, Path]:
    """The place at home, and the one away."""
    (tmp_path / "home").mkdir()
    (tmp_path / "away").mkdir()
    return tmp_path / "home" / name, tmp_path / "away" / name


def test_a_file_travels_when_it_has_changed(tmp_path: Path) -> None:
    home, away = pair(tmp_path, "result.json")
    assert parcel_of(home) == Parcel()
    watched = Watched(away)
    assert watched.changes() == Parcel()
    for content in (b"one", b"two"):
        with writing_file(away) as temporary:
            temporary.write_bytes(content)
        parcel = watched.changes()
        assert parcel == Parcel((Piece(".", content),))
        parcel.unpack(home)
        assert home.read_bytes() == content
        assert watched.changes() == Parcel()
    assert parcel_of(home) == Parcel((Piece(".", b"two"),))
    away.unlink()
    watched.changes().unpack(home)
    assert not home.exists()


def test_a_change_of_the_same_length_in_the_same_moment_is_seen(tmp_path: Path) -> None:
    _, away = pair(tmp_path, "a")
    away.write_bytes(b"one")
    watched = Watched(away)
    times = away.stat()
    away.write_bytes(b"two")
    os.utime(away, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert watched.changes().pieces == (Piece(".", b"two"),)


def test_what_lay_at_home_does_not_travel_back(tmp_path: Path) -> None:
    home, away = pair(tmp_path, "run")
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "x.npy").write_bytes(b"x")
    (home / ".y.predictornas-partial").write_bytes(b"torn")
    parcel_of(home).unpack(away)
    assert sorted(path.name for path in away.rglob("*")) == ["deep", "x.npy"]
    assert Watched(away).changes() == Parcel()


def test_of_a_journal_only_new_whole_lines_travel(tmp_path: Path) -> None:
    home, away = pair(tmp_path, "a.jsonl")
    watched = Watched(away)
    with Journal(away) as journal:
        journal.append({"a": 1})
        watched.changes().unpack(home)
        size = home.stat().st_size
        journal.append({"a": 2})
    with away.open("ab") as stream:
        stream.write(b'{"a":')
    [piece] = watched.changes().pieces
    assert piece.offset == size
    assert piece.content is not None
    assert piece.content.endswith(b"}\n")
    assert piece.content.count(b"\n") == 1
    Parcel((piece,)).unpack(home)
    assert watched.changes() == Parcel()
    assert read_records(home) == [{"a": 1}, {"a": 2}]
    watched.changes(last=True).unpack(home)
    assert home.read_bytes() == away.read_bytes()


@pytest.mark.parametrize("more", [0, 1, 30])
def test_a_line_that_is_torn_at_home_is_mended_there(tmp_path: Path, more: int) -> None:
    home, away = pair(tmp_path, "a.jsonl")
    with Journal(home) as journal:
        journal.append({"a": 1})
    with home.open("ab") as stream:
        stream.write(b'{"a":2,"bbbbbbbbbbbbbbbbbbbb')
    parcel_of(home).unpack(away)
    watched = Watched(away)
    with Journal(away) as journal:
        assert journal.repaired
        for number in range(more):
            journal.append({"more": number})
    watched.changes(last=True).unpack(home)
    assert home.read_bytes() == away.read_bytes()


def test_a_journal_that_was_written_anew_travels_whole(tmp_path: Path) -> None:
    _, away = pair(tmp_path, "a.jsonl")
    away.write_bytes(b"1\n2\n")
    watched = Watched(away)
    with writing_file(away) as temporary:
        temporary.write_bytes(b"3\n4\n5\n")
    assert watched.changes() == Parcel((Piece(".", b"3\n4\n5\n"),))


def test_a_folder_that_appears_or_is_exchanged_as_a_whole_does_so_at_home(tmp_path: Path) -> None:
    home, away = pair(tmp_path, "table")
    watched = Watched(away)
    for name in ("a", "b"):
        with writing_folder(away) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / name).write_bytes(b"1")
            assert not watched.changes().pieces
        parcel = watched.changes()
        assert parcel == Parcel((Piece(f"deep/{name}", b"1"),), whole=True)
        parcel.unpack(home)
        assert [path.name for path in (home / "deep").iterdir()] == [name]


def test_files_of_a_folder_come_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    """So that one that is killed between two of them leaves what the task itself could have left."""
    _, away = pair(tmp_path, "run")
    away.mkdir()
    watched = Watched(away)
    for name in ("z.log", "a.checkpoint", "m.log"):
        (away / name).write_bytes(b"1")
        time.sleep(0.02)
    assert [piece.name for piece in watched.changes().pieces] == ["z.log", "a.checkpoint", "m.log"]
    (away / "z.log").unlink()
    assert watched.changes() == Parcel((Piece("z.log", None),))


def test_a_journal_at_home_that_others_have_cut_is_not_filled_with_zeros(tmp_path: Path) -> None:
    home, _ = pair(tmp_path, "a.jsonl")
    home.write_bytes(b"1\n")
    with pytest.raises(StoreError, match="was cut to less than 4 bytes"):
        Parcel((Piece(".", b"3\n", 4),)).unpack(home)
    assert home.read_bytes() == b"1\n"
