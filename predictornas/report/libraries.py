"""What a page carries so that it needs no network: the libraries that draw its charts, its style and its behaviour."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from predictornas.report.markup import Markup, element, joined

_ASSETS = files("predictornas.report") / "assets"


@cache
def libraries() -> list[dict[str, Any]]:
    """Name, version, source, licence and SHA-256 of each library, in the order in which a page loads them."""
    listed: list[dict[str, Any]] = json.loads(asset("libraries.json"))
    return listed


@cache
def asset(name: str) -> str:
    """The text of a file that comes with the package."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def inlined_libraries() -> Markup:
    """The libraries as script elements, each below a line that says what it is and under which licence."""
    return joined(*(_script(entry) for entry in libraries()))


def notices() -> str:
    """The licences of the libraries, in full."""
    parts = [f"{entry['name']} {entry['version']}\n\n{asset(entry['licence_file']).strip()}" for entry in libraries()]
    return "\n\n".join(parts)


def inlined_style() -> Markup:
    """The style of all pages."""
    return element("style", Markup(asset("report.css")))


def inlined_behaviour() -> Markup:
    """What a page does: draws its charts, sorts its tables."""
    return element("script", Markup(_within_script(asset("report.js"))))


def _script(entry: dict[str, Any]) -> Markup:
    head = f"/* {entry['name']} {entry['version']}, {entry['licence']} */\n"
    return element("script", Markup(head + _within_script(asset(entry["file"]))))


def _within_script(source: str) -> str:
    """The same program with nothing in it that would end the element around it."""
    return re.sub("</(?=script)", r"<\\/", source, flags=re.IGNORECASE).replace("<!--", r"<\!--")
