"""A folder of small pictures, as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture_folder(folder: Path, *, train: int = 24, test: int = 9, validation: int = 0, side: int = 10) -> Path:
    """Noise in colour, brighter for each of three classes, in `train/CLASS/`, `test/CLASS/`, `val/CLASS/` if any."""
    rng = np.random.default_rng(0)
    for part, number in (("train", train), ("test", test), ("val", validation)):
        for index in range(number):
            pixels = rng.integers(0, 120, (side, side, 3)) + 60 * (index % 3)
            path = folder / part / f"class{index % 3}" / f"{index:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder
