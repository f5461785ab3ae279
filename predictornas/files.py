"""Where files live and how they are written: beside the target first, then renamed, so that nothing is half-written."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from predictornas.errors import StoreError

PARTIAL, _REPLACED = ".predictornas-partial", ".predictornas-replaced"
"""Endings of what is being written, and of a folder that has been moved aside for a new one."""

HOUR = 3600.0
"""Seconds for which what another machine seems to have left half-written is not removed."""

_OF = "~"
"""Stands behind the machine in the name of what is being written."""


def data_home() -> Path:
    """The store of imported tables: `$PREDICTORNAS_DATA`, else the platform's user data folder."""
    return _home("PREDICTORNAS_DATA", "data")


def cache_home() -> Path:
    """What can be computed again (enumerated spaces): `$PREDICTORNAS_CACHE`, else the user's cache folder."""
    return _home("PREDICTORNAS_CACHE", "cache")


def _home(variable: str, kind: str) -> Path:
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_dir")("predictornas", appauthor=False))


def name_of(path: Path) -> str:
    """The name of a file as it is recorded: in a locale without UTF-8 Python shows the bytes of a name otherwise."""
    return os.fsencode(path.name).decode("utf-8", errors="replace")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def writing_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` and renames it onto `path` on success; on any error nothing is left.

    Raises:
        StoreError: the folder cannot be written to or the disk is full.
    """
    with _as_store_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, handle = _begun(path.parent, folder=False)
    try:
        with _as_store_error(path), _closing(handle):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `path` and swaps it in for `path` on success; on any error nothing changes.

    An existing folder is moved aside first and removed only once the new one stands. Where `path` is a link, the
    folder that it points to is written, and the link stays.

    Raises:
        StoreError: the parent folder cannot be written to, the disk is full, or `path` is a file.
    """
    with _as_store_error(path):
        if path.is_symlink():
            path = Path(os.path.realpath(path))  # `Path.resolve` raises another error where links go in a circle
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, handle = _begun(path.parent, folder=True)
    old = path.with_name(f".{path.name}{_REPLACED}")
    try:
        with _as_store_error(path), ExitStack() as locked:
            locked.enter_context(_closing(handle))
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                locked.enter_context(_in_use(os.open(path, os.O_RDONLY)))
                path.replace(old)
            temporary.replace(path)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder for work whose result goes elsewhere; removed at the end of the block.

    One whose process was killed before is removed by the next block with this parent on the same machine.

    Raises:
        StoreError: the parent folder cannot be written to.
    """
    remove_leftovers(parent)
    with _as_store_error(parent):
        parent.mkdir(parents=True, exist_ok=True)
        folder, handle = _begun(parent, folder=True)
    try:
        with _closing(handle):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_leftover(path: Path) -> bool:
    """Whether a file or folder is being written, or was when its process was killed: it does not count yet."""
    return path.name.endswith((PARTIAL, _REPLACED))


def remove_leftovers(folder: Path, *, below: bool = False) -> None:
    """Removes what killed processes left of interrupted writes, and puts back a folder that one had only moved aside.

    What another process is writing stays. That of another machine stays for an hour: not every shared file system says
    there that it is being written.

    Args:
        folder: where the targets of those writes are; need not exist.
        below: whether to look into its subfolders too.
    """
    for left in _leftovers(folder, below):
        is_link = left.is_symlink()  # moved aside by an earlier version, and held by nobody
        with suppress(OSError), nullcontext() if is_link else _in_use(os.open(left, os.O_RDONLY), surely=True):
            if _is_of_another_machine(left) and time.time() - left.stat().st_mtime < HOUR:
                continue
            target = left.with_name(left.name.removesuffix(_REPLACED)[1:])
            if left.name.endswith(_REPLACED) and not target.exists():
                left.replace(target)
            elif left.is_dir() and not is_link:
                shutil.rmtree(left)
            else:
                left.unlink()


def _leftovers(folder: Path, below: bool) -> list[Path]:
    """What may have been left, what was moved aside first; unlike `Path.rglob` it bears folders that vanish."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name) for name in (*folders, *files) if name.startswith(".") and is_leftover(Path(name))]
        for link in (Path(parent, name) for name in (*folders, *files) if Path(parent, name).is_symlink()):
            written = Path(os.path.realpath(link))  # a folder that is a link is written where it points to
            aside = written.with_name(f".{written.name}{_REPLACED}")
            found += [*([aside] if aside.exists() else []), *written.parent.glob(f".*{_OF}*{PARTIAL}")]
        if not below:
            break
    return sorted(found, key=lambda left: not left.name.endswith(_REPLACED))


def _begun(parent: Path, *, folder: bool) -> tuple[Path, int]:
    """A new temporary file or folder that no `remove_leftovers` takes for one, with its handle, which keeps it so."""
    prefix = f".{_machine()}{_OF}"
    while True:
        if folder:
            name = tempfile.mkdtemp(prefix=prefix, suffix=PARTIAL, dir=parent)
            try:
                handle = os.open(name, os.O_RDONLY)
            except FileNotFoundError:  # removed as a leftover before we could hold it
                continue
        else:
            handle, name = tempfile.mkstemp(prefix=prefix, suffix=PARTIAL, dir=parent)
        with suppress(OSError):  # a file system that cannot do it
            fcntl.flock(handle, fcntl.LOCK_EX)  # waits for one that looks whether it is a leftover, and removes it
        if Path(name).exists():
            return Path(name), handle
        os.close(handle)


@contextmanager
def _closing(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_of_another_machine(left: Path) -> bool:
    machine, named, _ = left.name[1:].partition(_OF)
    return bool(named) and len(machine) == len(_machine()) and machine != _machine()


@contextmanager
def _in_use(handle: int, *, surely: bool = False) -> Iterator[None]:
    """Holds a file or folder for this process where the file system can do that, and closes its handle at the end.

    Raises:
        OSError: with `surely`, if another process holds it, or nobody could.
    """
    try:
        with nullcontext() if surely else suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, atomically."""
    with writing_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Could not write {path}: {error}. Nothing was changed. "
            "Free some space, or choose a folder you may write to."
        ) from error
