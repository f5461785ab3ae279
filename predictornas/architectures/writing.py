"""What a notation is: a record of how architectures of some spaces are read and written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int8, Int64

from predictornas.spaces.base import SearchSpace

Row = Int8[np.ndarray, " g"]
Numbering = Sequence[str] | None
"""The names of operations in the order of their numbers; None for ours, which is the official one."""


@dataclass(frozen=True)
class Writing:
    """One way to write architectures of some spaces.

    Attributes:
        name: what the command calls it; `NAME: text` reads a text in this notation and no other.
        help: one line.
        fits: whether architectures of a space are written so.
        read: the genes of a value, a text or what a text prints; None where it is not of this form. Raises
            `InvalidArchitectureError` where it is, but is no architecture.
        write: the text of one valid row; None where it has none.
        asked: whether it is only read when it is named, because its form is that of genes.
    """

    name: str
    help: str
    fits: Callable[[SearchSpace], bool]
    read: Callable[[SearchSpace, Any, Numbering], Row | None]
    write: Callable[[SearchSpace, Row], str | None]
    asked: bool = False


def is_numbers(value: Any) -> bool:
    """Whether a value is a list of whole numbers, at least one."""
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def of(*kinds: type) -> Callable[[SearchSpace], bool]:
    """Whether a space is of one of these classes."""
    return lambda space: isinstance(space, kinds)


def wide(rows: list[list[int]]) -> Int64[np.ndarray, "n g"]:
    """Numbers of any size as an array; what no gene can be becomes -1."""
    return np.array([[number if abs(number) < 1 << 31 else -1 for number in row] for row in rows], np.int64)
