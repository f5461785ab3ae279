"""Reads many pairs of a key and a number at once, where a pickle repeats the instructions of the last pair.

A learning curve is a dictionary of some two hundred numbers. Once a pair has been read instruction by instruction it
is a template: the pairs behind it that have the same instructions and lengths lie at equal distances, and numpy reads
them as the columns of a table. That is exact, as what a block of bytes means depends only on the bytes compared.
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from predictornas.benchmarks.official201.memory import PickleMemory

_FLOAT, _NUMBER = pickle.BINFLOAT[0], 9
_KEY = pickle.BININT1[0]
_GETS = {pickle.BINGET[0]: 1, pickle.LONG_BINGET[0]: 4}
_TEXTS = {pickle.SHORT_BINUNICODE[0]: 1, pickle.BINUNICODE[0]: 4}
_PUTS = {pickle.BINPUT[0]: 1, pickle.LONG_BINPUT[0]: 4, pickle.MEMOIZE[0]: 0}
_ROWS = 256  # the longest official curve has 200
_KINDS: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 4: np.dtype("<u4")}
_MOST_KNOWN = 4096


@runtime_checkable
class Reading(Protocol):
    """What a machine that reads a pickle hands over.

    Attributes:
        buffer: the bytes at hand.
        at: where the next instruction begins in them.
        stack: what was read and waits for its container.
        memory: what the pickle may refer back to.
    """

    buffer: bytes
    at: int
    stack: list[Any]
    memory: PickleMemory


class _Template(NamedTuple):
    """How a pair lies in its block of bytes.

    Attributes:
        kind: the instruction of the key.
        text: where the text of the key lies; empty where there is none.
        place: where the index lies under which the text is found or put; empty where there is none.
        fixed: the bytes that say what the others mean, and are the same in every pair of a run.
    """

    kind: int
    text: slice
    place: slice
    fixed: tuple[int, ...]


def read_run(machine: Reading, begun: int) -> int:
    """Pushes the pairs behind the one that has just been read onto the stack of the machine.

    Args:
        machine: stands behind that pair.
        begun: where in its buffer the pair begins.

    Returns:
        How many entries were pushed; 0 where the pairs that follow are of another form.
    """
    buffer, at = machine.buffer, machine.at
    length = at - begun
    end = at + length
    if end > len(buffer) or buffer[end - _NUMBER] != _FLOAT or buffer[at] != buffer[begun]:
        return 0
    template = _template(buffer[begun : min(at, begun + 5)], length, buffer[max(begun, at - 14) : at])
    if template is None:
        return 0
    rows = min((len(buffer) - at) // length, _ROWS)
    blocks: UInt8[np.ndarray, "n b"] = np.frombuffer(buffer, np.uint8, rows * length, at).reshape(rows, length)
    fixed = list(template.fixed)
    same = (blocks[:, fixed] == np.frombuffer(buffer, np.uint8, length, begun)[fixed]).all(axis=1)
    rows = rows if same.all() else int(same.argmin())
    keys = _keys(machine, template, blocks[:rows]) if rows else None
    if keys is None:
        return 0
    pairs: list[object] = [None] * (2 * rows)
    pairs[::2] = keys
    pairs[1::2] = np.ascontiguousarray(blocks[:rows, -8:]).view(">f8").ravel().tolist()
    machine.stack.extend(pairs)
    machine.at = at + rows * length
    return len(pairs)


@lru_cache(_MOST_KNOWN)
def _template(head: bytes, length: int, tail: bytes) -> _Template | None:
    """How a pair of `length` bytes lies that begins with `head` and ends with `tail`; None for other instructions."""
    kind, none = head[0], slice(0, 0)
    number = length - _NUMBER
    if kind == _KEY and number == 2:
        return _Template(kind, none, none, (0, number))
    if kind in _GETS and number == 1 + _GETS[kind]:
        return _Template(kind, none, slice(1, number), (0, number))
    if kind not in _TEXTS or len(head) < 1 + _TEXTS[kind]:
        return None
    start = 1 + _TEXTS[kind]
    end = start + int.from_bytes(head[1:start], "little")
    if end >= number or len(tail) < length - end:
        return None
    put = tail[len(tail) - (length - end)]
    if put not in _PUTS or number != end + 1 + _PUTS[put]:
        return None
    return _Template(kind, slice(start, end), slice(end + 1, number), (*range(start), end, number))


def _keys(machine: Reading, template: _Template, blocks: UInt8[np.ndarray, "n b"]) -> list[object] | None:
    """The keys of all pairs; texts are remembered as the pickle says."""
    if template.kind == _KEY:
        return list(blocks[:, 1].tolist())
    memory = machine.memory
    width = template.place.stop - template.place.start
    if width:
        indexes = np.ascontiguousarray(blocks[:, template.place]).view(_KINDS[width]).ravel().astype(np.int64)
    else:
        indexes = memory.next + np.arange(len(blocks), dtype=np.int64)
    if template.kind in _GETS:
        return memory.get_texts(indexes)  # type: ignore[return-value]
    if (np.diff(indexes) <= 0).any():
        return None
    found = memory.same_length(blocks[:, template.text].tobytes(), template.text.stop - template.text.start)
    if found is None:
        return None
    texts, numbers = found
    memory.put_texts(indexes, numbers)
    return list(texts)
