"""A target that travels: what lies there, what has changed since, and how the changes come home."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from predictornas.errors import StoreError
from predictornas.files import is_leftover, writing_file, writing_folder

_MOMENT = 100_000_000
"""Nanoseconds in which two writes of one file may get the same time."""


@dataclass(frozen=True)
class Piece:
    """A file of a target, or the end of one.

    Attributes:
        name: relative to the target; "." is the target itself.
        content: its bytes from the offset on; None if the file is gone.
        offset: where they begin; nothing is left behind them.
    """

    name: str
    content: bytes | None
    offset: int = 0


@dataclass(frozen=True)
class Parcel:
    """What has to be done to a target.

    Attributes:
        pieces: in the order in which they were written.
        whole: whether they are all of a folder, which then appears or is exchanged in one step.
    """

    pieces: tuple[Piece, ...] = ()
    whole: bool = False

    def unpack(self, target: Path) -> None:
        """Does it.

        Raises:
            StoreError: the target cannot be written.
        """
        if self.whole:
            with writing_folder(target) as folder:
                for piece in self.pieces:
                    _write(folder, piece)
        else:
            for piece in self.pieces:
                _write(target, piece)


def parcel_of(target: Path) -> Parcel:
    """All that lies at a target."""
    pieces = tuple(Piece(name, path.read_bytes()) for name, path in _files(target))
    return Parcel(pieces, whole=target.is_dir())


class Watched:
    """A target whose changes are sent home.

    Journals (`.jsonl`) only grow, so of them only the complete lines that are new are sent. All other files are sent
    whole.

    Args:
        target: the place here; what lies there is at home too.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._folder = _inode(target) if target.is_dir() else None
        self._seen: dict[str, _Seen] = {}
        for name, path in _files(target):
            content = path.read_bytes()
            self._seen[name] = _Seen(_facts(path), _digest(content), _end_of_lines(content), len(content))

    def changes(self, *, last: bool = False) -> Parcel:
        """What has changed since the last call.

        Args:
            last: whether nothing will change any more: the torn line at the end of a journal is sent too.
        """
        folder = _inode(self._target) if self._target.is_dir() else None
        whole = folder is not None and folder != self._folder
        if whole:
            self._seen.clear()
        self._folder = folder
        files = dict(_files(self._target))
        gone = tuple(Piece(name, None) for name in self._seen.keys() - files.keys())
        for piece in gone:
            del self._seen[piece.name]
        by_time = sorted(files.items(), key=lambda item: item[1].stat().st_mtime_ns)
        changed = (self._change(name, path, last) for name, path in by_time)
        return Parcel((*(piece for piece in changed if piece is not None), *gone), whole)

    def _change(self, name: str, path: Path, last: bool) -> Piece | None:
        before, facts = self._seen.get(name), _facts(path)
        if before is not None and before.facts == facts and not facts.recent():
            return None
        if path.suffix == ".jsonl":
            return self._growth(name, path, facts, before, last)
        content = path.read_bytes()
        digest = _digest(content)
        self._seen[name] = _Seen(facts, digest, 0, len(content))
        return None if before is not None and before.digest == digest else Piece(name, content)

    def _growth(self, name: str, path: Path, facts: _Facts, before: _Seen | None, last: bool) -> Piece | None:
        same = before is not None and before.facts.inode == facts.inode and before.lines <= facts.size
        start = before.lines if before is not None and same else 0
        with path.open("rb") as stream:
            stream.seek(start)
            content = stream.read()
        if not last:
            content = content[: _end_of_lines(content)]
        end = start + len(content)
        self._seen[name] = _Seen(facts, b"", start + _end_of_lines(content), end)
        # a line that is torn at home is cut off there too
        return None if before is not None and same and before.home == end else Piece(name, content, start)


@dataclass(frozen=True)
class _Facts:
    """What tells two states of a file apart, unless the second was written in the moment of the first."""

    inode: int
    size: int
    modified: int
    changed: int

    def recent(self) -> bool:
        return time.time_ns() - self.changed < _MOMENT


@dataclass(frozen=True)
class _Seen:
    """A file when it was last looked at: where its complete lines end, and its size at home."""

    facts: _Facts
    digest: bytes
    lines: int
    home: int


def _files(target: Path) -> list[tuple[str, Path]]:
    if target.is_file():
        return [(".", target)]
    found = []
    for folder, folders, names in os.walk(target):
        folders[:] = [name for name in folders if not is_leftover(Path(name))]
        found += [Path(folder, name) for name in names if not is_leftover(Path(name))]
    return [(path.relative_to(target).as_posix(), path) for path in sorted(found)]


def _write(target: Path, piece: Piece) -> None:
    path = target / piece.name
    if piece.content is None:
        path.unlink(missing_ok=True)
    elif piece.offset == 0:
        with writing_file(path) as temporary:
            temporary.write_bytes(piece.content)
    else:
        _append(path, piece.offset, piece.content)


def _append(path: Path, offset: int, content: bytes) -> None:
    try:
        with path.open("r+b") as stream:
            if stream.seek(0, os.SEEK_END) < offset:
                raise OSError(f"it was cut to less than {offset} bytes while its task ran")
            stream.truncate(offset)
            stream.seek(offset)
            stream.write(content)
    except OSError as error:
        raise StoreError(
            f"Could not add to {path}: {error.strerror or error}. What was there before is intact; free some space, "
            "or keep others from the folder, and start the same command again."
        ) from error


def _facts(path: Path) -> _Facts:
    status = path.stat()
    return _Facts(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _end_of_lines(content: bytes) -> int:
    return content.rfind(b"\n") + 1
