"""From compressed images to one array of pixels, by Pillow: grey stays one channel, all else becomes RGB."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from predictornas.errors import ConfigurationError, DataError
from predictornas.extras import extra
from predictornas.limits import available_memory

with extra("live", "Training on images"):
    from PIL import Image, ImageOps, UnidentifiedImageError

Progress = Callable[[int, int], None]
"""Told how many images are decoded so far, and how many there are."""

FORMATS = ("PNG", "JPEG", "PPM", "BMP", "WEBP", "TIFF")
"""Pillow may open no other: some of its formats start outside programs."""


def decode_images(
    encoded: Iterable[tuple[str, bytes]], number: int, *, size: int | None, progress: Progress | None = None
) -> UInt8[np.ndarray, "n c h w"]:
    """Decodes images one after the other.

    Args:
        encoded: where each image comes from, for messages, and its bytes.
        number: how many there are, >= 1.
        size: height and width to bring each to (cut to a square about its centre); None: all must be of one size.
        progress: told the images decoded so far and their number.

    Returns:
        The pixels, of one channel if all images are grey, of three otherwise.

    Raises:
        DataError: bytes that are no image of a known format, 16-bit images, images of different sizes, or more images
            than fit into memory, which is known after the first.
        ConfigurationError: a size that is not positive.
    """
    pixels: UInt8[np.ndarray, "..."] | None = None
    for index, (where, content) in enumerate(encoded):
        image = _decode(where, content, size)
        if pixels is None:
            _check_memory(number, image)
            pixels = np.empty((number, *image.shape), np.uint8)
        if pixels.shape[1] < len(image):
            pixels = pixels.repeat(len(image), axis=1)
        if image.shape[1:] != pixels.shape[2:]:
            first, this = (f"{height} x {width}" for height, width in (pixels.shape[2:], image.shape[1:]))
            raise DataError(f"{where} has {this} pixels, those before it {first}. Give a size to bring all to.")
        pixels[index] = image
        if progress is not None:
            progress(index + 1, number)
    if pixels is None:
        raise DataError("There are no images to decode.")
    return pixels


def same_channels(*parts: UInt8[np.ndarray, "..."]) -> list[UInt8[np.ndarray, "..."]]:
    """Images `(n, c, h, w)`, all with as many channels as those that have most; grey becomes RGB of equal parts."""
    channels = max(part.shape[1] for part in parts)
    return [part if part.shape[1] == channels else part.repeat(channels // part.shape[1], axis=1) for part in parts]


def resized(pixels: UInt8[Tensor, "n c h w"], size: int) -> UInt8[Tensor, "n c {size} {size}"]:
    """Images of one or three channels, cut to a square about the centre and brought to `size` (bilinear, antialiased).

    Raises:
        ConfigurationError: a size that is not positive.
    """
    channels_last = pixels.permute(0, 2, 3, 1).cpu().numpy()
    grey = channels_last.shape[-1] == 1
    images = (Image.fromarray(image[..., 0] if grey else image) for image in channels_last)
    return torch.from_numpy(np.stack([_array(_fitted(image, size)) for image in images]))


def _decode(where: str, content: bytes, size: int | None) -> UInt8[np.ndarray, "c h w"]:
    try:
        with _huge_refused(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{where} has pixels of more than 8 bits (mode {image.mode}). Convert it to 8 bits.")
            grey = image.mode in ("1", "L", "LA")
            plain = image.convert("L" if grey else "RGB")
    except DataError:
        raise
    except UnidentifiedImageError as error:  # its message names the bytes in memory
        raise _unreadable(where, "its content is of no known format") from error
    except Exception as error:  # Pillow's decoders raise what they please on broken files
        raise _unreadable(where, error) from error
    return _array(plain if size is None else _fitted(plain, size))


def _unreadable(where: str, reason: object) -> DataError:
    return DataError(f"{where} is no readable image ({reason}). Known formats: {', '.join(FORMATS)}.")


def _check_memory(number: int, image: UInt8[np.ndarray, "c h w"]) -> None:
    needed, free = number * image.nbytes, available_memory()
    if free is not None and needed > free:
        raise DataError(
            f"{number:,} images of {' x '.join(map(str, image.shape[1:]))} pixels take {needed / 1e9:.1f} GB, and this "
            f"machine has {free / 1e9:.1f} GB of memory to spare. Give a smaller image size, or fewer images; those of "
            "a folder for each class can be decoded on the fly instead of being held in memory."
        )


@contextmanager
def _huge_refused() -> Iterator[None]:
    """What Pillow warns of, an image far larger than its file, is an error; other warnings of it say nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _fitted(image: Image.Image, size: int) -> Image.Image:
    if size < 1:
        raise ConfigurationError(f"Images cannot be brought to size {size}; a size is at least 1.")
    return ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)


def _array(image: Image.Image) -> UInt8[np.ndarray, "c h w"]:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
