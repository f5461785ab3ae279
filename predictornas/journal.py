"""Append-only JSON-lines journals: a record is in the file before it counts, and a torn last line is repaired."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from predictornas.errors import JournalError, StoreError

logger = logging.getLogger(__name__)

LOCK_SECONDS = 10.0
"""How long opening a journal waits for another process to let go of it."""


class Journal:
    """One run's journal. Opening it reads what is there; `append` adds one record, one line.

    Args:
        path: the `.jsonl` file; it and its folder are created when missing.

    Attributes:
        records: every complete record, oldest first, those appended since opening included.
        repaired: whether a torn last line (a write that was killed) was cut off on opening.

    Raises:
        JournalError: a complete line is not a JSON object, or another process keeps writing the file.
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
                self._stream.seek(0)
                self.records, complete = _parse(self._stream.read(), path)
                self.repaired = self._stream.seek(0, os.SEEK_END) > complete
                if self.repaired:
                    logger.warning("%s: the last line was torn (a killed write); it was cut off.", path)
                    self._stream.truncate(complete)
                on_error.pop_all()
        except OSError as error:
            raise StoreError(f"Could not open the journal {path} for writing: {error.strerror or error}.") from error

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one record and hands it to the operating system before returning.

        Raises:
            StoreError: the disk is full or the file is gone. A half-written line is cut off, at latest on reopening.
            ValueError: a value is NaN or infinite, which JSON does not have.
        """
        line = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        complete = self._stream.seek(0, os.SEEK_END)
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._stream.truncate(complete)
            raise StoreError(
                f"Could not append to {self.path}: {error.strerror or error}. "
                "What was recorded before is intact; free some space and start the same command again."
            ) from error
        self.records.append(dict(record))

    def close(self) -> None:
        """Closes the file; safe to call twice."""
        self._stream.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(stream: FileIO, path: Path) -> None:
    """Takes the file for this process alone; a killed command's last worker may hold it for a moment."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise JournalError(f"{path} is being written by another process. Wait for it, or stop it.") from None
            time.sleep(0.05)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The complete records of a journal, without opening it for writing; a torn last line is left out.

    Raises:
        JournalError: a complete line is not a JSON object.
    """
    return _parse(path.read_bytes(), path)[0]


def _parse(content: bytes, path: Path) -> tuple[list[dict[str, Any]], int]:
    """The complete records of a journal and the number of bytes that they fill."""
    complete = content.rfind(b"\n") + 1
    records = []
    for number, line in enumerate(content[:complete].splitlines(), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise JournalError(
                f"{path}, line {number}: not JSON ({error}). Move the file away to start over."
            ) from error
        if not isinstance(record, dict):
            raise JournalError(f"{path}, line {number}: a JSON object was expected, not {type(record).__name__}.")
        records.append(record)
    return records, complete
