"""Image files of one folder, in a fixed order: their names as one array, so that a million of them stay small."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped, UInt8

from predictornas.errors import DataError
from predictornas.live.images.image_decoding import Progress, decode_images


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Image files below a folder.

    Attributes:
        root: the folder.
        names: their paths below it, `bytes (n,)`.
    """

    root: Path
    names: Shaped[np.ndarray, " n"]

    @classmethod
    def below(cls, root: Path, paths: Iterable[Path]) -> ImageFiles:
        """These files, which lie below `root`."""
        return cls(root, np.array([os.fsencode(path.relative_to(root)) for path in paths], dtype=np.bytes_))

    def __len__(self) -> int:
        return len(self.names)

    def paths(self) -> Iterator[Path]:
        """Where the files are."""
        return (self.root / os.fsdecode(name) for name in self.names.tolist())

    def rows(self, places: Int64[np.ndarray, " m"]) -> ImageFiles:
        """The files at `places`, in that order."""
        return ImageFiles(self.root, self.names[places])

    def stamps(self) -> Int64[np.ndarray, "n 2"]:
        """Length in bytes and time of the last change, in nanoseconds, of each file.

        Raises:
            DataError: a file is gone.
        """
        stamps = np.empty((len(self), 2), np.int64)
        for row, path in zip(stamps, self.paths(), strict=True):
            try:
                found = path.stat()
            except OSError as error:
                raise _unreadable(path, error) from error
            row[:] = found.st_size, found.st_mtime_ns
        return stamps

    def decoded(self, size: int | None, progress: Progress | None = None) -> UInt8[np.ndarray, "n c h w"]:
        """The pixels of all files, as `decode_images` gives them.

        Raises:
            DataError: a file cannot be read, or as in `decode_images`.
            ConfigurationError: a size that is not positive.
        """
        encoded = ((str(path), _content(path)) for path in self.paths())
        return decode_images(encoded, len(self), size=size, progress=progress)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be read ({error.strerror}).")
