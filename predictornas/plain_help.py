"""Help that tells what a class is for: `help(GCN)` and `dir(GCN)` leave out what every class of Python has.

Python lists the special methods and attributes of a class (`__eq__`, `__dataclass_fields__`, `__weakref__`) among its
own, and for dataclasses and protocols they are most of the page. What `help` shows is what `dir` names, and only the
class of a class decides on that.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    _Meta = ABCMeta
else:
    _Meta = type(Protocol)


class PlainHelp(_Meta):
    """The class of public classes, with abstract methods or without, and of protocols.

    It is that of `typing.Protocol`, the most derived of the standard library: whoever inherits from a public class may
    also inherit from abstract classes and from protocols, ours or others, without a conflict of metaclasses.
    """

    def __init__(cls, *args: Any, **kwargs: Any) -> None:  # noqa: N805 - a metaclass
        if not hasattr(cls, "_is_protocol"):
            cls._is_protocol = False  # as in subclasses of protocols; isinstance() looks at it before Python 3.12
        super().__init__(*args, **kwargs)

    def __dir__(cls) -> Iterable[str]:  # noqa: N805 - a metaclass
        return [name for name in super().__dir__() if not name.startswith("__")]
