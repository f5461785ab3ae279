"""How colours look to people with deuteranopia and on a grey printer, and how far apart they are then."""

from __future__ import annotations

from itertools import combinations

import numpy as np

# Machado, Oliveira & Fernandes 2009 (IEEE TVCG 15, table 1), severity 1.0, for linear RGB
_DEUTERANOPIA = np.array([
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
])  # fmt: skip

# sRGB, IEC 61966-2-1: linear RGB to CIE XYZ under D65
_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
_WHITE = _XYZ.sum(axis=1)


def linear(colour: str) -> np.ndarray:
    """Linear RGB of `#RRGGBB`."""
    encoded = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB."""
    relative = _XYZ @ rgb / _WHITE
    cubed = relative > (6 / 29) ** 3
    x, y, z = np.where(cubed, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def deuteranopic(rgb: np.ndarray) -> np.ndarray:
    """What somebody without green cones sees of it."""
    return np.clip(_DEUTERANOPIA @ rgb, 0, 1)


def lightness(colour: str) -> float:
    """CIE L*, 0 black to 100 white: all that a grey printer keeps."""
    return float(lab(linear(colour))[0])


def apart(one: str, other: str, *, blind: bool = False) -> float:
    """Euclidean distance in CIELAB (CIE 1976); about 2.3 is just noticeable side by side."""
    first, second = (deuteranopic(linear(colour)) if blind else linear(colour) for colour in (one, other))
    return float(np.linalg.norm(lab(first) - lab(second)))


def closest(colours: list[str], *, blind: bool) -> tuple[float, str, str]:
    """The smallest distance between two different colours, and which they are."""
    return min((apart(one, other, blind=blind), one, other) for one, other in combinations(dict.fromkeys(colours), 2))
