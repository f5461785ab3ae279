"""The API reference, made of the package: public names by room, the contracts of parts, what is known by name.

A page says which with a comment, so that it reads well without the site too:

    <!-- public names: search, history -->      names of `predictornas.__all__` from these rooms
    <!-- contracts: predictornas.search.strategies -->      everything public that such a module defines
    <!-- known by name: predictornas.predictors.registry:PREDICTORS -->      a table of a registry
    <!-- list: everything -->      all names of `predictornas.__all__`, with links
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import predictornas

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_COMMENT = re.compile(r"<!-- (public names|contracts|known by name|list): (.+?) -->")
_WITHOUT = "object, Exception, BaseException, ABC, Protocol, Generic, tuple"
"""Bases whose members are no news."""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True}


def fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Puts what the comments of a page ask for in their place."""
    if page.startswith("api/"):
        source[0] = _COMMENT.sub(lambda found: _ENTRIES[found[1]](found[2].split(", ")), source[0])


def public_names(rooms: Iterable[str]) -> list[str]:
    """Names of `predictornas.__all__` that come from these rooms (or single modules) of the package, room by room."""
    return [name for room in rooms for name, module in predictornas._PUBLIC.items() if module.split(".")[1] == room]


def defined_names(module: str) -> list[str]:
    """What a module defines for others, in its order, without public names, which have their entry elsewhere."""
    found = vars(import_module(module))
    listed = found.get("__all__", [name for name in found if not name.startswith("_")])
    own = [name for name in listed if getattr(found[name], "__module__", None) == module or "__all__" in found]
    return [name for name in own if name not in predictornas.__all__]


def _public(rooms: list[str]) -> str:
    return _entries((f"predictornas.{name}", getattr(predictornas, name)) for name in public_names(rooms))


def _contracts(modules: list[str]) -> str:
    return _entries(
        (f"{module}.{name}", getattr(import_module(module), name))
        for module in modules
        for name in defined_names(module)
    )


def _entries(found: Iterable[tuple[str, Any]]) -> str:
    """Autodoc's directives, for Markdown."""
    lines = []
    for name, value in found:
        if inspect.isclass(value):
            lines += [f".. autoclass:: {name}", "   :members:", f"   :inherited-members: {_WITHOUT}", ""]
        elif callable(value) and hasattr(value, "__name__"):
            lines += [f".. autofunction:: {name}", ""]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def _known(registries: list[str]) -> str:
    """A table of the records of registries: the spellings, and the line of the help texts."""
    rows = ["| name | what it is |", "|---|---|"]
    for place in registries:
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        records = found() if callable(found) else found.records
        rows += [
            f"| {', '.join(f'`{spelling}`' for spelling in record.spellings)} | {record.help} |" for record in records
        ]
    return "\n".join(rows)


def _list(_: list[str]) -> str:
    """The public names, each with the first sentence of its text."""
    rows = ["| name | what it is |", "|---|---|"]
    for name in predictornas._PUBLIC:
        text = inspect.getdoc(getattr(predictornas, name)) or ""
        rows.append(f"| {{py:obj}}`~predictornas.{name}` | {text.splitlines()[0]} |")
    return "\n".join(rows)


_ENTRIES: dict[str, Callable[[list[str]], str]] = {
    "public names": _public,
    "contracts": _contracts,
    "known by name": _known,
    "list": _list,
}
