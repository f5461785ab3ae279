from __future__ import annotations

import runpy
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.benchmarks.nasbench101.tfrecord import MAX_RECORD_BYTES, find_record, read_frames
from predictornas.errors import DataError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

RECORDS = [b"first", b"", b"the third"]
STARTS = [0, 21, 37, 62]  # 12 bytes before and 4 behind the data of each


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return official.write(tmp_path / "some.tfrecord", RECORDS)


def records_in(path: Path, **options: int) -> list[bytes]:
    return [frames.record(index) for frames in read_frames(path, **options) for index in range(len(frames))]


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # this and the rest: RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_checksum_that_these_tests_write_is_crc32c(data: bytes, checksum: int) -> None:
    assert official.crc32c(data) == checksum


@pytest.mark.slow
@given(records=st.lists(st.binary(max_size=40), max_size=8), block_bytes=st.integers(1, 100))
def test_what_is_written_is_read_in_blocks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], block_bytes: int
) -> None:
    path = official.write(tmp_path_factory.getbasetemp() / "any.tfrecord", records)
    assert records_in(path, block_bytes=block_bytes) == records


def test_frames_know_where_they_stand(file: Path) -> None:
    blocks = list(read_frames(file, block_bytes=30))
    assert [(frames.first, frames.offset, frames.end) for frames in blocks] == [(0, 0, 21), (1, 21, 37), (2, 37, 62)]
    assert blocks[2].where(0) == f"{file}, record 2 at byte 37"


def test_an_empty_file_has_no_frames(tmp_path: Path) -> None:
    assert records_in(official.write(tmp_path / "empty", [])) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", range(63))
def test_a_file_cut_anywhere_is_noticed(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    whole = sum(start <= size for start in STARTS[1:])
    if size in STARTS:
        assert records_in(file) == RECORDS[:whole]
    else:
        with pytest.raises(
            DataError, match=f"record {whole} at byte {STARTS[whole]}: the file ends inside this record"
        ):
            records_in(file)


@pytest.mark.slow
@pytest.mark.parametrize("byte", range(62))
def test_a_change_of_any_byte_is_noticed(file: Path, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 0x10
    file.write_bytes(content)
    record = max(index for index in range(3) if STARTS[index] <= byte)
    part = "length" if byte - STARTS[record] < 12 else "data"
    with pytest.raises(
        DataError, match=f"record {record} at byte {STARTS[record]}: the checksum of the record's {part}"
    ):
        records_in(file)


def test_a_record_that_cannot_be_one_of_the_benchmark_is_refused(tmp_path: Path) -> None:
    length = struct.pack("<Q", MAX_RECORD_BYTES + 1)
    path = tmp_path / "large.tfrecord"
    path.write_bytes(official.framed(b"small") + length + official.masked_crc(length))
    with pytest.raises(DataError, match=f"record 1 at byte 21: the record claims {MAX_RECORD_BYTES + 1} bytes"):
        records_in(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        records_in(tmp_path / "missing")


def test_a_part_of_a_file(file: Path) -> None:
    assert records_in(file, start=21) == RECORDS[1:]
    assert records_in(file, stop=37) == RECORDS[:2]
    assert records_in(file, start=21, stop=37, block_bytes=1) == RECORDS[1:2]
    with pytest.raises(DataError, match="ends inside this record"):
        records_in(file, stop=36)


@pytest.mark.slow
@pytest.mark.parametrize("after", range(63))
def test_the_next_record_is_found_from_anywhere(file: Path, after: int) -> None:
    expected = next((start for start in STARTS[:-1] if start >= after), None)
    assert find_record(file, after) == expected
