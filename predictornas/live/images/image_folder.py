"""Images in folders named by their class: `train/CLASS/` with `test/CLASS/` or `val/CLASS/`, or `CLASS/` alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64

from predictornas.counting import counted
from predictornas.errors import ConfigurationError, DataError
from predictornas.limits import total_memory
from predictornas.live.images.decoded_set import DecodedSet, survey, usual_decoders
from predictornas.live.images.image_decoding import Progress, same_channels
from predictornas.live.images.image_files import ImageFiles
from predictornas.live.images.image_sets import ImageData, Images, image_set, moments, value_counts
from predictornas.live.images.image_split import places_of_parts

SUFFIXES = (".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp", ".webp", ".tif", ".tiff")

VALIDATION = ("val", "valid", "validation")
"""What the folder of images to validate with may be called."""

TEST_SHARE = 0.2
"""Share of the images that judge where the folder has no parts (ours)."""

MEMORY_SHARE = 1 / 3
"""Share of the machine's memory above which images are decoded on the fly (ours): a split holds them twice."""

Listed = tuple[ImageFiles, Int64[np.ndarray, " n"]]
"""Files of a part and their labels."""

Told = Callable[[str], None]
"""Given what a person should know of what was read."""


def is_image_folder(folder: Path) -> bool:
    """Whether `folder` has a folder `train` or `test`, or at least two folders that hold images themselves."""
    return any((folder / part).is_dir() for part in ("train", "test")) or len(folders_of_images(folder)) > 1


def folders_of_images(folder: Path) -> list[str]:
    """The names of the folders in `folder` that hold images themselves."""
    return [entry.name for entry in _folders(folder) if any(map(_is_image, entry.iterdir()))]


def read_image_folder(
    folder: Path,
    *,
    size: int | None = None,
    progress: Progress | None = None,
    told: Told = lambda _: None,
    on_the_fly: bool | None = None,
    decoders: int | None = None,
) -> ImageData:
    """All images, by class and then by path; the classes are the folders of `train`, in alphabetic order.

    `test` judges, and the images of `val` are those to validate with. Where there is no `test`, `val` judges, as
    ImageNet is used; where there are no parts, a fifth of the images of every class does, drawn with a fixed seed.
    Folders below that of a class belong to it; where there is no `train` or `test`, a class has images itself too, for
    folders of folders alone may be parts by other names. Folders without images are no classes.

    Args:
        folder: the folder of the parts, or of the classes; its name becomes that of the data.
        size: height and width to bring the images to; None: all must be of one size.
        progress: told the images decoded so far and their number, part by part.
        told: given what was left out, and why, and how much memory the images would take where that is too much.
        on_the_fly: whether images are decoded whenever they are wanted instead of lying in memory; None: where they
            would take more than `MEMORY_SHARE` of this machine's. Every image is then decoded once beforehand.
        decoders: processes that decode on the fly; None for `usual_decoders`.

    Raises:
        DataError: a part or its images are missing, a class of another part is none of `train`, an image is broken, or
            the images do not fit into memory.
        ConfigurationError: a number of processes below 0.
    """
    if decoders is not None and decoders < 0:
        raise ConfigurationError(f"decoders = {decoders}; it has to be 0 (none but the training itself) or more.")
    classes, parts = _listed(folder, told)
    if _too_many(parts, size, on_the_fly, told):
        sets, counts = _decoded_sets(parts, size, usual_decoders() if decoders is None else decoders, progress)
    else:
        sets, counts = _sets_in_memory(parts, size, progress)
    train, test, *validation = sets
    mean, std = moments(counts)
    return ImageData(folder.name, train, test, len(classes), mean, std, tuple(classes), *validation)


def _listed(folder: Path, told: Told) -> tuple[list[str], dict[str, Listed]]:
    """The classes, and the files and labels of `train`, of what judges and, where there is more, of what validates."""
    validation = next((name for name in VALIDATION if (folder / name).is_dir()), None)
    names = [name for name in ("train", "test", validation) if name is not None and (folder / name).is_dir()]
    if not names:
        return _without_parts(folder, told)
    if "train" not in names or len(names) == 1:
        missing = "no train" if "train" not in names else "neither test nor val"
        raise DataError(
            f"{folder} has {names[0]} but {missing}. Expected are train/CLASS with test/CLASS, val/CLASS or both; "
            "folders of classes alone are split."
        )
    classes = _classes(folder / "train", told)
    parts = {}
    for name in names:
        unknown = sorted(set(_classes(folder / name, lambda _: None)) - set(classes))
        if unknown:
            raise DataError(f"{folder / name} has the class {unknown[0]!r}, which {folder / 'train'} has not.")
        parts[name] = _files(folder / name, classes, told)
    return classes, parts


