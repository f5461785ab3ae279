"""What answers when a pickle asks for a type: plain functions of ours for five names, an error for any other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictornas.errors import DataError

_KINDS = re.compile("[biuf][1248]|b1")


@dataclass(frozen=True)
class Function:
    """A function that a pickle may call.

    Attributes:
        answer: given the arguments that the pickle brings.
        makes_dictionary: whether it is the type of an ordered dictionary, of which an empty one is made.
    """

    answer: Callable[..., Any]
    makes_dictionary: bool = False


@dataclass(frozen=True)
class DataType:
    """Stands in for `numpy.dtype`: of a number, no more."""

    value: np.dtype[Any]

    def in_order(self, state: Any) -> DataType:
        """The type with the byte order that the state of a pickled one says.

        Raises:
            DataError: the state says more.
        """
        order = state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise DataError("a data type that is no plain number")
        return DataType(self.value.newbyteorder(order))


def stand_in(module: Any, name: Any) -> Function:
    """What stands in for a name of a module.

    Raises:
        DataError: any name but those that official files need.
    """
    known = _KNOWN.get((str(module).replace("numpy.core.", "numpy._core."), str(name)))
    if known is None:
        raise DataError(
            f"it asks for {str(module)[:80]}.{str(name)[:80]}; only OrderedDict and the scalars of numpy are known"
        )
    return known


def _scalar(kind: Any, content: Any) -> int | float | bool:
    if type(kind) is not DataType or type(content) is not bytes or len(content) != kind.value.itemsize:
        raise DataError("a scalar without type or content")
    found: int | float | bool = np.frombuffer(content, kind.value)[0].item()
    return found


def _data_type(code: Any, align: Any = False, copy: Any = True) -> DataType:
    if type(code) is not str or not _KINDS.fullmatch(code):
        raise DataError(f"a data type {str(code)[:40]!r}")
    return DataType(np.dtype(code))


def _encoded(text: Any, encoding: Any) -> bytes:
    """How protocols 0 to 2 of python 3 write bytes."""
    if type(text) is not str or encoding != "latin1":
        raise DataError("bytes in an unknown encoding")
    return text.encode("latin1")


def _set(entries: Any) -> set[Any]:
    """How protocols 0 to 3 write a set."""
    if type(entries) is not list:
        raise DataError("a set of what is no list")
    return set(entries)


_KNOWN = {
    ("collections", "OrderedDict"): Function(dict, makes_dictionary=True),
    ("numpy._core.multiarray", "scalar"): Function(_scalar),
    ("numpy", "dtype"): Function(_data_type),
    ("_codecs", "encode"): Function(_encoded),
    ("builtins", "set"): Function(_set),
    ("__builtin__", "set"): Function(_set),
}
