"""Tidy tables on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.files import writing_file

_WRITERS: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
    ".parquet": lambda table, path: table.write_parquet(path),
    ".csv": lambda table, path: table.write_csv(path, float_precision=6),
}


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Writes a tidy table as parquet or CSV, by the ending of `path`, atomically."""
    with writing_file(path) as temporary:
        _WRITERS[path.suffix](table, temporary)
