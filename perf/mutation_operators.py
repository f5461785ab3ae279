"""Single changes of a Python source that its tests ought to notice, each as a new text of the whole source."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
TWINS = [
    ("max", "min"),
    ("argmax", "argmin"),
    ("maximum", "minimum"),
    ("any", "all"),
    ("ceil", "floor"),
    ("head", "tail"),
    ("first", "last"),
    ("sum", "mean"),
    ("mean", "median"),
    ("zeros", "ones"),
    ("is_null", "is_not_null"),
]
NAMES = {one: other for pair in TWINS for one, other in (pair, pair[::-1])}
UNSEEN = (ast.JoinedStr, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Mutation:
    """One change.

    Attributes:
        place: number of the changed expression; some can be changed in several ways.
        line: where it begins, from 1.
        kind: what was changed.
        original: the changed lines as they were, joined.
        mutated: the same lines afterwards.
        text: the whole source afterwards.
    """

    place: int
    line: int
    kind: str
    original: str
    mutated: str
    text: str


def mutations(source: str) -> list[Mutation]:
    """Every mutation of a source, in its order."""
    return [
        _replaced(source, place, node, kind, other)
        for place, node in enumerate(_seen(ast.parse(source)))
        for kind, other in _variants(node)
        if ast.dump(node) != ast.dump(other)
    ]


def _seen(node: ast.AST) -> Iterator[ast.AST]:
    """What is mutated: no texts, decorators, annotations or defaults of a protocol, no errors."""
    if isinstance(node, UNSEEN) or _is_main(node):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"decorator_list", "annotation", "returns", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield from _seen(child)


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"__name__ == '__main__'", "TYPE_CHECKING"}


def _is_text(node: ast.AST) -> bool:
    """A docstring or the text under an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _variants(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The kinds of change of one node, each with the node that takes its place."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield "comparison", _with(node, ops=[COMPARISONS[type(op)]()])
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            yield "arithmetic", _with(node, op=OPERATORS[type(op)]())
        case ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield "arithmetic", _with(node, op=OPERATORS[type(op)]())
        case ast.BoolOp(op=op):
            yield "and/or", _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield "unary", node.operand
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=float(value)):
            yield "constant", ast.Constant(2 * value or 1.0)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
            yield "constant", ast.Constant(value - 1)
        case ast.IfExp():
            yield "branch", _with(node, body=node.orelse, orelse=node.body)
        case ast.If() | ast.While():
            yield "condition", _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Expr(value=ast.Call()):
            yield "deleted statement", ast.Pass()
        case ast.Return(value=ast.expr() as value):
            yield from _returned(value)
    if isinstance(node, ast.Call):
        yield from _calls(node)


def _returned(value: ast.expr) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(value, ast.BinOp):
        yield "returned", ast.Return(ast.BinOp(value, ast.Add(), ast.Constant(1)))
    elif isinstance(value, ast.Compare | ast.BoolOp):
        yield "returned", ast.Return(ast.UnaryOp(ast.Not(), value))


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """A keyword left out, or the function's twin called."""
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            yield "deleted keyword", _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
    match node.func:
        case ast.Name(id=name) if name in NAMES:
            yield "twin", _with(node, func=ast.Name(NAMES[name], ast.Load()))
        case ast.Attribute(attr=name) if name in NAMES:
            yield "twin", _with(node, func=_with(node.func, attr=NAMES[name]))


def _with(node: ast.AST, **changes: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in changes.items():
        setattr(other, name, value)
    return other


def _replaced(source: str, place: int, node: ast.AST, kind: str, other: ast.AST) -> Mutation:
    """The source with one node in another's place; a statement with a body changes its head alone."""
    if isinstance(node, ast.If | ast.While) and isinstance(other, ast.If | ast.While):
        node, other = node.test, other.test
    assert isinstance(node, ast.stmt | ast.expr)
    assert node.end_lineno is not None
    lines = source.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno - 1
    text = ast.unparse(ast.fix_missing_locations(other))
    new = f"({text})" if isinstance(node, ast.expr) and not isinstance(other, ast.Constant | ast.Name) else text
    changed = lines[first][: node.col_offset] + new.encode() + lines[last][node.end_col_offset :]
    whole = b"".join([*lines[:first], changed, *lines[last + 1 :]]).decode()
    before = b" ".join(line.strip() for line in lines[first : last + 1]).decode()
    return Mutation(place, node.lineno, kind, before, " ".join(changed.decode().split()), whole)
