"""The rules that a table must keep before it becomes a benchmark, each with the error that names what broke it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from predictornas.benchmarks.column import Column, check_roles, judges_of
from predictornas.errors import DataError
from predictornas.spaces.base import Genes, Keys, SearchSpace
from predictornas.spaces.registry import check_registered

ROUNDING = 1e-6
"""How far outside [0, 1] a fraction may lie by rounding (float32 sources, computed columns); it is then clipped."""

_DOUBTFUL = 0.95  # no table is searched for errors above that; a hundred classes guessed have 0.99

Describe = Callable[[int], str]
"""Gives a row of the table in words, for messages."""


def checked_table(
    space: SearchSpace,
    genes: Genes,
    columns: Mapping[Column, Shaped[np.ndarray, " n"]],
    signal: str,
    evaluation: str | None,
) -> tuple[Keys, Int64[np.ndarray, " n"], Iterator[tuple[Column, Float[np.ndarray, " n"]]]]:
    """All that a table must keep, for an import and for what is told before one.

    Args:
        space: of the architectures.
        genes: `(n, g)`.
        columns: values of each column.
        signal: name of the column that drives searches.
        evaluation: name of the column that judges them; None where the signal does.

    Returns:
        What `checked_keys` gives, and each column with its values as they are stored. Columns are checked one after
        the other as they are taken, so that only one need be held; what they break together is found behind the last.

    Raises:
        DataError: two columns of one name, rows or values that break the rules, a row without any value, or a signal
            or an evaluation without any.
        UnknownNameError, ConfigurationError: as in `check_roles`; also a space that is not registered.
    """
    check_registered(space)
    by_name = {column.name: column for column in columns}
    if len(by_name) != len(columns):
        raise DataError(f"Two columns have the same name: {sorted(column.name for column in columns)}.")
    check_roles(by_name, signal, evaluation)
    keys, order = checked_keys(space, genes)
    return keys, order, _checked_columns(space, genes, columns, {"evaluation": evaluation or signal, "signal": signal})


def _checked_columns(
    space: SearchSpace, genes: Genes, columns: Mapping[Column, Shaped[np.ndarray, " n"]], roles: Mapping[str, str]
) -> Iterator[tuple[Column, Float[np.ndarray, " n"]]]:
    def describe(row: int) -> str:
        return space.describe(genes[row])

    role_of = {name: role for role, name in roles.items()}
    present = np.zeros(len(genes), bool)
    for column, values in columns.items():
        stored = checked_values(column, values, len(genes), describe)
        there = ~np.isnan(stored)
        if column.name in role_of and not there.any():
            raise DataError(
                f"Column {column.name!r}, the {role_of[column.name]}, has no value in any row. Name another column, or "
                "correct where its values come from."
            )
        present |= there
        yield column, stored
    check_no_row_is_empty(present, describe)


def checked_keys(space: SearchSpace, genes: Genes) -> tuple[Keys, Int64[np.ndarray, " n"]]:
    """Keys of all rows and the order that sorts them.

    Raises:
        DataError: no rows, rows of another width, rows that are not valid in `space`, or an architecture twice.
    """
    if not len(genes):
        raise DataError("The table holds no architecture; give at least one row.")
    if genes.shape[1] != space.num_genes:
        raise DataError(f"The table's rows have {genes.shape[1]} genes, those of {space.name} {space.num_genes}.")
    valid = space.valid(genes)
    if not valid.all():
        row = int(valid.argmin())
        raise DataError(
            f"Row {row} is no architecture of {space.name}: genes {genes[row].tolist()} "
            f"({int((~valid).sum())} of {len(genes)} rows are invalid). Leave such rows out or correct them."
        )
    keys = space.keys(genes)
    order = np.argsort(keys, kind="stable").astype(np.int64)
    twins = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    if len(twins):
        first, second = order[twins[0]], order[twins[0] + 1]
        raise DataError(
            f"Rows {first} and {second} are the same architecture, {space.describe(genes[first])} "
            f"({len(twins)} repeated rows in all). Keep one row for each architecture."
        )
    return keys, order


def checked_values(
    column: Column, values: Shaped[np.ndarray, " n"], rows: int, describe: Describe
) -> Float[np.ndarray, " n"]:
    """The values as they are stored: float32, or float64 where float32 cannot hold whole numbers, or a size.

    float32 resolves an accuracy to 6e-8, far less than one image of a test set (1e-4); counts above 2**24 (parameters)
    would lose units, and 1e39 (a perplexity) would become infinite.

    Raises:
        DataError: another number of rows, a missing value in a column that is not nullable, an infinite value, or a
            fraction outside [0, 1].
    """
    exact = np.asarray(values, np.float64)
    if len(exact) != rows:
        raise DataError(f"Column {column.name!r} has {len(exact)} values for {rows} rows.")
    missing = np.isnan(exact)
    if not column.nullable:
        _refuse(column, exact, missing, describe, "declare the column nullable or give the value")
    _refuse(column, exact, np.isinf(exact), describe, "values must be finite; mark missing ones as NaN")
    if column.is_fraction:
        outside = (exact < 0) | (exact > 1)
        _refuse(
            column,
            exact,
            outside,
            describe,
            "fractions lie in [0, 1], and what a recipe declares as percent in [0, 100]",
        )
    with np.errstate(over="ignore"):
        short = exact.astype(np.float32)
    present = exact[~missing]
    counts = bool((present == np.rint(present)).all())
    return exact if np.isinf(short).any() or (counts and (present != short[~missing]).any()) else short


def check_unit(column: Column, unit: str, values: Float[np.ndarray, " n"]) -> None:
    """Checks that the numbers of a source can be in the unit that its recipe declares.

    Args:
        column: what they become.
        unit: one of `predictornas.benchmarks.recipes.UNITS`.
        values: as the source has them; NaN where missing.

    Raises:
        DataError: percentages that are all at most 1, or fractions above 1; says what to declare.
    """
    present = values[np.isfinite(values)]
    if not len(present) or not column.is_fraction:
        return
    highest = float(present.max())
    if unit == "percent" and 0 < highest <= 1:
        raise DataError(
            f"Column {column.name!r} is declared in percent, but no value exceeds {highest:.4g}: these are fractions. "
            'Declare "unit": "fraction".'
        )
    if unit in ("one", "fraction") and highest > 1 + ROUNDING:
        row = int(np.nanargmax(values))
        raise DataError(
            f"Column {column.name!r}, row {row}: {values[row]:.8g} is no fraction ({int((values > 1).sum())} of "
            f'{len(values)} values exceed 1). Fractions lie in [0, 1]; declare "unit": "percent" for percentages.'
        )


def doubts(
    columns: Mapping[str, Column], values_of: Callable[[str], Float[np.ndarray, " n"]], signal: str, evaluation: str
) -> list[str]:
    """What looks wrong in a table that breaks no rule, each with what to do.

    Args:
        columns: of the table, by name.
        values_of: gives the values of a column as they are stored.
        signal: name of the column that drives searches.
        evaluation: name of the column that judges them.
    """
    found = []
    for name in dict.fromkeys((signal, evaluation)):
        column = columns[name]
        costs = column.costs(values_of(name))
        best, worst = float(np.nanmin(costs)), float(np.nanmax(costs))
        if column.quantity.percent and not column.quantity.higher and best > _DOUBTFUL:
            found.append(
                f"{name}: the best architecture has an error of {100 * best:.2f} %. If high values are good ones, "
                "declare an accuracy, or the direction."
            )
        if best == worst:
            found.append(f"{name}: all values are equal, so there is nothing to search for.")
    if signal == evaluation:
        judges = [column.name for column in judges_of(columns, signal)]
        instead = f" Name one that errs by itself as the evaluation: {', '.join(judges)}." if judges else ""
        found.append(
            f"{signal} drives searches and judges them: the judge shares the noise that a search chooses.{instead}"
        )
    return found


def check_no_row_is_empty(present: Bool[np.ndarray, " n"], describe: Describe) -> None:
    """Raises DataError where a row has no value in any column."""
    if not present.all():
        row = int(present.argmin())
        raise DataError(
            f"Row {row} ({describe(row)}) has no value in any column ({int((~present).sum())} such rows). Leave it out."
        )


def _refuse(
    column: Column, values: Float[np.ndarray, " n"], wrong: Bool[np.ndarray, " n"], describe: Describe, remedy: str
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"Column {column.name!r}, row {row} ({describe(row)}): {values[row]} "
            f"({int(wrong.sum())} of {len(values)} values); {remedy}."
        )
