"""TFRecord framing: a file as blocks of length-prefixed records, every checksum verified, no TensorFlow needed.

A record is its length (uint64), the masked CRC-32C of these eight bytes, its data, and the masked CRC-32C of the data;
all little-endian (tensorflow/core/lib/io/record_writer.h).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np
from jaxtyping import Int64, UInt32

from predictornas.errors import DataError

HEADER_BYTES, FOOTER_BYTES = 12, 4
MAX_RECORD_BYTES = 1 << 20
"""Longer records are refused: a table's record has some 400 bytes, and a wrong length must not fill the memory."""

_BLOCK_BYTES = 2 << 20  # about 5,000 records: what is computed of them stays in the cache
_MASK_DELTA = 0xA282EAD8


@dataclass(frozen=True)
class Frames:
    """Consecutive whole records of a file, their checksums verified.

    Attributes:
        path: the file.
        first: number of the first record in the file, counted from 0.
        offset: byte of the file at which `block` starts.
        block: bytes of the file.
        starts: `(n,)` position in `block` of each record's data.
        ends: `(n,)` position behind each record's data.
    """

    path: Path
    first: int
    offset: int
    block: bytes
    starts: Int64[np.ndarray, " n"]
    ends: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.starts)

    def record(self, index: int) -> bytes:
        """The data of one record of the block."""
        return self.block[self.starts[index] : self.ends[index]]

    def where(self, index: int) -> str:
        """File, record and byte of one record of the block, for error messages."""
        return _where(self.path, self.first + index, self.offset + int(self.starts[index]) - HEADER_BYTES)

    @property
    def end(self) -> int:
        """Byte of the file behind the last record."""
        return self.offset + int(self.ends[-1]) + FOOTER_BYTES


def read_frames(
    path: Path, *, start: int = 0, stop: int | None = None, block_bytes: int = _BLOCK_BYTES
) -> Iterator[Frames]:
    """Yields the records of a TFRecord file, in blocks of about `block_bytes`, in order.

    Args:
        path: the file.
        start: byte at which a record starts; records are counted from here.
        stop: byte behind a record; the end of the file by default.
        block_bytes: how much is read at once.

    Raises:
        DataError: the file cannot be read, ends inside a record, or a checksum does not match; the message names the
            record (counted from 0) and its byte in the file.
    """
    number, offset, rest = 0, start, b""
    known_headers: dict[bytes, int] = {}
    for chunk in _chunks(path, start, stop, block_bytes):
        block = rest + chunk
        frames = _split(path, number, offset, block, known_headers)
        used = 0
        if len(frames):
            yield frames
            used = frames.end - offset
        number, offset, rest = number + len(frames), offset + used, block[used:]
    if rest:
        raise DataError(
            f"{_where(path, number, offset)}: the file ends inside this record, {len(rest)} bytes after its start. "
            "The copy is incomplete: download the rest of it."
        )


def find_record(path: Path, after: int) -> int | None:
    """The first byte from `after` on that looks like the start of a record: a length with the right checksum.

    Whether it is one shows when the records before it are read: they must end there.
    """
    with path.open("rb") as stream:
        stream.seek(after)
        window = stream.read(MAX_RECORD_BYTES)
    for position in range(len(window) - HEADER_BYTES):
        header = window[position : position + HEADER_BYTES]
        if header[3:8] == bytes(5):
            stored, computed = _stored_and_computed(header)
            if stored == computed:
                return after + position
    return None


def _chunks(path: Path, start: int, stop: int | None, block_bytes: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            left = (path.stat().st_size if stop is None else stop) - stream.seek(start)
            while chunk := stream.read(min(block_bytes, left)):
                yield chunk
                left -= len(chunk)
    except OSError as error:
        raise DataError(f"Could not read {path}: {error.strerror or error}. Check the path.") from error


def _split(path: Path, number: int, offset: int, block: bytes, known_headers: dict[bytes, int]) -> Frames:
    """The whole records at the beginning of `block`."""
    positions: list[int] = [0]
    checksums: list[int] = []
    checksum_of = google_crc32c.value
    position, size = 0, len(block)
    while position + HEADER_BYTES <= size:
        header = block[position : position + HEADER_BYTES]
        length = known_headers.get(header)
        if length is None:
            where = _where(path, number + len(checksums), offset + position)
            length = known_headers[header] = _length(header, where)
        start = position + HEADER_BYTES
        position = start + length + FOOTER_BYTES
        if position > size:
            break
        checksums.append(checksum_of(block[start : position - FOOTER_BYTES]))
        positions.append(position)
    bounds = np.asarray(positions, np.int64)
    frames = Frames(path, number, offset, block, bounds[:-1] + HEADER_BYTES, bounds[1:] - FOOTER_BYTES)
    _verify(frames, np.asarray(checksums, np.uint32))
    return frames


def _length(header: bytes, where: str) -> int:
    length = int.from_bytes(header[:8], "little")
    stored, computed = _stored_and_computed(header)
    if computed != stored:
        raise DataError(
            f"{where}: the checksum of the record's length is {stored:08x}, computed {computed:08x}. "
            "The file is damaged here, or it is no TFRecord: download it again."
        )
    if length > MAX_RECORD_BYTES:
        raise DataError(
            f"{where}: the record claims {length} bytes; a NAS-Bench-101 record has about 400. "
            "This is another kind of TFRecord: give nasbench_only108.tfrecord or nasbench_full.tfrecord."
        )
    return length


def _stored_and_computed(header: bytes) -> tuple[int, int]:
    """The checksum of the length in a header, as stored and as it should be."""
    computed = _masked(np.asarray([google_crc32c.value(header[:8])], np.uint32))
    return int.from_bytes(header[8:], "little"), int(computed[0])


def _verify(frames: Frames, checksums: UInt32[np.ndarray, " n"]) -> None:
    footers = frames.ends[:, None] + np.arange(FOOTER_BYTES)
    stored = np.frombuffer(frames.block, np.uint8)[footers].view("<u4")[:, 0]
    computed = _masked(checksums)
    wrong = stored != computed
    if wrong.any():
        index = int(wrong.argmax())
        raise DataError(
            f"{frames.where(index)}: the checksum of the record's data is {stored[index]:08x}, "
            f"computed {computed[index]:08x}. The file is damaged here: download it again."
        )


def _masked(checksums: UInt32[np.ndarray, " n"]) -> UInt32[np.ndarray, " n"]:
    """Rotated right by 15 bits plus a constant: a CRC stored beside its data must not be the CRC itself."""
    rotated = (checksums >> np.uint32(15)) | (checksums << np.uint32(17))
    return rotated + np.uint32(_MASK_DELTA)


def _where(path: Path, number: int, byte: int) -> str:
    return f"{path}, record {number} at byte {byte}"
