"""HTML built from Python: every text is escaped unless it is markup already."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"
"""Markup, text to be escaped, or several of both."""

_EMPTY = frozenset({"br", "col", "hr", "meta"})


def element(tag: str, *content: Content, **attributes: str | bool | None) -> Markup:
    """An element with its attributes and content.

    Args:
        tag: its name.
        content: what is in it; text is escaped, `Markup` is not, None is nothing.
        attributes: `class_` stands for `class`, `_` within a name for `-`; True for one without a value, False and None
            for none.

    Example:
        >>> element("p", "1 < 2, ", element("b", "so"), class_="note")
        '<p class="note">1 &lt; 2, <b>so</b></p>'
    """
    parts = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        parts.append(written if value is True else f'{written}="{html.escape(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return Markup(opening if tag in _EMPTY else f"{opening}{joined(*content)}</{tag}>")


def joined(*content: Content) -> Markup:
    """Several pieces of content, one after the other."""
    return Markup("".join(_written(piece) for piece in content))


def _written(piece: Content) -> str:
    if piece is None:
        return ""
    if isinstance(piece, Markup):
        return piece
    if isinstance(piece, str):
        return html.escape(piece)
    return joined(*piece)
