"""Images in parquet files, `image` and `label` a row, decoded once and kept in the cache folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt8

from predictornas.errors import DataError
from predictornas.files import sha256_of
from predictornas.frames import column_names, is_parquet, read_bytes, read_columns
from predictornas.live.images.image_decoding import Progress, decode_images, same_channels
from predictornas.live.images.image_sets import ImageData, image_data, image_set
from predictornas.spaces.cache import Arrays, cached_arrays

_MOST_CLASSES = 2**16


def is_image_parquet(folder: Path) -> bool:
    """Whether `folder` has a parquet file with "train" in its name."""
    return any(folder.glob("*train*.parquet"))


def read_image_parquet(folder: Path, *, size: int | None = None, progress: Progress | None = None) -> ImageData:
    """The rows of `NAMEtrain*.parquet` and `NAMEtest*.parquet`, of each by file name and row.

    The column `image` holds an image file's bytes, or a struct of which the field `bytes` does; `label` whole numbers
    from 0. What is decoded is kept below the cache folder, under the SHA-256 of the files.

    Args:
        folder: the folder of the files, of one NAME; that, or else the folder's, becomes the name of the data.
        size: height and width to bring the images to; None: all must be of one size.
        progress: told the images decoded so far and their number, for train and then for test, if they are decoded.

    Raises:
        DataError: files or columns are missing or of another form, a label is out of range, or an image is broken.
    """
    name, train_files, test_files = _files(folder)
    train_labels, test_labels = (_labels(files) for files in (train_files, test_files))
    classes = int(train_labels.max()) + 1
    if test_labels.max() >= classes:
        raise DataError(
            f"{test_files[0]}: the label {test_labels.max()} is not among the training images, whose labels end at "
            f"{classes - 1}."
        )
    train = _pixels(train_files, len(train_labels), size, progress)
    test = _pixels(test_files, len(test_labels), size, progress)
    train, test = same_channels(train, test)
    return image_data(name, image_set(train, train_labels), image_set(test, test_labels), classes)


def _files(folder: Path) -> tuple[str, list[Path], list[Path]]:
    train = sorted(folder.glob("*train*.parquet"))
    names = sorted({path.name.partition("train")[0] for path in train})
    if len(names) > 1:
        raise DataError(f"{folder} has training images of more than one kind: {', '.join(names)}. Take them apart.")
    # by the name they share with the training files: a folder may have other tables with "test" in theirs
    test = sorted(path for path in folder.glob("*.parquet") if path.name.startswith(f"{names[0]}test"))
    if not test:
        raise DataError(f"{folder} has {train[0].name} but no {names[0]}test*.parquet beside it.")
    return names[0].strip("-_.") or folder.name, train, test


def _labels(files: list[Path]) -> Int64[np.ndarray, " n"]:
    parts = []
    for path in files:
        column = _column(path, "label")
        whole = column.dtype.is_integer()
        # too large for 64 bits with a sign: null
        labels = column.cast(pl.Int64, strict=False) if whole else column
        if not whole or labels.null_count() or not labels.is_between(0, _MOST_CLASSES - 1).all():
            raise DataError(f"{path}: 'label' must hold a whole number from 0 to {_MOST_CLASSES - 1} in every row.")
        parts.append(labels.to_numpy())
    joined = np.concatenate(parts)
    if not len(joined):
        raise DataError(f"{files[0]} has no rows.")
    return joined


def _pixels(
    files: list[Path], number: int, size: int | None, progress: Progress | None
) -> UInt8[np.ndarray, "n c h w"]:
    identity = " ".join([*map(sha256_of, files), str(size)])
    name = f"images/{hashlib.sha256(identity.encode()).hexdigest()[:32]}"

    def decode() -> Arrays:
        rows = ((f"{path}, row {row}", content) for path in files for row, content in enumerate(_encoded(path)))
        return {"pixels": decode_images(rows, number, size=size, progress=progress)}

    return np.array(cached_arrays(name, 1, decode)["pixels"])


def _encoded(path: Path) -> list[bytes]:
    images = _column(path, "image")
    if isinstance(images.dtype, pl.Struct) and any(field.name == "bytes" for field in images.dtype.fields):
        images = images.struct.field("bytes")
    if images.dtype != pl.Binary or images.null_count():
        raise DataError(f"{path}: the column 'image' must hold the bytes of an image file in every row.")
    return images.to_list()


def _column(path: Path, name: str) -> pl.Series:
    content = read_bytes(path)
    if not is_parquet(content):
        raise DataError(f"{path} is no parquet file. Fetch it again.")
    if name not in column_names(content, str(path)):
        raise DataError(f"{path} has no column {name!r}; the columns 'image' and 'label' are read.")
    return read_columns(content, str(path), [name])[name]
