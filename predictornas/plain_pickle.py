"""Reads pickles of lists, dictionaries, numpy arrays and their numbers without giving them any code to run.

Not even numpy's own unpickling runs: what an array's pickle calls is answered by stand-ins that take bytes, a type and
a shape, so a hostile file can do no more than describe an array.
"""

from __future__ import annotations

import pickle
import re
import struct
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
from jaxtyping import Shaped

from predictornas.errors import DataError

_BROKEN = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError),
    *(MemoryError, OverflowError, RecursionError, SyntaxError, struct.error),
)
"""What a torn or forged pickle can make the unpickler raise."""

_MOST_MADE = 4
"""Bytes that may be made for each of the pickle; in protocols 0 to 2 a text becomes bytes, and these an array."""


def load_plain_pickle(path: Path) -> Any:
    """The value of a pickle of any protocol, written by python 2 or 3: a dictionary of plain values and arrays, say.

    Texts of python 2 are `bytes`. Arrays hold numbers, in the byte order of this machine; they are read-only, and are
    the value itself or values of the outermost dictionary. `array_in` gives those that stand deeper.

    Raises:
        DataError: the file cannot be read, is torn, or asks for anything else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
    return load_plain(content, str(path))


def load_plain(content: bytes, where: str) -> Any:
    """As `load_plain_pickle`, of the content of a file.

    Args:
        content: the pickle.
        where: what it is, for messages.

    Raises:
        DataError: as there.
    """
    try:
        return _plain(_PlainUnpickler(content).load())
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except _BROKEN as error:
        raise DataError(f"{where} is no complete pickle of plain values ({error}). Fetch it again.") from error


def array_in(value: Any) -> Shaped[np.ndarray, "..."] | None:
    """The array that a value deep in what was read stands for; None where it is no array."""
    return getattr(value, "value", None) if isinstance(value, _Array) else None


class _Allowance:
    """How many bytes a pickle may still make: one that repeats a text could fill the memory with what it stands for."""

    def __init__(self, size: int) -> None:
        self._left = _MOST_MADE * size

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise DataError("the pickle makes far more bytes than it holds. Do not use the file.")


# not pickle.Unpickler: ten bytes can make the one written in C fill the memory with an empty memo
class _PlainUnpickler(pickle._Unpickler):
    def __init__(self, content: bytes) -> None:
        super().__init__(BytesIO(content), encoding="bytes")
        self._allowance = _Allowance(len(content))

    def find_class(self, module_name: str, global_name: str) -> Any:
        module_name = module_name.replace("numpy.core.", "numpy._core.")  # its name before numpy 2
        try:
            return _StandIn(_STAND_INS[module_name, global_name], self._allowance)
        except KeyError:
            raise DataError(
                f"the pickle asks for {module_name}.{global_name}; only numbers, texts, lists, dictionaries and arrays "
                "are read. Do not use the file."
            ) from None

    def persistent_load(self, pid: Any) -> NoReturn:
        raise DataError("the pickle refers to an object outside itself. Do not use the file.")

    def load_bytearray8(self) -> None:
        """Reads what is there; the original first takes as much memory as the pickle claims."""
        length = int.from_bytes(self.read(8), "little")  # type: ignore[attr-defined]
        self.append(bytearray(self.read(length)))  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: load_bytearray8}


class _StandIn:
    """Stands in for what a pickle calls; made anew for each mention, and no state that the pickle brings reaches it."""

    __slots__ = ("_allowance", "_answer")

    def __init__(self, answer: Any, allowance: _Allowance) -> None:
        self._answer, self._allowance = answer, allowance

    def __call__(self, *arguments: Any) -> Any:
        return self._answer(self._allowance, *arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        raise DataError("the pickle would alter what reads it. Do not use the file.")


class _DataType:
    """Stands in for `numpy.dtype`: a kind and a size, and the byte order that its state brings."""

    def __init__(self, code: str) -> None:
        if not re.fullmatch("[biuf][1248]", code):
            raise DataError(f"the pickle has an array of type {code[:40]!r}; only arrays of numbers are read.")
        self.value = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        order: Any = _text(state[1])
        self.value = self.value.newbyteorder(order)


class _Array:
    """Stands in for an empty `numpy.ndarray` that gets its shape, type and bytes from its state."""

    value: Shaped[np.ndarray, "..."]

    def __init__(self, allowance: _Allowance) -> None:
        self._allowance = allowance

    def __setstate__(self, state: Any) -> None:
        _, shape, data_type, fortran, content = state
        self.value = _array(self._allowance, content, data_type, shape, "F" if fortran else "C")


def _array(allowance: _Allowance, content: Any, data_type: Any, shape: Any, order: Any) -> Shaped[np.ndarray, "..."]:
    if not isinstance(data_type, _DataType) or not isinstance(content, (bytes, bytearray)):
        raise DataError("the pickle has an array without type or content. Do not use the file.")
    allowance.take(len(content))
    flat = np.frombuffer(content, data_type.value)
    return flat.reshape(shape, order=order).astype(data_type.value.newbyteorder("="), copy=False)


def _array_of_buffer(allowance: _Allowance, content: Any, data_type: Any, shape: Any, order: Any) -> _Array:
    made = _Array(allowance)
    made.value = _array(allowance, content, data_type, shape, order)
    return made


def _empty_array(allowance: _Allowance, kind: Any, shape: Any, code: Any) -> _Array:
    return _Array(allowance)


def _scalar(allowance: _Allowance, data_type: Any, content: Any) -> int | float | bool:
    """A number of numpy as one of python."""
    value: int | float | bool = _array(allowance, content, data_type, (), "C").item()
    return value


def _data_type(_: _Allowance, code: Any, align: Any, copy: Any) -> _DataType:
    return _DataType(_text(code))


def _encoded(allowance: _Allowance, text: Any, encoding: Any) -> bytes:
    """How protocols 0 to 2 of python 3 write bytes."""
    if encoding != "latin1":
        raise DataError("the pickle has bytes in an unknown encoding. Do not use the file.")
    plain = _text(text)
    allowance.take(len(plain))
    return plain.encode("latin1")


def _text(value: Any) -> str:
    text = value.decode("ascii") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise DataError("the pickle has another value where a text belongs. Do not use the file.")
    return text


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy._core.numeric", "_frombuffer"): _array_of_buffer,
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): _data_type,
    ("_codecs", "encode"): _encoded,
}


def _plain(value: Any) -> Any:
    """The value, or the dictionary's values, with arrays in place of their stand-ins; they are looked for no deeper.

    A small pickle can nest lists in a way that takes for ever to walk through.
    """
    if isinstance(value, dict):
        return {key: entry.value if isinstance(entry, _Array) else entry for key, entry in value.items()}
    return value.value if isinstance(value, _Array) else value
