"""What all checks share: the error that names a broken rule, and the few ways in which a rule is stated."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from predictornas.description import describe
from predictornas.errors import PredictorNASError
from predictornas.history import History
from predictornas.spaces.base import SearchSpace


class ConformanceError(PredictorNASError, AssertionError):
    """A rule of a protocol that an implementation breaks: the rule, what was met, what to do."""


def require(holds: bool | np.bool_, rule: str, met: object, remedy: str) -> None:
    """Raises ConformanceError unless the rule holds."""
    if not holds:
        raise ConformanceError(f"Broken rule: {rule}. Met: {met}. Remedy: {remedy}.")


def require_array(array: Any, dtype: type, shape: tuple[int, ...], what: str) -> None:
    """Requires a numpy array of one dtype (or, for `np.floating`, `np.integer`, of one kind) and one shape."""
    good = isinstance(array, np.ndarray) and np.issubdtype(array.dtype, dtype) and array.shape == shape
    met = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    require(good, f"{what} is an array of {dtype.__name__}, {shape}", met, "convert it and check its shape")


def require_rows(good: Any, space: SearchSpace, genes: Any, rule: str, remedy: str) -> None:
    """Requires something of every row, and names the first architecture of which it is not true."""
    if not good.all():
        row = int(good.argmin())
        met = (
            f"row {row} of {len(genes)}, genes {genes[row].tolist()}, {described(space, genes[row])} "
            f"({int((~good).sum())} such rows)"
        )
        require(False, rule, met, remedy)


def described(space: SearchSpace, row: Any) -> str:
    """A row in the space's notation; rows that are no architectures may have none."""
    try:
        return space.describe(row)
    except Exception as error:
        return f"which describe() refuses with {type(error).__name__}"


def require_described(part: Any, what: str) -> None:
    """Requires that a configuration can be described, the same for a copy, so that runs with it can be resumed."""
    rule, remedy = f"{what} can be described", "see predictornas.description.describe"
    described = json.dumps(attempt(rule, remedy, describe, part))
    duplicate = attempt(f"{what} can be copied", "hold no locks or open files", copy.deepcopy, part)
    again = json.dumps(describe(duplicate))
    require(described == again, f"a copy of {what} is described as it is", f"{again} beside {described}", remedy)


def attempt(rule: str, remedy: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a call of a plug-in gives; an exception of its own becomes one that names the rule."""
    try:
        return call(*arguments, **options)
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(
            f"Broken rule: {rule}. Met: {type(error).__name__}: {error}. Remedy: {remedy}."
        ) from error


def copied(history: History) -> tuple[Any, ...]:
    """The columns of a history, in the order of its constructor."""
    columns = (history.keys, history.genes, history.epochs, history.values, history.iterations)
    return tuple(np.array(column) for column in columns)


def twice(function: Callable[[np.random.Generator], Any], rng: np.random.Generator) -> tuple[Any, Any]:
    """The results of two calls with generators in the same state."""
    seed = int(rng.integers(2**63))
    return function(np.random.default_rng(seed)), function(np.random.default_rng(seed))
