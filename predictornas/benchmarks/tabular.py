"""Tables from parquet and CSV files: the columns that a recipe names, in our units, beside their architectures."""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from predictornas.benchmarks.architectures import read_genes
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Combination, ImportRecipe, MeanOfPresent, Measured
from predictornas.benchmarks.validation import ROUNDING, check_unit, checked_keys
from predictornas.errors import ConfigurationError, DataError, UnknownNameError
from predictornas.frames import column_names, read_bytes, read_columns, readable
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import space_of_file

Columns = dict[Column, Float[np.ndarray, " n"]]
Table = tuple[Int8[np.ndarray, "m g"], dict[Column, Float[np.ndarray, " m"]]]

_STEP_ROUNDING = 0.01  # of one step: sources in float32 are off by at most 0.003 of 1 / 19968


def read_table(file: Path, recipe: ImportRecipe, *, join: Path | None = None) -> tuple[Genes, Columns]:
    """Reads one table, all rows in the order of the file.

    Args:
        file: a parquet file, or a CSV file with a header.
        recipe: what its columns mean.
        join: the second table, where the recipe has one; its columns are added by architecture.

    Returns:
        Genes `(n, g)` and the values `(n,)` of every column: accuracies as fractions, NaN where missing.

    Raises:
        DataError: the file cannot be read, lacks columns, or holds a value or architecture that cannot be understood.
        ConfigurationError: `join` is missing or too much, or a derived column names one that there is not.
    """
    frame = _read_columns(file, recipe)
    if (recipe.join is None) != (join is None):
        met = "no second file was given; add it with --join" if join is None else f"it joins no second file ({join})"
        raise ConfigurationError(f"The recipe of {file} does not fit: {met}.")
    genes, columns = table_of(frame, recipe)
    if recipe.join is None or join is None:
        return genes, columns
    return genes, columns | joined(str(join), recipe.space, genes, columns, read_table(join, recipe.join))


def table_of(frame: pl.DataFrame, recipe: ImportRecipe) -> tuple[Genes, Columns]:
    """The same of a table that is held already, without what its recipe joins.

    Args:
        frame: with the columns that the recipe names; those of architectures hold text.
        recipe: what they mean.

    Raises:
        DataError: a value or architecture that cannot be understood.
        ConfigurationError: a derived column names one that there is not.
    """
    genes = read_genes(frame, recipe.architecture, recipe.space)
    columns: Columns = {measured.column: _values(frame[measured.source], measured) for measured in recipe.columns}
    for derived in recipe.derived:
        columns[derived.column] = _derive(derived, columns)
    for column, values in columns.items():
        if column.is_fraction:
            _clip_rounding(values)
    return genes, columns


