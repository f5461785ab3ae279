"""Reads values as programs print them: lists, tuples, numbers, `range(2, 6)`, `np.int64(0)`. Nothing is evaluated."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_CHARACTERS = 1 << 16
"""Length of a text that is read as a value; the longest genotype that anybody prints has about 5,000 characters."""

MOST_NESTED = 32
"""How deep brackets may be nested."""

_MOST_RANGE = 4096

_SAME = frozenset({"list", "tuple", "set", "frozenset", "array", "asarray", "tensor", "OrderedDict", "dict"})
_NUMBERS = re.compile(r"int|float|str|str_|bool|u?int(8|16|32|64)|float(16|32|64)")
_GRADIENT = re.compile(r", ?grad_fn=<\w+>")
_CLOSING = {")": "(", "]": "[", "}": "{"}


class Call(NamedTuple):
    """A call that a text prints, `Genotype(normal=[...])`.

    Attributes:
        name: the last part of the name, without the module before it.
        arguments: those without a name.
        named: those with one.
    """

    name: str
    arguments: list[Any]
    named: dict[str, Any]


def read_literal(text: str) -> Any:
    """The value that a text prints; tuples and arrays become lists.

    `range`, `arange`, `list`, `tuple`, `array` and `tensor` of what is printed in them, and numbers like `np.int64(0)`,
    are these values, whichever module stands before the name. Any other call becomes a `Call`. Sets are lists, too, in
    the order in which they are printed. Lines may be wrapped anywhere.

    Example:
        >>> from predictornas.literals import read_literal
        >>> read_literal("list(range(2, 6))"), read_literal("[('skip', np.int64(0), tensor(0.25))]")
        ([2, 3, 4, 5], [['skip', 0, 0.25]])

    Raises:
        ValueError: anything else, too long a text or too deep a nesting; says what.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"{len(text):,} characters, more than {MOST_CHARACTERS:,}")
    if nested(text) > MOST_NESTED:
        raise ValueError(f"brackets nested deeper than {MOST_NESTED}")
    texts = [_GRADIENT.sub("", text.strip())]
    if "\n" in texts[0]:  # a terminal wraps in the middle of names too
        texts.append("".join(line.strip().removesuffix("\\") for line in texts[0].splitlines()))
    for number, attempt in enumerate(texts):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(attempt, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            if number < len(texts) - 1:
                continue
            reason = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
            raise ValueError(reason) from None
        try:
            return _value(tree)
        except RecursionError:
            raise ValueError("nested too deep") from None
    raise AssertionError(texts)


def read_numbers(text: str) -> list[int] | None:
    """Whole numbers with commas, spaces or both between them, `3,0,1` or `3 0 1`; None for any other text.

    Raises:
        ValueError: a number of more than nine digits.
    """
    if len(text) > MOST_CHARACTERS or not re.fullmatch(r"-?\d+([\s,]+-?\d+)*[\s,]*", text.strip(), re.ASCII):
        return None
    parts = re.split(r"[\s,]+", text.strip().rstrip(", \t\n"))
    if longest := next((part for part in parts if len(part) > 9), None):
        raise ValueError(f"{longest[:20]} is too large a number")
    return [int(part) for part in parts]


def nested(text: str) -> int:
    """How deep brackets are nested, those in quotes included."""
    depth = deepest = 0
    for mark in re.findall(r"[()\[\]{}]", text):
        depth += 1 if mark in "([{" else -1
        deepest = max(deepest, depth)
    return deepest


def closing(text: str, start: int) -> int:
    """The place after the bracket that closes the first one from `start` on; -1 where none does within the limits.

    Brackets in quotes do not count.
    """
    opened: list[str] = []
    quote = ""
    for place in range(start, min(len(text), start + MOST_CHARACTERS)):
        mark = text[place]
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"":
            quote = mark
        elif mark in "([{":
            opened.append(mark)
        elif mark in _CLOSING:
            if not opened or opened.pop() != _CLOSING[mark]:
                return -1
            if not opened:
                return place + 1
    return -1


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError("a number is too large")
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand) if type(value := _value(operand)) in (int, float):
            return -value
        case ast.Name(id="nan" | "inf" as name) | ast.Attribute(attr="nan" | "inf" as name):
            return float(name)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return _list(items)
        case ast.Dict(keys=keys, values=values):
            return _entries(keys, values)
        case ast.Call(func=ast.Name() | ast.Attribute()):
            return _call(node)
    raise ValueError(f"{_shown(node)} is neither a number, a text nor a list")


def _list(items: Sequence[ast.expr]) -> list[Any]:
    """The values of the items; one with a star stands for all of a list."""
    values: list[Any] = []
    for item in items:
        if not isinstance(item, ast.Starred):
            values.append(_value(item))
            continue
        spread = _value(item.value)
        if not isinstance(spread, list):
            raise ValueError("what a star spreads out is no list")
        values += spread
        if len(values) > _MOST_RANGE:
            raise ValueError(f"a list of more than {_MOST_RANGE:,} values")
    return values


def _entries(keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> dict[str, Any]:
    names = [None if key is None else _value(key) for key in keys]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError("the entries of an object need names, each once")
    return {str(name): _value(value) for name, value in zip(names, values, strict=True)}


def _call(node: ast.Call) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, (ast.Name, ast.Attribute)):
        raise ValueError(f"{_shown(node)} is no value")
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    if None in named or len(named) != len(node.keywords):
        raise ValueError(f"the arguments of {name}(...) cannot be told apart")
    if name in _SAME and len(node.args) == 1:
        value = _value(node.args[0])  # what dtype or device it had says nothing about the value
        pairs = value if name in ("dict", "OrderedDict") and isinstance(value, list) else []
        is_named = bool(pairs) and all(isinstance(one, list) and len(one) == 2 and type(one[0]) is str for one in pairs)
        return dict(pairs) if is_named else value
    arguments = [_value(argument) for argument in node.args]
    if name in ("range", "arange") and not named:
        return _range(arguments)
    if _NUMBERS.fullmatch(name) and len(arguments) == 1 and not named:
        return arguments[0]
    return Call(name, arguments, {str(key): _value(value) for key, value in named.items()})


def _range(arguments: list[Any]) -> list[int]:
    if not 1 <= len(arguments) <= 3 or not all(type(one) is int for one in arguments):
        raise ValueError("range(...) takes one to three whole numbers")
    numbers = range(*arguments)
    if len(numbers[: _MOST_RANGE + 1]) > _MOST_RANGE:
        raise ValueError(f"range(...) of more than {_MOST_RANGE:,} numbers")
    return list(numbers)


def _shown(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return repr(name[:40])
        case ast.Constant(value=value):
            return repr(value)[:40]
        case ast.Call(func=ast.Name(id=name)):
            return repr(f"{name[:40]}(...)")
    return f"what looks like {type(node).__name__}"
