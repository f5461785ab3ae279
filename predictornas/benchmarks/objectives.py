"""Objectives and limits of a table, by the names of columns or by short words: `error`, `latency`, `parameters<5e6`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.table import Benchmark, Column
from predictornas.errors import ConfigurationError, UnknownNameError

ERROR = "error"
"""The word for 1 - accuracy of the signal, judged by the evaluation column."""

_READ = ("parameters", "flops", "macs")
"""Metrics that follow from an architecture alone, without training or measuring it."""

_LISTED = 12
"""So many columns an error names."""

_LIMIT = re.compile(r"\s*([^<>=\s]+)\s*(<=|<|>=|>)\s*([^<>=\s%]+)\s*(%?)\s*")


@dataclass(frozen=True)
class Objective:
    """A quantity of a table that a search goes by; costs, where lower is better, whatever its direction.

    Attributes:
        name: as it was asked for, `error`.
        searched: the column that a search sees.
        judged: the column that judges it; the same where there is one measurement.
        known: whether it can be read without training or measuring an architecture.
        is_objective: whether it is to be as good as possible; otherwise it is only limited.
        limit: the highest cost that is allowed; None for no limit.
        condition: the limit as it was asked for, `parameters<5e6`; empty where there is none.
    """

    name: str
    searched: str
    judged: str
    known: bool = False
    is_objective: bool = True
    limit: float | None = None
    condition: str = ""


def costs_of(benchmark: Benchmark, column: str) -> Float[np.ndarray, " n"]:
    """A column as costs, lower is better, float64: 1 - accuracy, the negative of what else is better the higher.

    Raises:
        UnknownNameError: there is no such column.
        ConfigurationError: nobody knows which of its values are better.
    """
    found, values = benchmark.column(column), benchmark.values(column).astype(np.float64)
    if found.direction is None:
        raise ConfigurationError(
            f"Column {column!r} of {benchmark.name!r} does not say whether higher or lower values are better. Declare "
            "its direction in the recipe and import the table again."
        )
    if found.direction == "lower":
        return values
    return 1.0 - values if found.is_fraction else -values


def objectives_for(
    benchmark: Benchmark, names: Sequence[str], limits: Sequence[str] = (), known: Sequence[str] = ()
) -> tuple[Objective, ...]:
    """The objectives and limits that a command names.

    Args:
        benchmark: the table, with its signal and evaluation.
        names: of the objectives: `error`, a column, or a word that only one column has, as `latency` or `parameters`;
            with limits, none means the signal.
        limits: conditions such as `parameters<5e6`; below for what is better the lower, above for what is better the
            higher.
        known: names of further quantities that can be read without training or measuring an architecture.

    Returns:
        The objectives, then what is only limited.

    Raises:
        UnknownNameError: no column has this name.
        ConfigurationError: no objective or one twice, a word that several columns have, a condition that cannot be read
            or bounds the good side.

    Example:
        >>> from predictornas import open_benchmark
        >>> from predictornas.benchmarks.objectives import objectives_for
        >>> table = open_benchmark("nasbench201-cifar10")
        >>> [found.searched for found in objectives_for(table, ("error", "latency"))]
        ['valid_accuracy_200_run0', 'latency_seconds']
        >>> objectives_for(table, ("error",), ("parameters<5e5",))[1].limit < 5e5
        True
    """
    found = {name: _objective(benchmark, name) for name in names or ((own_objective(benchmark),) if limits else ())}
    if not found:
        raise ConfigurationError("Name at least one objective, or a limit: `known` says only how they are measured.")
    if len(found) < len(names) or len({one.searched for one in found.values()}) < len(found):
        raise ConfigurationError(f"Name each objective once: got {', '.join(names)}.")
    for condition in limits:
        name, limit = _limit(benchmark, condition)
        column = _column(benchmark, name).name
        name = next((one.name for one in found.values() if one.searched == column), name)
        before = found.get(name) or replace(_objective(benchmark, name), is_objective=False)
        if before.limit is not None:
            raise ConfigurationError(f"{name!r} is limited twice. Keep the stricter condition.")
        found[name] = replace(before, limit=limit, condition=condition.replace(" ", ""))
    for name in known:
        if name not in found:
            raise UnknownNameError("objective or limit", name, found)
        found[name] = replace(found[name], known=True)
    return tuple(found.values())


def own_objective(benchmark: Benchmark) -> str:
    """What a search goes by where nothing is named: `error` for an accuracy, else the name of the signal.

    Example:
        >>> from predictornas import open_benchmark
        >>> own_objective(open_benchmark("nasbench101-digits"))
        'error'
    """
    return ERROR if benchmark.column(benchmark.signal).is_accuracy else benchmark.signal


def _objective(benchmark: Benchmark, name: str) -> Objective:
    column = _column(benchmark, name)
    judged = benchmark.evaluation if column.name == benchmark.signal and benchmark.evaluation else column.name
    costs_of(benchmark, column.name)  # refuses one without a direction
    return Objective(name, column.name, judged, known=column.metric.split("_")[-1] in _READ)


def _column(benchmark: Benchmark, name: str) -> Column:
    columns = benchmark.columns
    if name == ERROR and columns[benchmark.signal].is_accuracy:
        return columns[benchmark.signal]
    if name in columns:
        return columns[name]
    having = [column for column in columns.values() if _has(column, name)]
    fitting = [column for column in having if column.split is None] or having
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ConfigurationError(
            f"Several columns of {benchmark.name!r} are called {name}: {_listed(fitting)}. Name one of them."
        )
    accurate = columns[benchmark.signal].is_accuracy
    if name == ERROR and not accurate:
        raise ConfigurationError(
            f"{ERROR!r} is 1 - accuracy, and the signal of {benchmark.name!r}, {benchmark.signal!r}, is no accuracy. "
            f"Name a column: {_listed(list(columns.values()))}."
        )
    raise UnknownNameError("objective", name, [*([ERROR] if accurate else []), *_words(benchmark), *columns])


def _listed(columns: Sequence[Column]) -> str:
    """Their names, of many the first ones."""
    names = ", ".join(column.name for column in columns[:_LISTED])
    return names if len(columns) <= _LISTED else f"{names} and {len(columns) - _LISTED} more"


def _words(benchmark: Benchmark) -> list[str]:
    """Words that stand for one column: `latency` for `latency_seconds`."""
    whole = [column for column in benchmark.columns.values() if column.split is None]
    first = [column.name.split("_")[0] for column in whole]
    return [word for word in first if word not in benchmark.columns and sum(_has(other, word) for other in whole) == 1]


def _has(column: Column, name: str) -> bool:
    """Whether words of a column's name that follow one another are the name."""
    return f"_{name}_" in f"_{column.name}_"


