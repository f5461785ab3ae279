"""Help that tells what a class is for: `help(GCN)` and `dir(GCN)` leave out what every class of Python has.

Python lists the special methods and attributes of a class (`__eq__`, `__dataclass_fields__`, `__weakref__`) among its
own, and for dataclasses and protocols they are most of the page. What `help` shows is what `dir` names, and only the
class of a class decides on that.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    _ProtocolMeta = ABCMeta
else:
    _ProtocolMeta = type(Protocol)


class PlainHelp(type):
    """The class of public classes."""

    def __dir__(cls) -> Iterable[str]:
        return [name for name in super().__dir__() if not name.startswith("__")]


class PlainAbstractHelp(PlainHelp, ABCMeta):
    """The same, for classes with abstract methods."""


class PlainProtocolHelp(PlainHelp, _ProtocolMeta):
    """The same, for protocols."""
