"""CIFAR-10 and CIFAR-100 from their original python batches (Krizhevsky 2009)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from predictornas.errors import DataError
from predictornas.live.images.image_sets import ImageData, ImageSet, image_data, image_set
from predictornas.plain_pickle import load_plain_pickle

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class CifarFolder:
    """A folder of batches, and which of the two it is."""

    path: Path
    layout: _Layout


@dataclass(frozen=True)
class _Layout:
    name: str
    folder: str
    train: tuple[str, ...]
    test: str
    labels: str
    classes: int
    archive: str


_LAYOUTS = (
    _Layout(
        name="cifar10",
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{number}" for number in range(1, 6)),
        test="test_batch",
        labels="labels",
        classes=10,
        archive="cifar-10-python.tar.gz",
    ),
    _Layout(
        name="cifar100",
        folder="cifar-100-python",
        train=("train",),
        test="test",
        labels="fine_labels",
        classes=100,
        archive="cifar-100-python.tar.gz",
    ),
)


def cifar_folder(folder: Path) -> CifarFolder | None:
    """The batches in `folder`, or in the sub-folder that the archive unpacks to; None where there is not one."""
    for layout in _LAYOUTS:
        for place in (folder, folder / layout.folder):
            if any((place / batch).is_file() for batch in (*layout.train, layout.test)):
                return CifarFolder(place, layout)
    return None


def read_cifar(found: CifarFolder) -> ImageData:
    """The images of all batches, in their order; CIFAR-100 with its 100 fine labels.

    Raises:
        DataError: a batch is missing, torn, of another form, or holds labels out of range.
    """
    layout = found.layout
    train = _images(found.path, layout.train, layout)
    test = _images(found.path, (layout.test,), layout)
    return image_data(layout.name, train, test, layout.classes)


def _images(folder: Path, names: tuple[str, ...], layout: _Layout) -> ImageSet:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise DataError(f"{folder} has no {', '.join(missing)}. Unpack {layout.archive} again: it holds all batches.")
    pixels, labels = zip(*(_batch(folder / name, layout) for name in names), strict=True)
    return image_set(np.concatenate(pixels), np.concatenate(labels))


def _batch(path: Path, layout: _Layout) -> tuple[UInt8[np.ndarray, "n 3 32 32"], Int64[np.ndarray, " n"]]:
    content = load_plain_pickle(path)
    pixels, labels = (_entry(path, content, key) for key in ("data", layout.labels))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        raise DataError(f"{path}: 'data' is no table of {PIXELS} bytes an image. Unpack {layout.archive} again.")
    if not isinstance(labels, (list, np.ndarray)) or len(labels) != len(pixels):
        raise DataError(f"{path}: there is not one label for each of the {len(pixels)} images. Fetch the file again.")
    for label in labels:
        if not isinstance(label, (int, np.integer)):
            raise DataError(f"{path}: a label is no whole number but {type(label).__name__}. Fetch the file again.")
        if not 0 <= label < layout.classes:
            raise DataError(f"{path}: the label {label} is not one of 0 .. {layout.classes - 1}. Fetch the file again.")
    return pixels.reshape(-1, 3, 32, 32), np.asarray(labels, dtype=np.int64)


def _entry(path: Path, content: Any, key: str) -> Any:
    """The entry of a batch; the keys of the original files, which python 2 wrote, are bytes."""
    for spelled in (key, key.encode()):
        if isinstance(content, dict) and spelled in content:
            return content[spelled]
    raise DataError(f"{path} has no {key!r}: it is no python batch. The archives for matlab and C are not read.")
