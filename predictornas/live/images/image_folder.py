"""Images in folders named by their class: `train/CLASS/` with `test/CLASS/` or `val/CLASS/`, or `CLASS/` alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from predictornas.counting import counted
from predictornas.errors import DataError
from predictornas.live.images.image_decoding import Progress, decode_images, same_channels
from predictornas.live.images.image_sets import ImageData, image_data, image_set
from predictornas.live.images.image_split import split

SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".webp", ".tif", ".tiff")

VALIDATION = ("val", "valid", "validation")
"""What the folder of images to validate with may be called."""

TEST_SHARE = 0.2
"""Share of the images that judge where the folder has no parts (ours)."""

Told = Callable[[str], None]
"""Given what a person should know of what was read."""


def is_image_folder(folder: Path) -> bool:
    """Whether `folder` has a folder `train` or `test`, or at least two folders that hold images themselves."""
    if any((folder / part).is_dir() for part in ("train", "test")):
        return True
    return sum(any(map(_is_image, entry.iterdir())) for entry in _folders(folder)) > 1


def read_image_folder(
    folder: Path, *, size: int | None = None, progress: Progress | None = None, told: Told = lambda _: None
) -> ImageData:
    """All images, by class and then by path; the classes are the folders of `train`, in alphabetic order.

    `test` judges, and the images of `val` are those to validate with. Where there is no `test`, `val` judges, as
    ImageNet is used; where there are no parts, a fifth of the images of every class does, drawn with a fixed seed.
    Folders below that of a class belong to it. Folders without images are no classes.

    Args:
        folder: the folder of the parts, or of the classes; its name becomes that of the data.
        size: height and width to bring the images to; None: all must be of one size.
        progress: told the images decoded so far and their number, part by part.
        told: given what was left out, and why.

    Raises:
        DataError: a part or its images are missing, a class of another part is none of `train`, an image is broken, or
            the images do not fit into memory.
    """
    validation = next((name for name in VALIDATION if (folder / name).is_dir()), None)
    parts = [name for name in ("train", "test", validation) if name is not None and (folder / name).is_dir()]
    if not parts:
        return _without_parts(folder, size, progress, told)
    if "train" not in parts or len(parts) == 1:
        missing = "train" if "train" not in parts else "test"
        raise DataError(f"{folder} has {parts[0]} but no {missing}. Expected are train/CLASS and test/CLASS.")
    classes = _classes(folder / "train", told)
    read = {}
    for name in parts:
        unknown = sorted(set(_classes(folder / name, lambda _: None)) - set(classes))
        if unknown:
            raise DataError(f"{folder / name} has the class {unknown[0]!r}, which {folder / 'train'} has not.")
        read[name] = _images(folder / name, classes, size, progress, told)
    pixels = same_channels(*(pixels for pixels, _ in read.values()))
    train, *others = (image_set(part, labels) for part, (_, labels) in zip(pixels, read.values(), strict=True))
    data = image_data(folder.name, train, others[0], len(classes), tuple(classes))
    return replace(data, validation=others[1]) if len(others) > 1 else data


def _without_parts(folder: Path, size: int | None, progress: Progress | None, told: Told) -> ImageData:
    classes = _classes(folder, told)
    pixels, labels = _images(folder, classes, size, progress, told)
    everything = image_set(pixels, labels)
    held = max(len(classes), round(TEST_SHARE * len(labels)))
    if held >= len(labels):
        raise DataError(f"{folder} has {counted(len(labels), 'image')}, too few to set some aside that judge.")
    test, train = (part.in_memory() for part in split(everything, (held, len(labels) - held), 0))
    told(f"{folder} has no train and test: {held} of {len(labels)} images, drawn with a fixed seed, only judge.")
    return image_data(folder.name, train, test, len(classes), tuple(classes))


def _classes(part: Path, told: Told) -> list[str]:
    folders = _folders(part)
    classes = [entry.name for entry in folders if next(_images_in(entry), None) is not None]
    empty = [entry.name for entry in folders if entry.name not in classes]
    if not folders:
        raise DataError(f"{part} has no folder for any class. Expected are {part}/CLASS/*.png.")
    if not classes:
        raise DataError(f"{part} has no images. Known are files that end in {', '.join(SUFFIXES)}.")
    if empty:
        named = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
        told(f"{part}: {counted(len(empty), 'folder')} without images left out, no class is made of it: {named}.")
    return classes


def _images(
    part: Path, classes: list[str], size: int | None, progress: Progress | None, told: Told
) -> tuple[UInt8[np.ndarray, "n c h w"], Int64[np.ndarray, " n"]]:
    files = [(label, path) for label, name in enumerate(classes) for path in _images_in(part / name)]
    _tell_left_out(part, classes, told)
    encoded = ((str(path), _content(path)) for _, path in files)
    pixels = decode_images(encoded, len(files), size=size, progress=progress)
    return pixels, np.array([label for label, _ in files], dtype=np.int64)


def _tell_left_out(part: Path, classes: list[str], told: Told) -> None:
    files = (path for name in classes for path in _files_in(part / name) if not _is_image(path))
    endings = Counter(path.suffix.lower() or "no ending" for path in files)
    if endings:
        listed = ", ".join(f"{count} with {ending}" for ending, count in endings.most_common(5))
        told(f"{part}: {counted(endings.total(), 'file')} left out that are no images of a known ending ({listed}).")


def _folders(part: Path) -> list[Path]:
    return sorted(entry for entry in part.glob("[!.]*") if entry.is_dir())


def _images_in(folder: Path) -> Iterator[Path]:
    return (path for path in _files_in(folder) if _is_image(path))


def _files_in(folder: Path) -> Iterator[Path]:
    """Files of a folder and of those below it, none of them hidden, in the order of their paths."""
    for entry in sorted(folder.glob("[!.]*")):
        if entry.is_dir() and not entry.is_symlink():  # a link may lead to a folder above
            yield from _files_in(entry)
        elif entry.is_file():
            yield entry


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
