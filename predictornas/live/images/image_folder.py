"""Images in folders named by their class: `train/CLASS/*.png` and `test/CLASS/*.png` (PNG, JPEG, PPM, BMP, WebP)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from predictornas.errors import DataError
from predictornas.live.images.image_decoding import Progress, decode_images, same_channels
from predictornas.live.images.image_sets import ImageData, image_data, image_set

SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".webp")


def is_image_folder(folder: Path) -> bool:
    """Whether `folder` has a folder `train` or `test`."""
    return any((folder / part).is_dir() for part in ("train", "test"))


def read_image_folder(folder: Path, *, size: int | None = None, progress: Progress | None = None) -> ImageData:
    """All images, by class and then by file name; the classes are the folders of `train`, in alphabetic order.

    Args:
        folder: the folder of `train` and `test`; its name becomes that of the data.
        size: height and width to bring the images to; None: all must be of one size.
        progress: told the images decoded so far and their number, for train and then for test.

    Raises:
        DataError: a part or its images are missing, a class of `test` is none of `train`, or an image is broken.
    """
    classes = _classes(folder / "train")
    unknown = sorted(set(_classes(folder / "test")) - set(classes))
    if unknown:
        raise DataError(f"{folder / 'test'} has the class {unknown[0]!r}, which {folder / 'train'} has not.")
    (train, train_labels), (test, test_labels) = (
        _images(folder / part, classes, size, progress) for part in ("train", "test")
    )
    train, test = same_channels(train, test)
    return image_data(
        folder.name, image_set(train, train_labels), image_set(test, test_labels), len(classes), tuple(classes)
    )


def _classes(part: Path) -> list[str]:
    classes = sorted(entry.name for entry in part.glob("[!.]*") if entry.is_dir())
    if not classes:
        raise DataError(f"{part} has no folder for any class. Expected are {part}/CLASS/*.png.")
    return classes


def _images(
    part: Path, classes: list[str], size: int | None, progress: Progress | None
) -> tuple[UInt8[np.ndarray, "n c h w"], Int64[np.ndarray, " n"]]:
    files = [
        (label, path)
        for label, name in enumerate(classes)
        for path in sorted((part / name).glob("[!.]*"))
        if path.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise DataError(f"{part} has no images. Known are files that end in {', '.join(SUFFIXES)}.")
    encoded = ((str(path), _content(path)) for _, path in files)
    pixels = decode_images(encoded, len(files), size=size, progress=progress)
    return pixels, np.array([label for label, _ in files], dtype=np.int64)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
