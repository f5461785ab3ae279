"""`digits`: scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, which need no download."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, UInt8

from predictornas.extras import extra
from predictornas.live.images.image_sets import ImageData, image_data, image_set

DIGITS = tuple("0123456789")
"""The names of the classes."""


def scikit_digits() -> ImageData:
    """The digits as one-channel images; every third one is for the test (ours: scikit-learn has no split)."""
    pixels, labels = digit_pixels()
    testing = np.arange(len(labels)) % 3 == 0
    train, test = (image_set(pixels[part][:, None], labels[part]) for part in (~testing, testing))
    return image_data("digits", train, test, classes=10, class_names=DIGITS)


def digit_pixels() -> tuple[UInt8[np.ndarray, "n 8 8"], Int64[np.ndarray, " n"]]:
    """Pixels and labels in scikit-learn's order; its ink 0 .. 16 becomes 0 .. 255, rounded."""
    with extra("live", "The image set digits"):
        from sklearn.datasets import load_digits  # slow to import, and few need it

    digits = load_digits()
    ink = digits.images.astype(np.int64)
    return ((ink * 255 + 8) // 16).astype(np.uint8), digits.target.astype(np.int64)
