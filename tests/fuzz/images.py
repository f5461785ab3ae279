"""Entries: images that a network is trained on, in folders and in parquet files."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from predictornas.live.images.loading import load_images
from tests.fuzz.engine import Entry
from tests.fuzz.mutations import with_pieces
from tests.fuzz.tables import at_home

_PIECES = (b"IHDR", b"IDAT", b"tEXt", b"IEND\xaeB`\x82", b"\xff\xd8\xff", b"%!PS-Adobe", b"GIF89a")


def image_png(folder: Path) -> Entry:
    """A PNG in a folder of images."""
    return _folder(folder, "PNG")


def image_jpeg(folder: Path) -> Entry:
    """A JPEG in a folder of images."""
    return _folder(folder, "JPEG")


def image_ppm(folder: Path) -> Entry:
    """A PPM in a folder of images: a header in plain text."""
    return _folder(folder, "PPM")


def image_bmp(folder: Path) -> Entry:
    """A BMP in a folder of images."""
    return _folder(folder, "BMP")


def image_webp(folder: Path) -> Entry:
    """A WebP in a folder of images."""
    return _folder(folder, "WEBP")


def image_parquet(folder: Path) -> Entry:
    """Images in a parquet file, with their labels."""
    images = folder / "images"
    images.mkdir()
    for part in ("train", "test"):
        rows = {"image": [{"bytes": _encoded("PNG", seed)} for seed in range(4)], "label": [0, 1, 0, 1]}
        pl.DataFrame(rows).write_parquet(images / f"{part}.parquet", compression="uncompressed")
    return _entry(folder, images / "train.parquet")


def _folder(folder: Path, form: str) -> Entry:
    images = folder / "images"
    for part in ("train", "test"):
        for label in "ab":
            (images / part / label).mkdir(parents=True)
            (images / part / label / f"1.{form.lower()}").write_bytes(_encoded(form, ord(label)))
    return _entry(folder, images / "train" / "a" / f"1.{form.lower()}")


def _entry(folder: Path, file: Path) -> Entry:
    def read() -> Any:
        with at_home(PREDICTORNAS_CACHE=folder / "cache"):
            data = load_images(folder / "images", size=8)
        return [(part.pixels.numpy().tobytes(), part.labels.tolist()) for part in (data.train, data.test)]

    def clean_up() -> None:
        shutil.rmtree(folder / "cache", ignore_errors=True)

    return Entry(file, with_pieces(*_PIECES), read, clean_up=clean_up)


def _encoded(form: str, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(256, size=(8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()
