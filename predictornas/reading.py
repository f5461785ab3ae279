"""Reads JSON and arrays of files so that whatever is wrong with them is one documented error: also what is hostile."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Shaped

from predictornas.errors import DataError, PredictorNASError

MOST_DEPTH = 64
"""How deep lists and objects may be nested in a JSON text; the deepest that this package writes has 12."""

CHECKSUM = "sha256"
"""The entry of a sealed object that holds the SHA-256 of all others."""

_LARGEST = 1 << 64

Kinds = Mapping[str, type | tuple[type, ...]]
"""The type that each entry of a JSON object must have."""

_ARRAY_HEADER = re.compile(
    rb"\{'descr': '([<|][biuf][1248])', 'fortran_order': (True|False), 'shape': \((\d+(?:, \d+)*),?\), \} *\n"
)
_ARRAY_START = b"\x93NUMPY\x01\x00"


def read_json(path: Path, *, error: type[PredictorNASError] = DataError, remedy: str) -> Any:
    """The value of a JSON file, as `parse_json` reads it.

    Args:
        path: the file.
        error: what is raised.
        remedy: what to do where it cannot be read, a sentence.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as reason:
        raise error(f"{shown_path(path)} cannot be read ({_why(reason)}). {remedy}") from reason
    return parse_json(content, shown_path(path), error=error, remedy=remedy)


def read_text(path: Path, *, error: type[PredictorNASError] = DataError, remedy: str) -> str:
    """The text of a file in UTF-8, whatever the locale.

    Raises:
        PredictorNASError: of the kind `error`: the file cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as reason:
        raise error(f"{shown_path(path)} cannot be read ({_why(reason)}). {remedy}") from reason


def parse_json(content: bytes, where: str, *, error: type[PredictorNASError] = DataError, remedy: str) -> Any:
    """The value of a JSON text in UTF-8; NaN, infinities, and what cannot be written again are refused.

    Args:
        content: the text.
        where: what it is, for messages.
        error: what is raised.
        remedy: what to do then, a sentence.

    Raises:
        PredictorNASError: of the kind `error`, where the text is no JSON, has a name twice in one object, is nested
            deeper than `MOST_DEPTH`, or holds a number of more than 64 bits or a text that is no Unicode.
    """
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        _check_values(value)
    except (ValueError, RecursionError) as reason:
        raise error(f"{where} cannot be read as JSON ({_why(reason)}). {remedy}") from reason
    return value


def checked_object(
    value: Any, kinds: Kinds, where: str, *, error: type[PredictorNASError] = DataError, remedy: str
) -> dict[str, Any]:
    """A JSON object that has every entry of `kinds`, each of its type; others stay as they are.

    Raises:
        PredictorNASError: of the kind `error`: it is no object, or lacks an entry or has one of another type.
    """
    if not isinstance(value, dict):
        raise error(f"{where}: a JSON object was expected, not {_shown(value)}. {remedy}")
    if lacking := sorted(kinds.keys() - value.keys()):
        raise error(f"{where} lacks {', '.join(lacking)}. {remedy}")
    for name, kind in kinds.items():
        allowed = kind if isinstance(kind, tuple) else (kind,)
        if type(value[name]) not in allowed:
            names = " or ".join(one.__name__ for one in allowed)
            raise error(f"{where}: {name!r} is {_shown(value[name])}, not of type {names}. {remedy}")
    return value


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same JSON object with the SHA-256 of its content, so that a change is noticed."""
    return {**value, CHECKSUM: _digest(value)}


def unsealed(
    value: Mapping[str, Any], where: str, *, error: type[PredictorNASError] = DataError, remedy: str
) -> dict[str, Any]:
    """What was sealed.

    Raises:
        PredictorNASError: of the kind `error`: the checksum is missing or is another.
    """
    content = {name: entry for name, entry in value.items() if name != CHECKSUM}
    if value.get(CHECKSUM) != _digest(content):
        raise error(f"{where} was altered: its checksum does not match. {remedy}")
    return content


def map_array(path: Path, *, error: type[PredictorNASError] = DataError, remedy: str) -> Shaped[np.ndarray, "..."]:
    """The array of numbers in a `.npy` file as `numpy.save` writes it, mapped read-only.

    The header is matched, never evaluated, and nothing is allocated that the file does not hold.

    Raises:
        PredictorNASError: of the kind `error`: the file cannot be read or is no whole array of numbers.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(len(_ARRAY_START) + 2)
            header = stream.read(int.from_bytes(start[-2:], "little"))
        met = _ARRAY_HEADER.fullmatch(header) if start[:-2] == _ARRAY_START else None
        if met is None:
            raise ValueError("no header of an array of numbers")
        data_type = np.dtype(met[1].decode())
        shape = tuple(int(length) for length in met[3].decode().split(", "))
        needed, offset = math.prod(shape) * data_type.itemsize, len(start) + len(header)
        if size != offset + needed:
            raise ValueError(f"{size - offset} bytes of content, {needed} were expected")
        order = "F" if met[2] == b"True" else "C"
        if not needed:
            return np.empty(shape, data_type)
        return np.memmap(path, data_type, "r", offset, shape, order)  # type: ignore[call-overload, no-any-return]
    except (OSError, ValueError, TypeError, OverflowError) as reason:
        raise error(f"{shown_path(path)} cannot be read as an array ({_why(reason)}). {remedy}") from reason


def shown_path(path: Path) -> str:
    """A path as messages show it: the middle of a very long one is left out."""
    text = str(path)
    return text if len(text) <= 600 else f"{text[:200]}...{text[-200:]}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} occurs twice in one object")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _check_values(value: Any) -> None:
    """Walks through a value without recursion."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        if not level:
            return
        for item in level:
            if isinstance(item, str):
                item.encode()
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValueError("a number is too large")
            elif isinstance(item, int) and abs(item) >= _LARGEST:
                raise ValueError("a whole number has more than 64 bits")
        level = list(_inside(level))
    raise ValueError(f"nested deeper than {MOST_DEPTH}")


def _inside(level: list[Any]) -> Iterator[Any]:
    for item in level:
        if isinstance(item, dict):
            yield from item
            yield from item.values()
        elif isinstance(item, list):
            yield from item


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _why(reason: BaseException) -> str:
    """A reason in short: texts from hostile files can be long."""
    text = (reason.strerror or "") if isinstance(reason, OSError) else str(reason)
    return (text or type(reason).__name__)[:200]


def _shown(value: Any) -> str:
    return type(value).__name__ if isinstance(value, (dict, list)) else repr(value)[:60]