def _read_columns(file: Path, recipe: ImportRecipe) -> pl.DataFrame:
    """The columns that the recipe needs; those of a CSV file as text, so that matrices keep their leading zeros."""
    needed = [*recipe.architecture.sources(), *(measured.source for measured in recipe.columns)]
    needed = list(dict.fromkeys(needed))
    content = read_bytes(file)
    try:
        frame = read_columns(content, str(file), needed)
    except DataError:
        _check_present(column_names(content, str(file)), needed, file)
        raise
    for name in needed:
        kind = frame.schema[name]
        if not (kind.is_numeric() or kind in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
            raise DataError(f"{file}: column {name!r} holds {kind}; only numbers and texts are read. Convert it first.")
    with readable(str(file)):
        return frame.with_columns(pl.col(recipe.architecture.sources()).cast(pl.String))


def _check_present(found: list[str], needed: list[str], file: Path) -> None:
    missing = [name for name in needed if name not in found]
    if missing:
        near = {name: difflib.get_close_matches(name, found, n=1) for name in missing}
        hints = [f"{name!r}" + (f" (nearest: {near[name][0]!r})" if near[name] else "") for name in missing]
        raise DataError(
            f"{file} lacks the column{'s' * (len(missing) > 1)} {', '.join(hints)}. It has: {', '.join(found)}. "
            "Give the file that the recipe was written for, or a recipe of your own."
        )


def _number(marker: float | str) -> float | None:
    """A marker as the number that it is, or is written as."""
    try:
        return float(marker)
    except ValueError:
        return None


def _values(series: pl.Series, measured: Measured) -> Float[np.ndarray, " n"]:
    text = series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series  # not their codes
    words = [marker.strip() for marker in measured.missing if isinstance(marker, str)]
    if words and text.dtype == pl.String:
        text = text.set(text.str.strip_chars().is_in(words), None)
    numbers = text.cast(pl.Float64, strict=False)
    unreadable = numbers.is_null() & text.is_not_null()
    if unreadable.any():
        row = int(unreadable.to_numpy().argmax())
        raise DataError(
            f"Column {series.name!r}, row {row}: {series[row]!r} is no number. Leave missing values empty, or name "
            'what stands for them in the recipe: "missing".'
        )
    values = numbers.fill_null(float("nan")).to_numpy().copy()
    markers = pl.Series([number for one in measured.missing if (number := _number(one)) is not None], dtype=pl.Float64)
    if text.dtype.is_float():
        markers = markers.cast(text.dtype)  # in float32, 99.9 is another number
    values[np.isin(values, markers.cast(pl.Float64).to_numpy())] = np.nan
    check_unit(measured.column, measured.unit, values)
    if measured.unit == "percent":
        values /= 100
    elif measured.unit == "milli":
        values /= 1000
    elif measured.unit == "millions":
        values = np.rint(values * 1e6)
    return values


def _derive(derived: Combination | MeanOfPresent, columns: Columns) -> Float[np.ndarray, " n"]:
    by_name = {column.name: values for column, values in columns.items()}
    names = list(derived.weights) if isinstance(derived, Combination) else list(derived.of)
    for name in names:
        if name not in by_name:
            raise UnknownNameError("column", name, by_name)
    table = np.stack([by_name[name] for name in names])
    if isinstance(derived, MeanOfPresent):
        count = (~np.isnan(table)).sum(axis=0)
        mean: Float[np.ndarray, " n"] = np.full(len(count), np.nan)
        np.divide(np.nansum(table, axis=0), count, out=mean, where=count > 0)
        return mean
    values: Float[np.ndarray, " n"] = np.array(list(derived.weights.values()), np.float64) @ table
    return values if derived.steps is None else _to_steps(derived, derived.steps, values)


def _to_steps(derived: Combination, steps: int, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    nearest = np.rint(values * steps)
    off = np.abs(values * steps - nearest) > _STEP_ROUNDING
    if off.any():
        row = int(off.argmax())
        raise DataError(
            f"Column {derived.column.name!r}, row {row}: {values[row]} is no multiple of 1/{steps}, as the recipe says "
            f"({int(off.sum())} rows). Check that its sources belong together, or leave out 'steps'."
        )
    return np.asarray(nearest / steps)


def _clip_rounding(values: Float[np.ndarray, " n"]) -> None:
    values[(values < 0) & (values >= -ROUNDING)] = 0.0
    values[(values > 1) & (values <= 1 + ROUNDING)] = 1.0


def joined(where: str, space_name: str, genes: Genes, columns: Columns, other: Table) -> Columns:
    """The columns of a second table in the rows of the first.

    Args:
        where: what the second table is, for messages.
        space_name: the space of both.
        genes: of the first table.
        columns: of the first table.
        other: genes and columns of the second.

    Raises:
        DataError: the second lacks an architecture of the first.
        ConfigurationError: both have a column of one name.
    """
    other_genes, other_columns = other
    space = space_of_file(space_name)
    other_keys, order = checked_keys(space, other_genes)
    keys = space.keys(genes)
    place = order[np.minimum(np.searchsorted(other_keys[order], keys), len(order) - 1)]
    missing = other_keys[place] != keys
    if missing.any():
        row = int(missing.argmax())
        raise DataError(
            f"{where} has no row for {int(missing.sum())} of {len(genes)} architectures; the first is row {row}, "
            f"{space.describe(genes[row])}. Join a table that holds all of them."
        )
    if twice := {column.name for column in columns} & {column.name for column in other_columns}:
        raise ConfigurationError(f"Both tables have a column {', '.join(sorted(twice))}; name one of them otherwise.")
    return {column: values[place] for column, values in other_columns.items()}
