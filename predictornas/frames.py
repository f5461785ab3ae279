"""Reads parquet, CSV and JSON tables from bytes: no path is a pattern, and whatever polars raises is a DataError."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.errors import DataError

_PARQUET = b"PAR1"
_MARK = b"\xef\xbb\xbf"  # with which Windows begins files


def read_bytes(path: Path) -> bytes:
    """The content of a file that a person named.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{str(path)[:400]} cannot be read: {reason}. Give the path of a file.") from error


def is_parquet(content: bytes) -> bool:
    """Whether these are the bytes of a parquet file."""
    return content.startswith(_PARQUET)


def column_names(content: bytes, where: str) -> list[str]:
    """The names of the columns of a parquet file, of a CSV file with a header, or of a JSON object of lists.

    Raises:
        DataError: it is none of them.
    """
    with readable(where):
        if is_parquet(content):
            return list(pl.read_parquet_schema(BytesIO(content)))
        if _is_json(content):
            return list(_json_columns(content))
        return pl.read_csv(BytesIO(content), n_rows=0, infer_schema=False).columns


def read_columns(content: bytes, where: str, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of a parquet, CSV or JSON file; those of a CSV file as text, and of JSON those that hold any text.

    Raises:
        DataError: the content is broken, or has no such column.
    """
    with readable(where):
        if is_parquet(content):
            return pl.read_parquet(BytesIO(content), columns=list(columns))
        if _is_json(content):
            lists = _json_columns(content)
            return pl.DataFrame({name: _json_column(name, lists[name]) for name in columns})
        return pl.read_csv(BytesIO(content), columns=list(columns), infer_schema=False)


def _is_json(content: bytes) -> bool:
    return content[:100].removeprefix(_MARK).lstrip().startswith(b"{")


def _json_columns(content: bytes) -> dict[str, list[Any]]:
    columns = json.loads(content)
    if not all(type(values) is list for values in columns.values()):
        raise ValueError("an entry of the JSON object is no list")
    return dict(columns)


def _json_column(name: str, values: list[Any]) -> pl.Series:
    """A list of numbers, or of numbers and texts: polars would take the type of the first for that of all."""
    kinds = {type(value) for value in values} - {type(None)}
    if bool in kinds and len(kinds) > 1:
        raise ValueError(f"{name!r} holds true or false among other values")
    if kinds == {int, float}:
        return pl.Series(name, values, pl.Float64)
    if str in kinds and kinds <= {int, float, str}:
        return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)
    return pl.Series(name, values)


def read_all(content: bytes, where: str) -> pl.DataFrame:
    """All columns of a parquet file.

    Raises:
        DataError: the content is broken.
    """
    with readable(where):
        return pl.read_parquet(BytesIO(content))


def read_metadata(content: bytes, where: str) -> dict[str, str]:
    """The texts that a parquet file carries beside its columns.

    Raises:
        DataError: the content is broken.
    """
    with readable(where):
        return pl.read_parquet_metadata(BytesIO(content))


@contextmanager
def readable(where: str) -> Iterator[None]:
    """What is done with a table from outside: all that polars raises at broken content becomes a DataError.

    Its panics derive from BaseException. They are caught here alone, where nothing else is running.
    """
    try:
        yield
    except (
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
        *(OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError, RuntimeError, NotImplementedError),
    ) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise DataError(
            f"{where} cannot be read as a parquet, CSV or JSON table: {reason}. Fetch or export it again."
        ) from error


def write_parquet(frame: pl.DataFrame, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Writes a parquet file; that a disk is full is an OSError, as for every other file, and none of polars'.

    Args:
        frame: its columns.
        path: the file.
        metadata: texts that it carries.
    """
    content = BytesIO()
    frame.write_parquet(content, metadata=metadata)
    path.write_bytes(content.getbuffer())
