"""Tidy tables on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from predictornas.files import writing_file


def _write_csv(table: pl.DataFrame, path: Path) -> None:
    """Every float with the fewest digits that read back as the same float64: a rounded target is another target."""
    table.with_columns(cs.float().cast(pl.Float64)).write_csv(path)


_WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".parquet": lambda table, path: table.write_parquet(path),
    ".csv": _write_csv,
}


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Writes a tidy table as parquet or CSV, by the ending of `path`, atomically; it reads back exactly."""
    with writing_file(path) as temporary:
        _WRITERS[path.suffix](table, temporary)
