"""The pickles inside an official file: torch's stream of pickles, its zip archive, or a compressed pickle."""

from __future__ import annotations

import bz2
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from predictornas.benchmarks.official201.machine import PickleMachine, Sink
from predictornas.errors import DataError

Progress = Callable[[int, int], None]

MOST_BYTES = 1 << 36
"""Decompressed bytes of one file: eight times those of the largest official one."""

TORCH_MAGIC, TORCH_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""The first two pickles of a file that torch wrote before version 1.6."""

_BLOCK = 1 << 22
_ARCHITECTURES = "arch2infos"


def read_official(file: Path, sink: Sink, progress: Progress | None = None) -> dict[str, Any]:
    """Reads one official file in bounded memory.

    Args:
        file: `.pth` of either form, or `.pickle.pbz2`.
        sink: given the index and the state of each architecture.
        progress: told the bytes read so far and the size of the file.

    Returns:
        The outermost dictionary; the values of its `arch2infos` are None.

    Raises:
        DataError: the file cannot be read, is torn, or holds anything but results.
    """
    with _saying(file), _ahead(_blocks(file, progress, MOST_BYTES)) as blocks:
        machine = PickleMachine(blocks)
        content = machine.load(watch=_ARCHITECTURES, sink=sink)
        if type(content) is int and content == TORCH_MAGIC:
            content = _behind_magic(machine, sink)
        _check_end(machine, blocks)
    if type(content) is not dict:
        raise DataError(f"{file} holds no dictionary of results. Give an official file.")
    return content


def read_small(file: Path, most_bytes: int) -> Any:
    """Reads one compressed pickle of at most `most_bytes`.

    Raises:
        DataError: as `read_official`.
    """
    with _saying(file):
        blocks = _blocks(file, None, most_bytes)
        machine = PickleMachine(blocks)
        content = machine.load()
        _check_end(machine, blocks)
    return content


def _behind_magic(machine: PickleMachine, sink: Sink) -> Any:
    """The object of torch's older form, and what stands before and behind it."""
    if machine.load() != TORCH_PROTOCOL:
        raise DataError("it is of an unknown version of torch's format. Save it anew with torch.save")
    system = machine.load()
    if type(system) is not dict or system.get("little_endian") is not True:
        raise DataError("it was written on a machine of another byte order. Save it anew with torch.save")
    content = machine.load(watch=_ARCHITECTURES, sink=sink)
    if machine.load() != []:
        raise DataError("it holds tensors; only files of results are read")
    return content


def _check_end(machine: PickleMachine, blocks: Iterator[bytes]) -> None:
    """Reads on to the end, where the checksums of compressed files are."""
    if machine.at < len(machine.buffer) or any(blocks):
        raise DataError("it goes on behind its end. Fetch it again, or do not use it")


@contextmanager
def _saying(file: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror or error}). Fetch it again.") from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{file} is torn ({error}). Fetch it again.") from error


@contextmanager
def _ahead(blocks: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same blocks; the next is read, and decompressed, by another thread while one is worked on."""
    with ThreadPoolExecutor(1) as reader:

        def read() -> Iterator[bytes]:
            coming = reader.submit(next, blocks, b"")
            while block := coming.result():
                coming = reader.submit(next, blocks, b"")
                yield block

        yield read()


def _blocks(file: Path, progress: Progress | None, most_bytes: int) -> Iterator[bytes]:
    """The bytes of the pickles, in blocks that are not empty."""
    passed = 0
    for block in _decoded(file, progress or (lambda done, total: None)):
        passed += len(block)
        if passed > most_bytes:
            raise DataError(f"it grows to more than {most_bytes:,} bytes")
        yield block


def _decoded(file: Path, progress: Progress) -> Iterator[bytes]:
    with file.open("rb") as stream:
        start = stream.read(4)
    if start[:3] == b"BZh":
        return _decompressed(_raw(file, progress))
    if start == b"PK\x03\x04":
        return _archived(file, progress)
    if start[:1] == b"\x80":
        return _raw(file, progress)
    raise DataError("it is no file of torch and no compressed pickle. Give an official .pth or .pickle.pbz2")


def _raw(file: Path, progress: Progress) -> Iterator[bytes]:
    size, done = file.stat().st_size, 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            done += len(block)
            progress(done, size)
            yield block


def _decompressed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Never more than a block at a time, however small the bytes that it comes from."""
    decompressor = bz2.BZ2Decompressor()
    for block in blocks:
        given = block
        while given or not (decompressor.needs_input or decompressor.eof):
            if decompressor.eof:
                raise DataError("something stands behind the compressed pickle")
            part = decompressor.decompress(given, _BLOCK)
            given = decompressor.unused_data if decompressor.eof else b""
            if part:
                yield part
    if not decompressor.eof:
        raise DataError("it ends too early")


def _archived(file: Path, progress: Progress) -> Iterator[bytes]:
    """The one pickle of the archive that torch writes, which compresses nothing."""
    with zipfile.ZipFile(file) as archive:
        pickles = [entry for entry in archive.infolist() if entry.filename.endswith("/data.pkl")]
        if len(pickles) != 1 or pickles[0].compress_type != zipfile.ZIP_STORED:
            raise DataError("it is no archive that torch wrote (one uncompressed data.pkl). Give an official file")
        done = 0
        with archive.open(pickles[0]) as stream:
            while block := stream.read(_BLOCK):
                done += len(block)
                progress(done, pickles[0].file_size)
                yield block
