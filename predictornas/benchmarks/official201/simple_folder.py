"""The `-simple` folders of NATS-Bench: a small file an architecture, read by several processes."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from pathlib import Path
from typing import Any

from predictornas.benchmarks.official201.states import Trained, read_state
from predictornas.benchmarks.official201.streams import read_small
from predictornas.errors import DataError
from predictornas.files import sha256_of

META = "meta.pickle.pbz2"

_FILE = re.compile(r"([0-9]{1,6})\.pickle\.pbz2")
_MOST_BYTES = 1 << 26  # of an architecture: a hundred times what the largest official one has
_CHUNK = 16
_FEW = 128  # files that are read before another process has started

Chunk = list[tuple[int, str, Trained]]


def is_simple_folder(path: Path) -> bool:
    """Whether a path is such a folder."""
    return path.is_dir() and (path / META).is_file()


def read_folder(
    folder: Path,
    take: Callable[[int, Trained], None],
    progress: Callable[[int, int], None] | None = None,
    *,
    workers: int | None = None,
) -> tuple[dict[str, Any], str]:
    """Reads all files of a folder, in the order of the architectures.

    Args:
        folder: with `meta.pickle.pbz2` and `000000.pickle.pbz2` and so on.
        take: given the index and the trainings of each architecture.
        progress: told the files read so far and their number.
        workers: processes; as many as there are processors by default, none for a few files.

    Returns:
        The dictionary of the meta file, and one SHA-256 of the names and contents of all files.

    Raises:
        DataError: a file that cannot be read, is torn, or holds anything but results.
    """
    files = sorted((int(found[1]), path) for path in folder.iterdir() if (found := _FILE.fullmatch(path.name)))
    if not files:
        raise DataError(f"{folder} holds no file of an architecture (000000.pickle.pbz2). Unpack it again.")
    meta = read_small(folder / META, _MOST_BYTES)
    if type(meta) is not dict:
        raise DataError(f"{folder / META} holds no dictionary. Unpack it again.")
    digest, done = sha256(sha256_of(folder / META).encode()), 0
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    count = (workers or os.cpu_count() or 1) if len(files) > _FEW else 1
    for results in _results(chunks, count):
        for index, checksum, trained in results:
            digest.update(f"{index} {checksum}\n".encode())
            take(index, trained)
        done += len(results)
        if progress is not None:
            progress(done, len(files))
    return meta, digest.hexdigest()


def _results(chunks: Sequence[list[tuple[int, Path]]], workers: int) -> Iterator[Chunk]:
    """What the chunks hold, in their order; no more is read ahead than a few chunks a process."""
    if workers == 1:
        yield from map(_read_chunk, chunks)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of a progress bar half-way
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        coming: deque[Future[Chunk]] = deque()
        try:
            for chunk in chunks:
                coming.append(pool.submit(_read_chunk, chunk))
                if len(coming) > 2 * workers:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        except BrokenProcessPool as error:
            raise DataError(f"A process that read the files was ended from outside ({error}). Try again.") from error
        finally:
            for left in coming:
                left.cancel()


def _read_chunk(files: Sequence[tuple[int, Path]]) -> Chunk:
    found: Chunk = []
    for index, path in files:
        state = read_small(path, _MOST_BYTES)
        try:
            found.append((index, sha256_of(path), read_state(state)))
        except DataError as error:
            raise DataError(f"{path}: {error}.") from error
    return found
