from __future__ import annotations

import json
import logging
import resource
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas import journal as module
from predictornas.errors import BusyJournalError, JournalError, StoreError
from predictornas.journal import Journal, iterate_records, last_record, read_records

VALUES = (
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.lists(st.integers())
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "journal.jsonl"


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)


def write(path: Path, records: list[dict[str, Any]]) -> bytes:
    with Journal(path) as journal:
        for record in records:
            journal.append(record)
    return path.read_bytes()


def sealed(text: bytes) -> bytes:
    """The first line of a journal."""
    return text + b'"crc32":"%08x"}\n' % zlib.crc32(text)


def test_a_new_journal_is_an_empty_file(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.records == []
        assert not journal.repaired
    assert path.read_bytes() == b""


def test_one_record_is_one_line_of_plain_json(path: Path) -> None:
    first = b'{"a":1,"b":"two\\nlines, \\u00fc",'
    first += b'"crc32":"%08x"}\n' % zlib.crc32(first)
    second = b'{"crc32":"%08x"}\n' % zlib.crc32(first + b"{")  # of the whole file before it
    assert write(path, [{"a": 1, "b": "two\nlines, ü"}, {}]) == first + second
    assert [json.loads(line)["crc32"] for line in (first, second)] == [first[-11:-3].decode(), second[-11:-3].decode()]


def test_a_record_is_in_the_file_before_append_returns(path: Path) -> None:
    with Journal(path) as journal:
        journal.append({"order": 0})
        assert path.read_bytes() == sealed(b'{"order":0,')
        assert journal.records == list(journal) == read_records(path) == [{"order": 0}]
        assert len(journal) == 1


def test_records_do_not_change_with_the_object_that_was_appended(path: Path) -> None:
    with Journal(path) as journal:
        record = {"order": 0}
        journal.append(record)
        record["order"] = 9
        assert journal.records == [{"order": 0}]


@pytest.mark.slow
@settings(max_examples=60)
@given(records=RECORDS, data=st.data())
def test_a_file_cut_at_any_byte_gives_back_every_complete_record(
    records: list[dict[str, Any]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        content = write(path, records)
        ends = [0, *(place + 1 for place, byte in enumerate(content) if byte == ord("\n"))]
        assert len(ends) == len(records) + 1
        cut = data.draw(st.integers(0, len(content)), label="cut")
        complete = sum(end <= cut for end in ends) - 1
        path.write_bytes(content[:cut])
        assert read_records(path) == records[:complete]
        assert path.stat().st_size == cut
        with Journal(path) as journal:
            assert journal.records == records[:complete]
            assert journal.repaired == (cut != ends[complete])
            assert path.stat().st_size == ends[complete]
            journal.append({"after": "the cut"})
        assert read_records(path) == [*records[:complete], {"after": "the cut"}]


def test_every_cut_of_one_journal_is_repaired(path: Path) -> None:
    records = [{"order": 0, "genes": [1, 0]}, {"order": 1, "value": 0.25}]
    content = write(path, records)
    first = content.index(b"\n") + 1
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        with Journal(path) as journal:
            assert journal.records == records[: int(cut >= first)]
            assert journal.repaired == (cut not in (0, first))
        assert path.read_bytes() == (content[:first] if cut >= first else b"")


def test_a_repair_is_reported_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"a":1}\n{"b"')
    with caplog.at_level(logging.WARNING), Journal(path) as journal:
        assert journal.repaired
    assert [str(path) in message for message in caplog.messages] == [True]
    caplog.clear()
    with caplog.at_level(logging.WARNING), Journal(path) as journal:
        assert not journal.repaired
    assert not caplog.messages


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), [0.5, float("nan")]])
def test_nan_and_infinity_are_refused(path: Path, value: object) -> None:
    with Journal(path) as journal:
        with pytest.raises(ValueError, match="JSON compliant"):
            journal.append({"value": value})
        journal.append({"value": 0.5})
        assert journal.records == [{"value": 0.5}]
    assert read_records(path) == [{"value": 0.5}]


