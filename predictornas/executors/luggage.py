"""Objects that live in files, such as tables, on their way to a machine that may not see these files."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

Content = Mapping[str, UInt8[np.ndarray, " bytes"]]
"""Files by name."""


@runtime_checkable
class Packed(Protocol):
    """What a method `packed()` of an object in files returns: small when pickled, and able to make the object anew."""

    def content(self) -> Content:
        """The files, read here."""
        ...

    def unpacked(self, content: Callable[[], Content]) -> Any:
        """The object, made there: from files that are there already, else from the content.

        Args:
            content: fetches it.
        """
        ...


class Luggage:
    """Pickles what is sent; content is handed over once, however many objects share it.

    Args:
        pickler: a subclass of `pickle.Pickler`, which may know how to pickle more.
        put: takes a content, and says under which name it can be fetched.
    """

    def __init__(self, pickler: type[pickle.Pickler], put: Callable[[Content], Any]) -> None:
        self._plain, self._put = pickler, put
        self._places: dict[bytes, Any] = {}
        luggage = self

        class Pickler(pickler):  # type: ignore[misc, valid-type]
            def persistent_id(self, thing: Any) -> Any:
                return luggage._checked_in(thing)

        self._pickler = Pickler

    def pickled(self, thing: object) -> bytes:
        """The object without what lies in files."""
        return _dumped(self._pickler, thing)

    def _checked_in(self, thing: object) -> tuple[bytes, Any] | None:
        """What stands for an object that has a method `packed()`; None for all others."""
        if not callable(getattr(type(thing), "packed", None)):
            return None
        packed: Packed = thing.packed()  # type: ignore[attr-defined]
        small = _dumped(self._plain, packed)
        if small not in self._places:
            self._places[small] = self._put(packed.content())
        return small, self._places[small]


def _dumped(pickler: type[pickle.Pickler], thing: object) -> bytes:
    stream = io.BytesIO()
    pickler(stream).dump(thing)
    return stream.getvalue()


def unpickled(content: bytes | memoryview, fetch: Callable[[Any], Content]) -> Any:
    """The opposite of `Luggage.pickled`.

    Args:
        content: what that returned.
        fetch: gives the content of this name.
    """

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            small, place = pid
            return pickle.loads(small).unpacked(lambda: fetch(place))

    return Unpickler(io.BytesIO(content)).load()
