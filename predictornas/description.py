"""Configurations as JSON: what a run is known by, and what a manifest says of how it was made."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from enum import Enum
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.errors import ConfigurationError, quoted


def describe(value: Any) -> Any:
    """A configuration as JSON, the same in every process and for every equal configuration.

    An object becomes a JSON object with its type's name first. What follows are the fields of a dataclass that its
    constructor takes; of anything else what its `get_params()` says, as that of scikit-learn's estimators; and where it
    has none, its attributes, but for those that begin or end with an underscore, which are private or learned. Of a
    module of torch there is also what it is made of. A function or class is `module:name`, an array its checksum.

    Raises:
        ConfigurationError: something that cannot be told from another of its kind, such as a lambda.
    """
    try:
        return _described(value)
    except RecursionError:
        raise ConfigurationError(f"{type(value).__name__} holds itself, so its configuration has no end.") from None


def differences(one: Any, other: Any, names: tuple[str, str], place: str = "") -> list[str]:
    """Where two descriptions differ, in words.

    Example:
        >>> from predictornas.description import differences
        >>> differences({"seed": 1, "batch": 5}, {"seed": 2, "batch": 5}, ("there", "here"))
        ['seed is 1 there and 2 here']

    Args:
        one: JSON, as of `describe`.
        other: the same of something else.
        names: what the two are called.
        place: where they are, with dots between the names of entries.
    """
    if isinstance(one, dict) and isinstance(other, dict) and one.get("type") == other.get("type"):
        entries = dict.fromkeys([*one, *other])
        inner = [(one.get(entry), other.get(entry), f"{place}.{entry}".lstrip(".")) for entry in entries]
        return [text for a, b, where in inner for text in differences(a, b, names, where)]
    if one == other:
        return []
    a, b = (quoted(part["type"] if isinstance(part, dict) and "type" in part else part) for part in (one, other))
    return [f"{place or 'it'} is {a} {names[0]} and {b} {names[1]}"]


def _described(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return "nan" if value != value else value
    if isinstance(value, (list, tuple)):
        return [_described(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _described(item) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return _typed(value, {name: getattr(value, name) for name in fields})
    return _other(value)


def _other(value: Any) -> Any:
    if isinstance(value, (Fraction, Path)):
        return str(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, np.generic):
        return _described(value.item())
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"type": "ndarray", "dtype": str(value.dtype), "shape": list(value.shape), "sha256": content}
    if isinstance(value, (set, frozenset)):
        return sorted((_described(item) for item in value), key=str)
    if isinstance(value, partial):
        return _typed(value, {"function": value.func, "arguments": value.args, "keywords": value.keywords})
    if inspect.isroutine(value) or inspect.isclass(value):
        return _named(value)
    if callable(getattr(value, "get_params", None)):
        try:
            return _typed(value, value.get_params(deep=False))
        except TypeError:  # it means something else by that name
            pass
    if hasattr(value, "__dict__"):
        shown = {name: item for name, item in vars(value).items() if not (name.startswith("_") or name.endswith("_"))}
        return _typed(value, shown | _parts_of_a_module(value))
    raise ConfigurationError(
        f"One {type(value).__name__} cannot be told from another, so a run that holds it could not be resumed. Hold "
        "what it is made from instead, or give its class `get_params(deep=False)`."
    )


def _parts_of_a_module(value: Any) -> dict[str, Any]:
    """What a module of torch keeps apart from its attributes: other modules, and tensors, of which the shapes count.

    Numbers are drawn by chance, or were learned, and are no configuration. What ends in an underscore is learned.
    """
    kept = [vars(value).get(name) for name in ("_modules", "_parameters", "_buffers")]
    if not all(isinstance(part, dict) for part in kept):
        return {}
    modules, *tensors = kept
    shapes = {name: None if tensor is None else _shape(tensor) for part in tensors for name, tensor in part.items()}
    return {name: item for name, item in (modules | shapes).items() if not name.endswith("_")}


def _shape(tensor: Any) -> list[int] | str:
    try:
        return list(tensor.shape)
    except RuntimeError:  # of a lazy module, which does not know yet
        return "not known yet"


def _typed(value: Any, settings: dict[str, Any]) -> dict[str, Any]:
    return {"type": type(value).__name__, **{name: _described(item) for name, item in settings.items()}}


def _named(value: Any) -> str:
    if "<" in value.__qualname__:
        raise ConfigurationError(
            f"{value.__qualname__!r} of {value.__module__} has no name by which a run that holds it could be resumed. "
            "Give it one: define it in a module with `def` or `class`."
        )
    return f"{value.__module__}:{value.__qualname__}"
