"""Counts as people read them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and what is counted, with an s unless it is one.

    Example:
        >>> counted(1, "run"), counted(2000, "seed"), counted(0, "draw")
        ('1 run', '2,000 seeds', '0 draws')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
