"""Tidy tables on disk; a parquet file carries the SHA-256 of its rows, so that a damaged one is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from predictornas.errors import DataError, StoreError
from predictornas.files import writing_file
from predictornas.frames import is_parquet, read_all, read_bytes, read_metadata, readable, write_parquet

_CHECKSUM = "predictornas.sha256"


def _write_csv(table: pl.DataFrame, path: Path) -> None:
    """Every float with the fewest digits that read back as the same float64: a rounded target is another target."""
    table.with_columns(cs.float().cast(pl.Float64)).write_csv(path)


_WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".parquet": lambda table, path: write_parquet(table, path, {_CHECKSUM: _digest(table)}),
    ".csv": _write_csv,
}


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Writes a tidy table as parquet or CSV, by the ending of `path`, atomically; it reads back exactly."""
    with writing_file(path) as temporary:
        _WRITERS[path.suffix](table, temporary)


def read_table(path: Path, columns: Mapping[str, Any], *, remedy: str) -> pl.DataFrame:
    """A parquet table that `write_table` wrote.

    Args:
        path: the file.
        columns: columns that it must have, and their types.
        remedy: what to do where it cannot be read, a sentence.

    Raises:
        StoreError: the file cannot be read, was altered since it was written, or lacks a column of this type.
    """
    try:
        content = read_bytes(path)
        if not is_parquet(content):
            raise DataError(f"{path} is no parquet file.")
        written = read_metadata(content, str(path)).get(_CHECKSUM)
        table = read_all(content, str(path))
        with readable(str(path)):
            found = _digest(table)
    except DataError as error:
        raise StoreError(f"{error} {remedy}") from error
    if written != found:
        met = "carries no checksum" if written is None else "was altered: its checksum does not match"
        raise StoreError(f"{path} {met}. {remedy}")
    for name, kind in columns.items():
        if table.schema.get(name) != kind:
            raise StoreError(f"{path} has no column {name!r} of type {kind}. {remedy}")
    return table


def _digest(table: pl.DataFrame) -> str:
    """SHA-256 over names, types and values, whatever the encoding of the file."""
    state = hashlib.sha256()
    for column in table.iter_columns():
        state.update(f"{column.name}\0{column.dtype}\0{len(column)}\0".encode())
        _add_values(state, column)
    return state.hexdigest()


def _add_values(state: Any, column: pl.Series) -> None:
    state.update(column.is_null().to_numpy().tobytes())
    if isinstance(column.dtype, pl.List):
        state.update(column.list.len().fill_null(0).to_numpy().tobytes())
        _add_values(state, column.filter(column.list.len() > 0).explode())
    elif column.dtype == pl.String:
        texts = column.fill_null("")
        state.update(texts.str.len_bytes().to_numpy().tobytes())
        state.update("".join(texts.to_list()).encode())
    else:
        state.update(column.fill_null(strategy="zero").to_numpy().tobytes())
