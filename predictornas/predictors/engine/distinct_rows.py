"""Numbers the distinct rows of a table of small integers given by columns, exactly and in a few passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int, Int32, Integer, UInt64

_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


def distinct_rows(
    columns: Sequence[Integer[np.ndarray, " m"]], bound: int
) -> tuple[Int32[np.ndarray, " m"], Int[np.ndarray, " d"]]:
    """The number of each row among the distinct ones in lexicographic order, and one example row of each.

    Rows are brought together by sorting hashes, which is fast, but told apart by their entries: rows that collide can
    only split a group of equal rows, and the few groups that are left are sorted and merged by their entries.

    Args:
        columns: the columns of the table, entries 0 .. bound - 1.
        bound: one more than the largest entry.
    """
    words = _packed(columns, bound)
    order = _brought_together(words)
    starts = _differs_from_last(words, order)
    group = np.empty(len(order), np.int32)
    group[order] = starts.cumsum(dtype=np.int32) - 1
    examples = order[starts]
    lexicographic = np.lexsort([word[examples] for word in reversed(words)])
    new = _differs_from_last(words, examples[lexicographic])
    number = np.empty(len(examples), np.int32)
    number[lexicographic] = new.cumsum(dtype=np.int32) - 1
    return number[group], examples[lexicographic[new]]


def sorted_columns(columns: Sequence[Integer[np.ndarray, " m"]]) -> list[Integer[np.ndarray, " m"]]:
    """Sorts every row of a table given by columns: a bubble network, vectorised over the rows."""
    ordered = list(columns)
    for end in range(len(ordered) - 1, 0, -1):
        for place in range(end):
            low, high = ordered[place], ordered[place + 1]
            ordered[place], ordered[place + 1] = np.minimum(low, high), np.maximum(low, high)
    return ordered


def _packed(columns: Sequence[Integer[np.ndarray, " m"]], bound: int) -> list[UInt64[np.ndarray, " m"]]:
    """The columns side by side in 64-bit words, the first column in the highest bits of the first word."""
    bits = max(1, (bound - 1).bit_length())
    per_word = 64 // bits
    words = []
    for start in range(0, len(columns), per_word):
        word = np.zeros(len(columns[0]), np.uint64)
        for column in columns[start : start + per_word]:
            word <<= np.uint64(bits)
            word |= column.astype(np.uint64)
        words.append(word)
    return words


def _brought_together(words: Sequence[UInt64[np.ndarray, " m"]]) -> Integer[np.ndarray, " m"]:
    """An order of the rows in which equal rows follow each other, but for hash collisions.

    The low bits of each hash give way to the number of its row: sorting plain integers is far faster than `argsort`.
    """
    key = np.zeros(len(words[0]), np.uint64)
    for word in words:
        key ^= word
        for multiplier in _MULTIPLIERS:
            key *= multiplier
            # a product mixes upwards only: its high bits come down here, to the low bits, which are those that stay
            key ^= key >> np.uint64(31)
    row_bits = np.uint64(len(key).bit_length())
    key <<= row_bits
    key |= np.arange(len(key), dtype=np.uint64)
    key.sort()
    key &= (np.uint64(1) << row_bits) - np.uint64(1)
    return key.astype(np.int64)


def _differs_from_last(
    words: Sequence[UInt64[np.ndarray, " m"]], order: Int[np.ndarray, " k"]
) -> Bool[np.ndarray, " k"]:
    """Whether each row, in this order, has other entries than the row before it; true for the first."""
    result = np.zeros(len(order), bool)
    result[:1] = True
    for word in words:
        ranked = word[order]
        result[1:] |= ranked[1:] != ranked[:-1]
    return result
