"""Alters files at random, a function of the generator alone: bytes anywhere, numbers in texts, values in JSON."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.fuzz import canary

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Whole numbers at which something ends."""

NUMBERS = (
    *("0", "-1", "1", "2", "3", "1.5", "-0.0", "1e-320", "1e308", "1e999", "-1e999", "nan", "NaN", "inf", "Infinity"),
    *(str(2**31), str(2**63), str(2**64), str(10**30), "9" * 5000, "0x10", "1_000", "", " 1", "+1", "1,5", "\u0661"),
)
"""What may stand where a text has a number."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 10**10, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan")),
    *("", "x", "x" * 300, "../../x", "/", "a\0b", "\ud800", "ä\u202e", "1", "true", [], {}, [None], {"": None}),
    *([[[[]]]], {"a": {"b": {}}}, [0] * 1000),
)
"""What may stand where JSON has a value."""

Mutate = Callable[[bytes, random.Random], bytes]


def mutated_bytes(content: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """One to four alterations of bytes.

    Args:
        content: a whole file.
        rng: decides everything.
        others: pieces that may be put in: parts of other files, and what would run as code.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_BYTES)(content, rng)
        if others and rng.random() < 0.1:
            content = _inserted(content, rng, rng.choice(others))
    return content


def mutated_json(content: bytes, rng: random.Random) -> bytes:
    """A JSON text with one to three values replaced, removed, renamed or moved; sometimes broken as a text."""
    if rng.random() < 0.15:
        return _broken_json(content, rng)
    value = json.loads(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = _changed(value, rng)
    return json.dumps(value, ensure_ascii=rng.random() < 0.9).encode(errors="surrogatepass")


def mutated_numbers(content: bytes, rng: random.Random) -> bytes:
    """A text with one to three of its numbers replaced, or a digit of them."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = list(re.finditer(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?", content[:200_000]))
        if not found:
            return content
        match = rng.choice(found)
        if rng.random() < 0.5:
            place = rng.randrange(match.start(), match.end())
            new = content[:place] + str(rng.randrange(10)).encode() + content[place + 1 :]
        else:
            new = content[: match.start()] + rng.choice(NUMBERS).encode() + content[match.end() :]
        content = new
    return content


def any_of(*ways: Mutate) -> Mutate:
    """One of the ways, each as likely."""
    return lambda content, rng: rng.choice(ways)(content, rng)


def with_pieces(*pieces: bytes) -> Mutate:
    """`mutated_bytes` with pieces that may be put in."""
    return lambda content, rng: mutated_bytes(content, rng, (*pieces, *canary.PICKLES, *canary.TEXTS))


def _place(content: bytes, rng: random.Random) -> int:
    """Anywhere; often near one of the ends, where headers and footers are."""
    if rng.random() < 0.3:
        return min(len(content), rng.randrange(64))
    if rng.random() < 0.2:
        return max(0, len(content) - rng.randrange(64))
    return rng.randrange(len(content) + 1)


def _length(rng: random.Random) -> int:
    return rng.choice((1, 1, 2, 4, 8, 16, 100, 1000))


def _flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[min(_place(content, rng), len(changed) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    width = rng.choice((1, 2, 4, 8))
    number = (rng.choice(INTERESTING) + rng.choice((0, 0, 1, -1))) % (1 << 8 * width)
    return content[:place] + number.to_bytes(width, rng.choice(("little", "big"))) + content[place + width :]


def _random_bytes(content: bytes, rng: random.Random) -> bytes:
    place, length = _place(content, rng), _length(rng)
    return content[:place] + rng.randbytes(length) + content[place + length :]


def _zeroed(content: bytes, rng: random.Random) -> bytes:
    place, length = _place(content, rng), _length(rng)
    return content[:place] + bytes(min(length, len(content) - place)) + content[place + length :]


def _truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _cut(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    return content[:place] + content[place + _length(rng) :]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    place, length = _place(content, rng), _length(rng)
    return content[: place + length] + content[place:]


def _moved(content: bytes, rng: random.Random) -> bytes:
    """A slice of the file where another was."""
    source, target, length = _place(content, rng), _place(content, rng), _length(rng)
    return content[:target] + content[source : source + length] + content[target + length :]


def _extended(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice((b"\0", b"\n", b"\xff" * 8, content[:100], rng.randbytes(20)))


def _inserted(content: bytes, rng: random.Random, piece: bytes) -> bytes:
    place = _place(content, rng)
    return content[:place] + piece + content[place:]


_BYTES: tuple[Mutate, ...] = (
    *(_flipped, _flipped, _flipped, _overwritten, _overwritten, _random_bytes, _zeroed),
    *(_truncated, _cut, _doubled, _moved, _extended, mutated_numbers),
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [inner for key, entry in entries for inner in _paths(entry, (*path, key))]


def _changed(value: Any, rng: random.Random) -> Any:
    """A copy with one of its values, anywhere inside, changed."""
    path = rng.choice(_paths(value))
    if not path:
        return rng.choice((*VALUES, [value], {"value": value}))
    value = json.loads(json.dumps(value))
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    key = path[-1]
    way = rng.randrange(8)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[rng.choice(("x", key + "x", key.upper(), "", "x" * 300))] = holder.pop(key)
    elif way == 2:
        other = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[key], holder[other] = holder[other], holder[key]
    elif way == 3:
        holder[key] = _near(holder[key], rng)
    elif way == 4:
        holder[key] = [holder[key]]
    elif way == 5 and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = rng.choice(VALUES)
    return value


def _near(value: Any, rng: random.Random) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return rng.choice((value + 1, value - 1, -value, value * 2, value * 10**20))
    if isinstance(value, str) and value:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice("a0_ÿ\0/") + value[place + 1 :]
    if isinstance(value, list):
        return value[::-1] if rng.random() < 0.5 else value * 2
    return rng.choice(VALUES)


def _broken_json(content: bytes, rng: random.Random) -> bytes:
    deep = rng.choice((70, 900, 5_000, 100_000))
    nested = rng.choice((b"[" * deep + b"]" * deep, b"[" * deep, b'{"a":' * deep + b"1" + b"}" * deep))
    text = json.dumps(json.loads(content)).encode()
    place = rng.choice([match.end() for match in re.finditer(rb"[:\[,] ?", text)] or [0])
    end = next((match.start() for match in re.finditer(rb"[,}\]]", text[place:])), 0) + place
    return rng.choice(
        (
            *(nested, text[:place] + nested + text[end:], b"\xef\xbb\xbf" + text, text.decode().encode("utf-16")),
            *(text[:place] + rng.choice(NUMBERS).encode() + text[end:], text[:place] + b'"\xff\xfe"' + text[end:]),
            *(text[:-1] + b"," + text[1:], text + text, b"", b"\0" * 100, text[:1] + text[1:] * 2),
        )
    )