def _without_parts(folder: Path, told: Told) -> tuple[list[str], dict[str, Listed]]:
    classes = _classes(folder, told)
    files, labels = _files(folder, classes, told)
    held = max(len(classes), round(TEST_SHARE * len(labels)))
    if held >= len(labels):
        raise DataError(f"{folder} has {counted(len(labels), 'image')}, too few to set some aside that judge.")
    test, train = places_of_parts(labels, (held, len(labels) - held), 0)
    told(f"{folder} has no train and test: {held} of {len(labels)} images, drawn with a fixed seed, only judge.")
    return classes, {name: (files.rows(places), labels[places]) for name, places in (("train", train), ("test", test))}


def _too_many(parts: dict[str, Listed], size: int | None, on_the_fly: bool | None, told: Told) -> bool:
    """Whether images are decoded on the fly; what they would take in memory is judged by the first."""
    if on_the_fly is False:
        return False
    first = parts["train"][0].rows(np.zeros(1, np.int64)).decoded(size)
    number, total = sum(len(files) for files, _ in parts.values()), total_memory()
    needed = number * first.nbytes
    if on_the_fly is None and (total is None or needed <= MEMORY_SHARE * total):
        return False
    height, width = first.shape[2:]
    share = "" if total is None else f" of this machine's {total / 1e9:.1f} GB"
    told(
        f"{number:,} images of {height} x {width} pixels would take {needed / 1e9:.1f} GB{share} of memory. They are "
        "decoded on the fly; the first time, each is decoded once beforehand."
    )
    return True


def _sets_in_memory(
    parts: dict[str, Listed], size: int | None, progress: Progress | None
) -> tuple[list[Images], list[list[int]]]:
    """A set for each part, and how often each value occurs in the channels of the first."""
    pixels = same_channels(*(files.decoded(size, progress) for files, _ in parts.values()))
    sets = [image_set(part, labels) for part, (_, labels) in zip(pixels, parts.values(), strict=True)]
    return [*sets], value_counts(sets[0].pixels)


def _decoded_sets(
    parts: dict[str, Listed], size: int | None, decoders: int, progress: Progress | None
) -> tuple[list[Images], list[list[int]]]:
    """The same, of images that are decoded on the fly."""
    surveys = [survey(files, size, decoders, progress) for files, _ in parts.values()]
    channels = max(found.shape[0] for found in surveys)
    sets: list[Images] = [
        DecodedSet(files, torch.from_numpy(labels), size, (channels, *found.shape[1:]), decoders)
        for (files, labels), found in zip(parts.values(), surveys, strict=True)
    ]
    return sets, surveys[0].counts[:channels].tolist()


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
        told(f"{part}: left out as no classes, because they hold no images: {counted(len(empty), 'folder')} ({named}).")
    if beside := sum(map(_is_image, part.glob("[!.]*"))):
        told(f"{part}: left out because they lie beside the folders of the classes: {counted(beside, 'image')}.")
    return classes


def _files(part: Path, classes: list[str], told: Told) -> Listed:
    found = [list(_images_in(part / name)) for name in classes]
    _tell_left_out(part, classes, told)
    return ImageFiles.below(part, chain(*found)), np.repeat(np.arange(len(classes)), list(map(len, found)))


def _tell_left_out(part: Path, classes: list[str], told: Told) -> None:
    files = (path for name in classes for path in _files_in(part / name) if not _is_image(path))
    endings = Counter(path.suffix.lower() or "no ending" for path in files)
    if endings:
        listed = ", ".join(f"{count} with {ending}" for ending, count in endings.most_common(5))
        told(f"{part}: left out because of their endings: {counted(endings.total(), 'file')} ({listed}).")


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
