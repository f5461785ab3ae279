"""Downloads the official NAS-Bench-101 files, and continues where an interrupted download stopped.

Our own few lines because the usual library (pooch) cannot continue a download, and its checksums have nothing to check:
no trustworthy checksum of the files is published. What is downloaded is checked when it is imported: the CRC-32C of
every record, the repeats of every cell, and every cell and number.
"""

from __future__ import annotations

import contextlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from predictornas.errors import DataError, StoreError, UnknownNameError
from predictornas.files import cache_home

FILES = {
    "nasbench_only108": "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
    "nasbench_full": "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
}
"""What can be downloaded: three runs of each cell at 108 epochs (0.5 GB); at 4, 12, 36 and 108 epochs (2 GB)."""

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0  # without a single byte


def fetch(name: str, *, folder: Path | None = None, progress: bool = True) -> Path:
    """The path of an official file, downloaded if it is not there yet.

    Args:
        name: a name of `FILES`.
        folder: where the file lies; `downloads` in the cache by default.
        progress: draw a progress bar on standard error.

    Raises:
        UnknownNameError: no such file.
        DataError: the server cannot be reached or stopped early; the message says how to go on by hand. What was
            received stays, and the next call asks only for the rest.
        StoreError: the folder cannot be written or the disk is full.
    """
    if name not in FILES:
        raise UnknownNameError("download", name, FILES)
    url, folder = FILES[name], folder or cache_home() / "downloads"
    file = folder / url.rsplit("/", 1)[-1]
    if file.exists():
        return file
    partial = file.with_name(file.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _progress_bar(file.name) if progress else contextlib.nullcontext(_silent) as report:
            _receive(url, partial, report)
        return partial.replace(file)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        received = partial.stat().st_size if partial.exists() else 0
        raise DataError(
            f"Could not download {url} ({error}); {received} bytes are kept in {partial}. Call again to continue, or "
            f"get the file some other way and run: predictornas data import nasbench101 {file.name}"
        ) from error
    except OSError as error:
        raise StoreError(f"Could not write {partial}: {error.strerror or error}. Free some space.") from error


def _receive(url: str, partial: Path, report: Callable[[int, int], None]) -> None:
    """Appends to `partial` what it lacks; starts over where the server does not continue."""
    start = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers["Content-Range"] != f"bytes */{start}":
            partial.unlink()
            _receive(url, partial, report)
        return
    with response:
        _save(response, partial, report, start if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0)


def _save(response: http.client.HTTPResponse, partial: Path, report: Callable[[int, int], None], received: int) -> None:
    size = response.headers["Content-Length"]
    if size is None:
        raise http.client.HTTPException("the server does not tell the size of the file")
    total = received + int(size)
    with partial.open("ab" if received else "wb") as stream:
        while chunk := response.read(_CHUNK_BYTES):
            stream.write(chunk)
            received += len(chunk)
            report(received, total)
    if received != total:
        raise http.client.HTTPException(f"the server stopped after {received} of {total} bytes")


def _silent(received: int, total: int) -> None:
    pass


@contextlib.contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title)
        yield lambda received, total: bar.update(task, completed=received, total=total)