BROKEN = {
    "text": b"not json",
    "torn": b'{"a":',
    "blank": b"",
    "bytes": b"\xff\xfe\x00",
    "list": b"[1]",
    "number": b"1",
    "null": b"null",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("after", [b'{"b":2}\n', b""], ids=["middle", "last"])
def test_a_broken_complete_line_is_an_error_that_names_it(path: Path, line: bytes, after: bytes) -> None:
    path.parent.mkdir()
    content = b'{"a":1}\n' + line + b"\n" + after
    path.write_bytes(content)
    for read in (Journal, read_records, Journal):  # twice: an error must not keep the file locked
        with pytest.raises(JournalError, match=r"line 2: (not JSON|a JSON object was expected)") as caught:
            read(path)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_full_disk_keeps_what_was_recorded_before(path: Path) -> None:
    journal = Journal(path)
    journal.append({"order": 0})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(StoreError, match="Could not append"), journal:
            journal.append({"order": 1, "genes": [0] * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.records == [{"order": 0}]
    assert path.read_bytes() == before


def test_what_another_process_has_written_meanwhile_is_left_alone(path: Path) -> None:
    """It took the run from one that was stopped for long, on a file system without `flock` between machines."""
    with Journal(path) as stopped:
        stopped.append({"order": 0})
        here = path.read_bytes()
        other = path.with_name("other.jsonl")
        other.write_bytes(here)
        with Journal(other) as journal:
            journal.append({"order": 1})
            journal.append({"order": 2})
        with path.open("ab") as stream:
            stream.write(other.read_bytes()[len(here) :])
        with pytest.raises(BusyJournalError, match="was written by another process"):
            stopped.append({"order": 1})
    assert read_records(path) == [{"order": 0}, {"order": 1}, {"order": 2}]


def test_appending_goes_on_after_a_failed_append(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
        try:
            with pytest.raises(StoreError):
                journal.append({"genes": [0] * 100})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        journal.append({"order": 0})
    assert path.read_bytes() == sealed(b'{"order":0,')


def test_a_journal_is_open_in_one_place_only(path: Path) -> None:
    with Journal(path) as journal:
        journal.append({"a": 1})
        with pytest.raises(BusyJournalError, match="being written by another process"):
            Journal(path)
        assert read_records(path) == [{"a": 1}]
    with Journal(path) as journal:
        assert journal.records == [{"a": 1}]


def test_closing_twice_is_safe(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()


def test_a_path_that_cannot_be_a_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for path in (tmp_path, tmp_path / "taken" / "journal.jsonl"):
        with pytest.raises(StoreError, match="Could not open the journal"):
            Journal(path)


RUN = [{"order": 0, "value": 0.25}, {"order": 1, "value": 0.5}, {"order": 2, "value": 0.75}]


@pytest.mark.slow
def test_every_altered_byte_is_found_and_the_line_named(path: Path) -> None:
    content = write(path, RUN)
    for place in range(len(content)):
        for bit in (0, 3, 7):
            altered = bytearray(content)
            altered[place] ^= 1 << bit
            path.write_bytes(altered)
            if place == len(content) - 1:  # the last line has no end any more: as if it had been cut
                assert read_records(path) == RUN[:2]
                continue
            with pytest.raises(JournalError, match=r"line [123]: (damaged|not JSON)") as caught:
                read_records(path)
            line = content[:place].count(b"\n") + 1
            # a first line without a seal looks like one of an older version until the next one speaks
            assert any(f"line {found}:" in str(caught.value) for found in (line, line + (line == 1)))


LINES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "missing": lambda lines: [lines[0], lines[2]],
    "first missing": lambda lines: lines[1:],
    "doubled": lambda lines: [lines[0], lines[1], lines[1], lines[2]],
    "exchanged": lambda lines: [lines[1], lines[0], lines[2]],
    "of another journal": lambda lines: [lines[0], sealed(b'{"order":1,"value":0.5,'), lines[2]],
    "not sealed": lambda lines: [lines[0], b'{"order":1,"value":0.5}\n', lines[2]],
}


@pytest.mark.parametrize("change", LINES.values(), ids=LINES)
def test_lines_that_do_not_follow_each_other_are_found(
    path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    lines = write(path, RUN).splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    for read in (Journal, read_records):
        with pytest.raises(JournalError, match="damaged, or lines before it are missing"):
            read(path)


def test_a_journal_of_an_older_version_goes_on_and_is_vouched_for(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    with Journal(path) as journal:
        assert journal.records == [{"a": 1}, {"b": 2}]
        journal.append({"c": 3})
    assert read_records(path) == [{"a": 1}, {"b": 2}, {"c": 3}]
    path.write_bytes(path.read_bytes().replace(b'{"b":2}', b'{"b":1}'))
    with pytest.raises(JournalError, match="line 3: damaged"):
        read_records(path)


def test_records_are_read_one_by_one(path: Path) -> None:
    write(path, RUN)
    records = iterate_records(path)
    assert next(records) == RUN[0]
    path.unlink()
    assert list(records) == RUN[1:]
    with pytest.raises(StoreError, match="Could not read"):
        read_records(path)


@pytest.mark.parametrize("before", [0, 1, 500])
def test_the_last_record_is_found_without_the_others(path: Path, before: int) -> None:
    write(path, [{"number": number} for number in range(before)] + [{"kind": "end"}])
    assert last_record(path)["kind"] == "end"
    with path.open("ab") as stream:
        stream.write(b'{"torn')
    assert last_record(path)["kind"] == "end"


def test_a_last_record_that_is_none(path: Path) -> None:
    assert last_record(path) == {}
    write(path, [{"long": "x" * 5000}])
    assert last_record(path) == {}
    path.write_bytes(b"[1]\n")
    assert last_record(path) == {}
    path.write_bytes(b"")
    assert last_record(path) == {}
