"""`hard-digits`: scikit-learn's digits at a random place on a larger canvas, with clutter, noise and uneven contrast.

The same bytes on every machine: all arithmetic is on integers, and random numbers are the raw output of PCG64, whose
stream numpy promises to keep (it does not for `Generator.integers`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from predictornas.errors import ConfigurationError
from predictornas.live.images.image_sets import ImageData, ImageSet, image_data
from predictornas.live.images.scikit_digits import DIGITS, digit_pixels
from predictornas.seeding import seed_sequence

DIGIT_SIZE = 8
PIECE_SIZE = 4

_ROLES = np.array(["test", "test", "test", "clutter", "train", "train", "train", "train", "train"])
"""What the digits are for, in turn (ours): 600 for test images, 200 for clutter, 997 for training images."""


@dataclass(frozen=True)
class Difficulty:
    """What makes the digits hard (ours).

    Attributes:
        shift: how far apart, in pixels, the outermost places of a digit lie in each direction: 0 centres it, None lets
            it lie anywhere.
        pieces: pieces of 4 x 4 pixels, cut from digits that are never the labelled one, laid over each canvas.
        noise: each pixel is moved by an integer from `-noise .. noise`, of 255.
        contrast: the faintest ink in 1/256 of full ink; each digit and each piece draws its own from `contrast .. 256`.
    """

    shift: int | None = None
    pieces: int = 1
    noise: int = 24
    contrast: int = 160


def hard_digits(
    canvas: int = 12, train: int = 4000, test: int = 2000, seed: int = 0, difficulty: Difficulty | None = None
) -> ImageData:
    """Digits of one channel that small networks do not all solve; `sources` of its sets name the original digits.

    Each original is used equally often, up to one. No original gives the digit of both a training and a test image,
    and none of those is cut up for clutter; `split` keeps the originals of its parts apart too.

    Args:
        canvas: height and width of the images, >= 8.
        train: number of training images, to be split into training and validation.
        test: number of test images.
        seed: seed of places, clutter, noise and contrast.
        difficulty: how hard; None for the default.

    Raises:
        ConfigurationError: a number out of its range.
    """
    chosen = Difficulty() if difficulty is None else difficulty
    _check(canvas, train, test, chosen)
    digits, labels = digit_pixels()
    roles = np.resize(_ROLES, len(labels))
    parts = {}
    for part, number in (("train", train), ("test", test)):
        originals = np.flatnonzero(roles == part)
        sources = np.resize(originals, number)
        integers = _Integers(seed, f"hard digits, {part}")
        pixels = _draw(digits[sources], digits[roles == "clutter"], canvas, chosen, integers)
        parts[part] = ImageSet(*map(torch.from_numpy, (pixels[:, None], labels[sources], sources)))
    return image_data("hard-digits", parts["train"], parts["test"], classes=10, class_names=DIGITS)


def _check(canvas: int, train: int, test: int, difficulty: Difficulty) -> None:
    room = canvas - DIGIT_SIZE
    rules = (
        ("canvas", canvas, DIGIT_SIZE, 1024),
        ("train", train, 1, 10**7),
        ("test", test, 1, 10**7),
        ("shift", difficulty.shift or 0, 0, max(room, 0)),
        ("pieces", difficulty.pieces, 0, 1000),
        ("noise", difficulty.noise, 0, 255),
        ("contrast", difficulty.contrast, 1, 256),
    )
    for name, value, low, high in rules:
        if not low <= value <= high:
            raise ConfigurationError(f"hard-digits: {name} = {value} is not between {low} and {high}.")


class _Integers:
    """Random integers from PCG64's raw output alone."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._bits = np.random.PCG64(seed_sequence(seed, 0, purpose))

    def below(self, bound: int, *shape: int) -> Int64[np.ndarray, "..."]:
        """Integers in `0 .. bound - 1`; their chances differ by less than `bound / 2**32`, relatively."""
        raw = self._bits.random_raw(int(np.prod(shape))).reshape(shape)
        return ((raw >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.int64)


def _draw(
    digits: UInt8[np.ndarray, "n 8 8"],
    clutter: UInt8[np.ndarray, "m 8 8"],
    canvas: int,
    difficulty: Difficulty,
    integers: _Integers,
) -> UInt8[np.ndarray, "n canvas canvas"]:
    number = len(digits)
    images = np.zeros((number, canvas, canvas), dtype=np.int64)
    room = canvas - DIGIT_SIZE
    shift = room if difficulty.shift is None else difficulty.shift
    top, left = (room - shift) // 2 + integers.below(shift + 1, 2, number)
    _lay(images, _faded(digits, difficulty, integers), top, left)
    for _ in range(difficulty.pieces):
        whole = clutter[integers.below(len(clutter), number)]
        top, left = integers.below(DIGIT_SIZE - PIECE_SIZE + 1, 2, number)
        pieces = _faded(whole[_window(top, left, PIECE_SIZE)], difficulty, integers)
        top, left = integers.below(canvas - PIECE_SIZE + 1, 2, number)
        _lay(images, pieces, top, left)
    images += integers.below(2 * difficulty.noise + 1, *images.shape) - difficulty.noise
    return images.clip(0, 255).astype(np.uint8)


def _faded(
    ink: UInt8[np.ndarray, "n side side"], difficulty: Difficulty, integers: _Integers
) -> Int64[np.ndarray, "n side side"]:
    share = difficulty.contrast + integers.below(257 - difficulty.contrast, len(ink), 1, 1)
    faded: Int64[np.ndarray, "n side side"] = ink.astype(np.int64) * share >> 8
    return faded


def _lay(
    images: Int64[np.ndarray, "n canvas canvas"],
    ink: Int64[np.ndarray, "n side side"],
    top: Int64[np.ndarray, " n"],
    left: Int64[np.ndarray, " n"],
) -> None:
    """Lays ink on the images in place; where two inks meet, the stronger shows."""
    window = _window(top, left, ink.shape[1])
    images[window] = np.maximum(images[window], ink)


def _window(
    top: Int64[np.ndarray, " n"], left: Int64[np.ndarray, " n"], side: int
) -> tuple[Int64[np.ndarray, "n 1 1"], Int64[np.ndarray, "n {side} 1"], Int64[np.ndarray, "n 1 {side}"]]:
    """The index of one square in each image: image, rows, columns."""
    image = np.arange(len(top))[:, None, None]
    return image, top[:, None, None] + np.arange(side)[:, None], left[:, None, None] + np.arange(side)
