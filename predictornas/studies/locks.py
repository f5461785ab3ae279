"""Lock files that commands on several machines respect, in a folder that all of them see.

A lock is a file beside what it protects, made by a call that fails where the file exists: that one of two machines
succeeds is what every shared file system promises (NFS since version 3, Lustre, GPFS). Who holds one touches it every
few seconds. One that was not touched for a minute belongs to a command that was killed, and is taken over; on the same
machine a process that has ended is noticed at once. Ages are told by the clock of the file system alone.

What this relies on: a command that is stopped for over a minute and then continues (a suspended laptop) can have lost
its locks. What it writes then is still whole; a run's journal refuses it (`predictornas.journal`), and it leaves that
run to whoever has it now.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from predictornas.errors import StoreError
from predictornas.files import PARTIAL

BEAT_SECONDS = 10.0
"""How often a lock is touched by whoever holds it."""

STALE_SECONDS = 60.0
"""A lock that was not touched for so long is nobody's any more."""

WAIT_SECONDS = 0.05
"""How often somebody who waits for a lock looks again."""


_LOCK, _SECOND = ".lock", ".takeover"


class Locks:
    """The locks that this command holds; a thread keeps them fresh until the end of the `with` block, which frees them.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "run.jsonl"
        >>> with Locks() as mine, Locks() as theirs:
        ...     print(mine.take(target), theirs.take(target))
        True False
    """

    def __init__(self) -> None:
        self._mark = secrets.token_hex(8)
        self._held: set[Path] = set()
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Locks:
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._beating.join()
        for path in list(self._held):
            self._remove(path)

    def take(self, target: Path) -> bool:
        """Locks a target unless another command holds it.

        Args:
            target: what is to be written; need not exist.

        Raises:
            StoreError: its folder cannot be written.
        """
        path = lock_of(target)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not (self._made(path) or self._taken_over(path)):
                return False
        except OSError as error:
            raise StoreError(f"Could not lock {target}: {error.strerror or error}. Choose another --out.") from error
        self._held.add(path)
        return True

    def holds(self, target: Path) -> bool:
        """Whether a lock that was taken is still ours: a command that was stopped for long has lost it."""
        return _mark_in(lock_of(target)) == self._mark

    def free(self, target: Path) -> None:
        """Gives a lock back."""
        self._remove(lock_of(target))

    def sweep(self, targets: Iterable[Path]) -> None:
        """Removes the locks that killed commands left beside targets; those of living ones stay."""
        for folder, theirs in _by_folder(targets).items():
            for path in folder.glob(f".*{_LOCK}"):
                if path.name in theirs and self._took(path):
                    self._remove(path)

    def _remove(self, path: Path) -> None:
        self._held.discard(path)
        with suppress(OSError):
            if _mark_in(path) == self._mark:
                path.unlink()

    def _took(self, path: Path) -> bool:
        with suppress(OSError):  # a folder that only others may write
            return self._taken_over(path)
        return False

    def _made(self, path: Path) -> bool:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(self._content())
        except OSError:
            path.unlink()  # on a full disk: a lock without an owner would be waited for
            raise
        return True

    def _content(self) -> bytes:
        return json.dumps({**_machine(), "process": os.getpid(), "mark": self._mark}).encode()

    def _taken_over(self, path: Path) -> bool:
        """Replaces a lock that nobody holds any more; of several that want it, the one that has a second lock.

        A second lock whose holder was killed in these few lines is taken over in the same way. Nobody removes what
        another may hold: to look and then to remove would be two steps, and a third command could be in between.
        """
        holder = _read(path)
        if not _is_stale(path, holder):
            return False
        second = path.with_name(path.name + _SECOND)
        if not (self._made(second) or self._taken_over(second)):
            return False
        try:
            if _read(path) != holder or not _is_stale(path, holder):
                return False
            os.utime(second)
            second.replace(path)
        finally:
            self._remove(second)
        return True

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            for path in list(self._held):
                with suppress(OSError):
                    if _mark_in(path) == self._mark:
                        os.utime(path)


@contextmanager
def locked(target: Path) -> Iterator[Locks]:
    """Holds the lock of a target in the block; waits for whoever has it, who has it for a few seconds at most.

    Raises:
        StoreError: its folder cannot be written.
    """
    with Locks() as locks:
        while not locks.take(target):
            time.sleep(WAIT_SECONDS)
        yield locks


def lock_of(target: Path) -> Path:
    """Where the lock of a target is."""
    return target.with_name(f".{target.name}{_LOCK}")


def _by_folder(targets: Iterable[Path]) -> dict[Path, set[str]]:
    """The names of the locks of targets, by their folders."""
    names: dict[Path, set[str]] = {}
    for target in targets:
        names.setdefault(target.parent, set()).add(lock_of(target).name)
    return names


def _read(path: Path) -> dict[str, object]:
    """Who holds a lock; empty where it is gone, or not written yet."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_bytes())
        if isinstance(content, dict):
            return content
    return {}


def _mark_in(path: Path) -> object:
    return _read(path).get("mark")


def _machine() -> dict[str, str]:
    """What must be equal for process numbers to mean the same: containers of one machine may share its name."""
    try:
        processes = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        processes = ""
    return {"host": socket.gethostname(), "processes": processes}


def _is_stale(path: Path, holder: Mapping[str, object]) -> bool:
    process = holder.get("process")
    if _machine().items() <= holder.items() and isinstance(process, int) and not _lives(process):
        return True
    try:
        return _clock(path.parent) - path.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False  # given back in the meantime: the next try takes it


def _clock(folder: Path) -> float:
    """What time it is for the file system: the machines' clocks may differ."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=PARTIAL, dir=folder)
    try:
        return os.fstat(handle).st_mtime  # by handle: another machine may have removed it as a leftover
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
