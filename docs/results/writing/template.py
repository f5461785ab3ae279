"""Fills a template in, and wraps its prose.

`{{ expression }}` becomes the value of a Python expression over the vocabulary; `{% name = expression %}` on a line of
its own gives a value a name and leaves nothing. Everything else stays as it is written.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 100
"""Characters of a line of prose."""

_PLACE = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)
_NAMING = re.compile(r"^\{%\s*(\w+)\s*=(.+?)%\}\n", re.DOTALL | re.MULTILINE)
_KEPT = re.compile(r"^(\||#|    |```|!\[|<!--|\[[^\]]*\]:)")
_ITEM = re.compile(r"^(- |\d+\. )")
_UNIT = re.compile(r"(?<=[\d\]]) (?=(?:%|dB|points?|ms|s|MiB|GiB|MB)\b|%)")
_BREAKS_MARKDOWN = re.compile(r"^\s*([-+*#>]|\d+[.)])\s")


_TOGETHER = "\x00"
"""Stands between a number and its unit while lines are broken."""


class TemplateError(Exception):
    """An expression of a template that cannot be evaluated; says which."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a document: literal text of the template, or what an expression gave."""

    text: str
    computed: bool


def pieces(template: str, vocabulary: Mapping[str, Any]) -> list[Piece]:
    """The template with every expression evaluated, literal and computed text apart.

    Raises:
        TemplateError: an expression that fails.
    """
    names = dict(vocabulary)
    for naming in _NAMING.finditer(template):
        names[naming[1]] = _evaluated(naming[2], names)
    made = []
    for place, text in enumerate(_PLACE.split(_NAMING.sub("", template))):
        computed = place % 2 == 1
        made.append(Piece(str(_evaluated(text, names)) if computed else text, computed))
    return made


def filled(template: str, vocabulary: Mapping[str, Any]) -> str:
    """The document: evaluated and wrapped.

    Raises:
        TemplateError: an expression that fails, or a line that would start a list where prose was meant.
    """
    return wrapped("".join(piece.text for piece in pieces(template, vocabulary)))


def literal_prose(template: str) -> str:
    """What stands in a template as it is: without code and the targets of links, and of expressions their phrases."""
    text = _PLACE.sub(_phrases, _NAMING.sub(_phrases, template))
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if not line.startswith("    ")]
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", "\n".join(lines))


def _phrases(expression: re.Match[str]) -> str:
    """The strings of an expression that hold a space, which a reader will see."""
    tree = ast.parse(" ".join(expression[expression.lastindex or 1].split()), mode="eval")
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return " ".join(text for text in texts if " " in text)


def wrapped(text: str) -> str:
    """Paragraphs and list items in lines of at most 100 characters; headings, tables, code and figures as they are."""
    lines: list[str] = []
    for block in _blocks(text.splitlines()):
        lines += block if len(block) == 1 and not block[0] else _wrapped_block(block)
    return "\n".join(lines).rstrip("\n") + "\n"


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Runs of lines that belong together: one paragraph, one item, or one line that stays as it is."""
    block: list[str] = []
    fenced = False
    for line in lines:
        fence = line.startswith("```")
        if fenced or fence or not line.strip() or _KEPT.match(line) or _ITEM.match(line):
            if block:
                yield block
            block = [line] if _ITEM.match(line) and not fenced else []
            if not block:
                yield [line]
            fenced = fenced != fence
        else:
            block.append(line)
    if block:
        yield block


def _wrapped_block(block: list[str]) -> list[str]:
    if len(block) == 1 and (_KEPT.match(block[0]) or block[0].startswith("```")):
        return block
    item = _ITEM.match(block[0])
    indent = " " * len(item[0]) if item else ""
    text = _UNIT.sub(_TOGETHER, " ".join(line.strip() for line in block))
    lines = textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    for line in lines[1:]:
        if _BREAKS_MARKDOWN.match(line):
            raise TemplateError(f"Wrapping makes a line that Markdown reads as a list: {line!r}. Write it otherwise.")
    return [line.replace(_TOGETHER, " ") for line in lines]


def _evaluated(expression: str, names: Mapping[str, Any]) -> Any:
    try:
        return eval(" ".join(expression.split()), dict(names))
    except Exception as error:
        raise TemplateError(f"{expression.strip()[:200]!r}: {type(error).__name__}: {error}") from error
