"""Genotypes as people have them: printed by any code of the field, in logs, in JSON. They are read, never run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from predictornas.errors import InvalidArchitectureError, quoted
from predictornas.literals import Call, closing, read_literal
from predictornas.spaces.genotypes import CONCAT, Cell, Genotype

_FIELDS = Genotype._fields
_PRINTED = re.compile(r"(?<![A-Za-z0-9_])Genotype\s*\(")


def parse_genotype(text: str) -> Genotype:
    """The genotype that a text prints, `Genotype(normal=[('skip_connect', 0), ...], normal_concat=range(2, 6), ...)`.

    Of a log with several it is the last one. Fields may have names or not; the pairs of a node may stand in a list of
    their own, and have a weight as their third part; lines may be wrapped. JSON of the four fields is read too. Where a
    text does not say which nodes are concatenated, it is all four.

    Example:
        >>> from predictornas.spaces.genotypes import NAMED_GENOTYPES
        >>> from predictornas.spaces.printed_genotypes import parse_genotype
        >>> log = f"epoch 49 genotype = genotypes.{NAMED_GENOTYPES['DARTS-V1']}, loss 0.2"
        >>> parse_genotype(log) == NAMED_GENOTYPES["DARTS-V1"]
        True

    Raises:
        InvalidArchitectureError: another form, another number of nodes, or an input that does not come before its node.
    """
    try:
        return genotype_of(read_literal(printed_part(text)))
    except ValueError as error:
        raise _refused(text, error) from None


def is_printed(text: str) -> bool:
    """Whether a text holds a `Genotype(...)`, whatever is in it."""
    return _PRINTED.search(text) is not None


def printed_part(text: str) -> str:
    """The last `Genotype(...)` of a text, but for code that makes one of variables; itself where it has none.

    Raises:
        ValueError: the last one is not closed, as at the end of a log that was cut off.
    """
    starts = [met.start() for met in _PRINTED.finditer(text)]
    if not starts:
        return text
    end = closing(text, starts[-1])
    while end > 0 and len(starts) > 1 and not {"'", '"'} & {*text[starts[-1] : end]}:  # code, not what it printed
        starts.pop()
        end = closing(text, starts[-1])
    if end < 0:
        which = "it" if len(starts) == 1 else f"the last of {len(starts)}"
        raise ValueError(f"the bracket after Genotype was never closed, so {which} is cut off or too long")
    return text[starts[-1] : end]


def genotype_of(value: Any) -> Genotype:
    """The genotype of what `read_literal` or JSON gives.

    Raises:
        ValueError: it is none; says why.
    """
    match value:
        case Genotype():
            fields = dict(zip(_FIELDS, value, strict=True))
        case Call(name="Genotype", arguments=arguments, named=named) if len(arguments) <= len(_FIELDS):
            fields = dict(zip(_FIELDS, arguments, strict=False))
            if fields.keys() & named.keys():
                raise ValueError("a field is given twice")
            fields |= named
        case Call(name=name):
            raise ValueError(f"no Genotype(...) but {name[:40]}(...)")
        case dict():
            fields = value
        case [_, _, _, _]:
            fields = dict(zip(_FIELDS, value, strict=True))
        case _:
            raise ValueError("no Genotype(...)")
    fields = {name: part for name, part in fields.items() if name in _FIELDS or part is not None}  # GDAS has `connects`
    if not {"normal", "reduce"} <= set(fields) <= set(_FIELDS):
        raise ValueError(f"the fields are {', '.join(_FIELDS)}, of which the second and the last may be left out")
    for name in ("normal_concat", "reduce_concat"):
        _require_all_nodes(fields.get(name, CONCAT))
    return Genotype(_cell(fields["normal"]), CONCAT, _cell(fields["reduce"]), CONCAT)


def _require_all_nodes(concat: Any) -> None:
    numbers = concat if isinstance(concat, (list, tuple, range)) else []
    if any(type(node) is not int for node in numbers) or tuple(sorted(numbers)) != CONCAT:
        raise ValueError("the nodes that are concatenated must be 2, 3, 4 and 5")


def _cell(edges: Any) -> Cell:
    """The eight pairs of a cell, whether or not each node has a list of its own."""
    if not isinstance(edges, (list, tuple)):
        raise ValueError("a cell is a list of pairs")
    if edges and all(_is_node(one) for one in edges):
        edges = [edge for node in edges for edge in node]
    if len(edges) != 2 * len(CONCAT):
        raise ValueError(f"a cell is a list of {2 * len(CONCAT)} pairs, not of {len(edges)}")
    return [_edge(number, edge) for number, edge in enumerate(edges)]


def _is_node(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(one, (list, tuple)) for one in value)


def _edge(number: int, edge: Any) -> tuple[str, int]:
    """A pair, its parts in either order, or one with a weight behind it."""
    inputs = 2 + number // 2
    parts: Sequence[Any] = edge if isinstance(edge, (list, tuple)) else ()
    if len(parts) in (2, 3) and type(parts[0]) is int:
        parts = (parts[1], parts[0], *parts[2:])
    is_edge = len(parts) in (2, 3) and type(parts[0]) is str and type(parts[1]) is int and 0 <= parts[1] < inputs
    if not is_edge or (len(parts) == 3 and type(parts[2]) not in (int, float)):
        raise ValueError(f"pair {number}, {quoted(edge)}, is no operation and one of the {inputs} inputs")
    return parts[0], parts[1]


def _refused(text: str, reason: ValueError) -> InvalidArchitectureError:
    return InvalidArchitectureError(
        f"{quoted(text)} is no genotype of the DARTS space ({reason}). Expected Genotype(normal=[(operation, input), "
        "... 8 pairs], normal_concat=range(2, 6), reduce=[... 8 pairs], reduce_concat=range(2, 6))."
    )
