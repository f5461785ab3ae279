"""Append-only JSON-lines journals: a record is in the file before it counts, and a torn last line is repaired.

Every line ends with a seal, `"crc32"`: the CRC-32 of all bytes of the file before it. So an altered, missing, doubled
or exchanged line is found, and only a file that was cut between two lines looks like an earlier state of itself.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from predictornas.errors import BusyJournalError, JournalError, StoreError

logger = logging.getLogger(__name__)

LOCK_SECONDS = 10.0
"""How long opening a journal waits for another process to let go of it."""

_SEAL = b'"crc32":"%08x"}\n'
_SEAL_LENGTH = len(_SEAL % 0)

_TAIL = 1024
"""Bytes in which the last record is looked for; a longer one is none that anybody asks for."""


class Journal:
    """One run's journal. Opening it checks what is there; `append` adds one record, one line.

    Iterating over it reads its records one by one, oldest first, those appended since opening included.

    Args:
        path: the `.jsonl` file; it and its folder are created when missing.

    Attributes:
        path: the file.
        repaired: whether a torn last line (a write that was killed) was cut off on opening.

    Raises:
        BusyJournalError: another process keeps writing the file.
        JournalError: a complete line is damaged.
        StoreError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as on_error:
                # unbuffered, so that closing never writes what `append` could not
                self._stream: FileIO = on_error.enter_context(path.open("a+b", buffering=0))
                _lock(self._stream, path)
                self._size, self._sum, self._count, self._torn = 0, 0, 0, False
                with path.open("rb") as stream:
                    for line in _checked_lines(stream, path):
                        self._added(line)
                self.repaired = os.fstat(self._stream.fileno()).st_size > self._size
                if self.repaired:
                    logger.warning("%s: the last line was torn (a killed write); it was cut off.", path)
                    self._stream.truncate(self._size)
                on_error.pop_all()
        except OSError as error:
            raise StoreError(f"Could not open the journal {path} for writing: {error.strerror or error}.") from error

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one record and hands it to the operating system before returning.

        Raises:
            BusyJournalError: another process has written to the file meanwhile, which this one leaves alone: it was
                stopped for so long that it lost the run, on a file system that has no `flock` between machines.
            StoreError: the disk is full or the file is gone. A half-written line is cut off, at latest on reopening.
            ValueError: a value is NaN or infinite, which JSON does not have.
        """
        line = _sealed(record, self._sum)
        rest = memoryview(line)
        try:
            self._cut_torn_line()
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            self._torn = True
            with suppress(OSError):
                self._cut_torn_line()
            raise StoreError(
                f"Could not append to {self.path}: {error.strerror or error}. "
                "What was recorded before is intact; free some space and start the same command again."
            ) from error
        self._added(line)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iterate_records(self.path)

    def __len__(self) -> int:
        return self._count

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records at once, read anew."""
        return list(self)

    def close(self) -> None:
        """Closes the file; safe to call twice."""
        self._stream.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        """Removes a line of ours that could neither be written nor be cut off; what is more is another process's."""
        if self._torn:
            self._stream.truncate(self._size)
            self._torn = False
        elif os.fstat(self._stream.fileno()).st_size != self._size:
            raise BusyJournalError(f"{self.path} was written by another process meanwhile. Wait for it, or stop it.")

    def _added(self, line: bytes) -> None:
        self._size += len(line)
        self._sum = zlib.crc32(line, self._sum)
        self._count += 1


def _lock(stream: FileIO, path: Path) -> None:
    """Takes the file for this process alone; a killed command's last worker may hold it for a moment."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyJournalError(
                    f"{path} is being written by another process. Wait for it, or stop it."
                ) from None
            time.sleep(0.05)


def iterate_records(path: Path) -> Iterator[dict[str, Any]]:
    """The complete records of a journal, one by one, without opening it for writing; a torn last line is left out.

    Raises:
        JournalError: a complete line is damaged; the records before it are given first.
        StoreError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            yield from _records(stream, path)
    except OSError as error:
        raise StoreError(f"Could not read the journal {path}: {error.strerror or error}.") from error


def read_records(path: Path) -> list[dict[str, Any]]:
    """The same, all at once."""
    return list(iterate_records(path))


def last_record(path: Path) -> dict[str, Any]:
    """The last complete record, found without reading the others and not checked against them; empty without any."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL))
            lines = stream.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"Could not read the journal {path}: {error.strerror or error}.") from error
    try:
        record = json.loads(lines[-1])
    except (IndexError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _sealed(record: Mapping[str, Any], before: int) -> bytes:
    """The line of a record that follows bytes of this CRC-32."""
    text = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    text = text[:-1] + (b"," if record else b"")
    return text + _SEAL % zlib.crc32(text, before)


def _records(lines: Iterable[bytes], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_checked_lines(lines, path), start=1):
        record = _record(line, path, number)
        record.pop("crc32", None)
        yield record


def _checked_lines(lines: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """The complete lines, each once its seal is right.

    A journal of an older version begins with lines that have none; the first sealed line vouches for them.
    """
    running, older = 0, True
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return
        sealed = line[-_SEAL_LENGTH:] == _SEAL % zlib.crc32(line[:-_SEAL_LENGTH], running)
        older = older and not sealed
        if not sealed and not (older and "crc32" not in _record(line, path, number)):
            raise JournalError(
                f"{path}, line {number}: damaged, or lines before it are missing (its checksum does not match). Bring "
                "a copy back, or move the file away to start over."
            )
        running = zlib.crc32(line, running)
        yield line


def _record(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"{path}, line {number}: not JSON ({error}). Move the file away to start over.") from error
    if not isinstance(record, dict):
        raise JournalError(f"{path}, line {number}: a JSON object was expected, not {type(record).__name__}.")
    return record
