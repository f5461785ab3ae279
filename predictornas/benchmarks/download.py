"""Downloads the official NAS-Bench-101 files, and continues where an interrupted download stopped.

Our own few lines because the usual library (pooch) cannot continue a download, and its checksums have nothing to check:
no trustworthy checksum of the files is published. So a part is continued only if the server says that the file is still
the same (If-Range), the length is checked, and the SHA-256 of what arrived is kept beside the file and compared at each
later call. What is downloaded is checked again when it is imported: the CRC-32C of each record, every cell and number.
"""

from __future__ import annotations

import contextlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from predictornas.errors import DataError, StoreError, UnknownNameError
from predictornas.files import cache_home, sha256_of, write_json
from predictornas.reading import Kinds, checked_object, read_json, sealed, unsealed

FILES = {
    "nasbench_only108": "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
    "nasbench_full": "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
}
"""What can be downloaded: three runs of each cell at 108 epochs (0.5 GB); at 4, 12, 36 and 108 epochs (2 GB)."""

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0  # without a single byte


def fetch(name: str, *, folder: Path | None = None, progress: bool = True) -> Path:
    """The path of an official file, downloaded if it is not there yet.

    A file that is there is checked against the SHA-256 that was kept, or, where it came some other way, against the
    length that the server tells.

    Args:
        name: a name of `FILES`.
        folder: where the file lies; `downloads` in the cache by default.
        progress: draw a progress bar on standard error.

    Raises:
        UnknownNameError: no such file.
        DataError: the server cannot be reached or stopped early; the message says how to go on by hand. What was
            received stays, and the next call asks only for the rest. Or the file that is there is not what was
            downloaded.
        StoreError: the folder cannot be written or the disk is full.
    """
    if name not in FILES:
        raise UnknownNameError("download", name, FILES)
    url, folder = FILES[name], folder or cache_home() / "downloads"
    file = folder / url.rsplit("/", 1)[-1]
    partial = file.with_name(file.name + ".part")
    try:
        if file.exists():
            return _checked(file, url)
        folder.mkdir(parents=True, exist_ok=True)
        with _progress_bar(file.name) if progress else contextlib.nullcontext(_silent) as report:
            _receive(url, partial, report)
        _keep_facts(partial, file, url)
        partial.replace(file)
        _beside(partial).unlink(missing_ok=True)
        return file
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        received = partial.stat().st_size if partial.exists() else 0
        raise DataError(
            f"Could not download {url} ({error}); {received} bytes are kept in {partial}. Call again to continue, or "
            f"get the file some other way and run: predictornas data import nasbench101 {file.name}"
        ) from error
    except OSError as error:
        raise StoreError(f"Could not write {partial}: {error.strerror or error}. Free some space.") from error


def _checked(file: Path, url: str) -> Path:
    """A file that is there, if it is what was downloaded."""
    remedy = f"Remove {file} and {_beside(file).name}, then call again."
    if not _beside(file).exists():
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            expected = _length(response)
        if file.stat().st_size != expected:
            raise DataError(f"{file} has {file.stat().st_size} bytes, the file at {url} {expected}. {remedy}")
        _keep_facts(file, file, url)
        return file
    facts = _facts_of(file, {"url": str, "bytes": int, "sha256_of_file": str}, remedy)
    if (file.stat().st_size, sha256_of(file)) != (facts["bytes"], facts["sha256_of_file"]):
        raise DataError(f"{file} was altered since it was downloaded: its SHA-256 is another. {remedy}")
    return file


def _receive(url: str, partial: Path, report: Callable[[int, int], None]) -> None:
    """Appends to `partial` what it lacks; starts over where the file at the server is not known to be the same."""
    start, facts = _resumable(url, partial)
    if start and start == facts["bytes"]:
        return
    headers = {"Range": f"bytes={start}-", "If-Range": facts["validator"]} if start else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start, total = 0, _length(response)
            validator = _validator(response)
            write_json(_beside(partial), sealed({"url": url, "bytes": total, "validator": validator}))
        else:
            total = facts["bytes"]
            if response.headers["Content-Range"] != f"bytes {start}-{total - 1}/{total}":
                raise http.client.HTTPException("the server sent another part than it was asked for")
        _save(response, partial, report, start, total)


def _resumable(url: str, partial: Path) -> tuple[int, dict[str, Any]]:
    """How many bytes of the file are here and what is known of it; 0 where the rest might be of another file."""
    if not partial.exists() or not _beside(partial).exists():
        return 0, {}
    try:
        facts = _facts_of(partial, {"url": str, "bytes": int, "validator": (str, type(None))}, "")
    except DataError:
        return 0, {}
    start = partial.stat().st_size
    usable = facts["url"] == url and facts["validator"] is not None and start <= facts["bytes"]
    return (start, facts) if usable else (0, {})


def _save(
    response: http.client.HTTPResponse, partial: Path, report: Callable[[int, int], None], received: int, total: int
) -> None:
    with partial.open("ab" if received else "wb") as stream:
        while chunk := response.read(_CHUNK_BYTES):
            stream.write(chunk)
            received += len(chunk)
            report(received, total)
    if received != total:
        raise http.client.HTTPException(f"the server stopped after {received} of {total} bytes")


def _length(response: http.client.HTTPResponse) -> int:
    size = response.headers["Content-Length"]
    if size is None or not size.isdigit():
        raise http.client.HTTPException("the server does not tell the size of the file")
    return int(size)


def _validator(response: http.client.HTTPResponse) -> str | None:
    """What tells this version of the file from another, for If-Range; a weak tag may not be used there."""
    tag = response.headers["ETag"]
    strong = tag is not None and not tag.startswith("W/")
    return str(tag) if strong else response.headers["Last-Modified"]


def _beside(file: Path) -> Path:
    """Where the facts about a file or a part of one are kept."""
    return file.with_name(file.name + ".json")


def _keep_facts(content: Path, file: Path, url: str) -> None:
    facts = {"url": url, "bytes": content.stat().st_size, "sha256_of_file": sha256_of(content)}
    write_json(_beside(file), sealed(facts))


def _facts_of(file: Path, kinds: Kinds, remedy: str) -> dict[str, Any]:
    where = str(_beside(file))
    facts = unsealed(read_json(_beside(file), remedy=remedy), where, remedy=remedy)
    return checked_object(facts, kinds, where, remedy=remedy)


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