def _cost_of_bound(benchmark: Benchmark, column: Column, bound: float, *, is_cost: bool) -> float:
    """The cost that a value on the bound has in the table, which may hold single precision: equal is then equal.

    Args:
        benchmark: the table.
        column: what is limited.
        bound: as it was written; of an accuracy its error where `is_cost`.
        is_cost: whether low values are meant.
    """
    turned = is_cost and column.direction != "lower"
    value = 1.0 - bound if turned else bound
    if benchmark.values(column.name).dtype == np.float32 and not value.is_integer():
        value = float(np.float32(value))
    if is_cost and not turned:
        return value
    return 1.0 - value if column.is_fraction else -value


def _limit(benchmark: Benchmark, condition: str) -> tuple[str, float]:
    """The name and the highest cost of a condition."""
    match = _LIMIT.fullmatch(condition)
    try:
        name, sign, bound = match[1], match[2], float(match[3])  # type: ignore[index]  # caught below
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{condition!r} is no limit. Write a name, < or >, and a number, in quotes: 'parameters<5e6' or 'error<5%'."
        ) from None
    column = _column(benchmark, name)
    if not np.isfinite(bound):
        raise ConfigurationError(f"{condition!r} is no limit: {match[3]} is no bound.")  # type: ignore[index]
    good, percent = ("<0.05", "<5%") if column.direction == "lower" or name == ERROR else (">0.95", ">95%")
    if match[4]:  # type: ignore[index]  # it matched
        bound /= 100
    if (match[4] and not column.is_fraction) or (column.is_fraction and not 0 <= bound <= 1):  # type: ignore[index]
        raise ConfigurationError(
            f"{condition!r}: {name} is a fraction from 0 to 1. Write {name}{good}, or as a percentage {name}{percent}."
            if column.is_fraction
            else f"{condition!r}: {name} is no fraction. Leave out the percent sign."
        )
    # an accuracy that is called error counts as one
    lower = column.direction == "lower" or name == ERROR
    if (sign[0] == "<") != lower:
        raise ConfigurationError(
            f"{condition!r} bounds the good side: of {name}, {'lower' if lower else 'higher'} values are better. Write "
            f"{name}{'<' if lower else '>'}{match[3]}{match[4]}."  # type: ignore[index]  # it matched
        )
    cost = _cost_of_bound(benchmark, column, bound, is_cost=lower)
    return name, cost if "=" in sign else float(np.nextafter(cost, -np.inf))
