"""Images to train with: `load_images` reads them from wherever they are, `split` takes a set apart."""

from __future__ import annotations

from pathlib import Path

from predictornas.errors import ConfigurationError, DataError
from predictornas.live.images.cifar import cifar_folder, read_cifar
from predictornas.live.images.hard_digits import hard_digits
from predictornas.live.images.image_decoding import Progress, resized
from predictornas.live.images.image_folder import Told, folders_of_images, is_image_folder, read_image_folder
from predictornas.live.images.image_parquet import is_image_parquet, read_image_parquet
from predictornas.live.images.image_sets import ImageData, ImageSet, image_data
from predictornas.live.images.image_split import split
from predictornas.live.images.registry import IMAGE_SETS
from predictornas.live.images.scikit_digits import scikit_digits
from predictornas.registry import expect

__all__ = ["BUILT_IN", "ImageData", "ImageSet", "load_images", "split"]

BUILT_IN = tuple(IMAGE_SETS)
"""Image sets of this package that need no file."""


def load_images(
    source: str | Path,
    *,
    size: int | None = None,
    progress: Progress | None = None,
    told: Told = lambda _: None,
    on_the_fly: bool | None = None,
    decoders: int | None = None,
) -> ImageData:
    """The images of a task, in memory, or decoded whenever they are wanted.

    Args:
        source: a name in `IMAGE_SETS`, `module:attribute`, or a folder that holds CIFAR-10's or CIFAR-100's python
            batches, image-parquet files, images in `train/CLASS/` and `test/CLASS/` (or `val/CLASS/`), or in `CLASS/`
            alone; each is recognised by the names of its files. See `image_folder.read_image_folder`.
        size: height and width to bring the images to, cut to a square about their centre; for `hard-digits` the size of
            the canvas. None keeps the size that they have, which must then be one and the same.
        progress: told how many images are decoded so far, of how many (of files of compressed images).
        told: given what was left out of a folder of images, and why.
        on_the_fly: whether images in `CLASS/` are decoded on the fly; None: where they are too many for the memory.
        decoders: processes that decode them, see `image_folder.read_image_folder`.

    Raises:
        UnknownNameError: `source` is neither a name nor a folder.
        DataError: the folder holds none of the formats, or its files break theirs.
        ConfigurationError: images of another kind to be decoded on the fly, a size that is not positive, a canvas too
            small for a digit, or an image set of another package that cannot be loaded.
    """
    folder = Path(source).expanduser()
    known = source in IMAGE_SETS or not folder.is_dir()
    cifar, parquet = None if known else cifar_folder(folder), not known and is_image_parquet(folder)
    if not known and cifar is None and not parquet and is_image_folder(folder):
        return read_image_folder(
            folder, size=size, progress=progress, told=told, on_the_fly=on_the_fly, decoders=decoders
        )
    if on_the_fly:
        raise ConfigurationError(f"Only folders of image files are decoded on the fly, and {source} is none.")
    if known:
        record = IMAGE_SETS[str(source)]
        data: ImageData = expect(record.make(size=size), ImageData, record)
        return data
    if cifar is not None:
        return _at_size(read_cifar(cifar), size)
    if parquet:
        return read_image_parquet(folder, size=size, progress=progress)
    if alone := folders_of_images(folder):
        raise DataError(f"{folder} has images of one class alone, {alone[0]!r}. Expected is a folder for each class.")
    raise DataError(
        f"{folder} holds no images that can be read. Expected are CIFAR's python batches (data_batch_1 ... or train, "
        "test and meta), *train*.parquet with *test*.parquet, the folders train/CLASS and test/CLASS, or CLASS alone."
    )


def digits_at(size: int | None) -> ImageData:
    """`digits`, brought to this height and width."""
    return _at_size(scikit_digits(), size)


def hard_digits_at(size: int | None) -> ImageData:
    """`hard-digits` on a canvas of this height and width."""
    return hard_digits() if size is None else hard_digits(canvas=size)


def _at_size(data: ImageData, size: int | None) -> ImageData:
    if size is None:
        return data
    train, test = (
        ImageSet(resized(images.in_memory().pixels, size), images.labels, images.sources)
        for images in (data.train, data.test)
    )
    return image_data(data.name, train, test, data.classes, data.class_names)
