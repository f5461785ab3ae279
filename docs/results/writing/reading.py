"""Looks numbers up in the tidy tables: a row, or some rows, by the values of their columns."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

RESULTS = Path(__file__).parents[1]

VALUES = ("mean", "gain_db", "difference", "factor", "ours", "tau", "value")
"""The columns that hold what a row is about; a row has one of them."""


class LookupFailedError(Exception):
    """A template asks for a row that is not there, or that is not the only one."""


@cache
def csv(path: str) -> pl.DataFrame:
    """A table of the results, by its path below `docs/results`."""
    return pl.read_csv(RESULTS / path, infer_schema_length=None)


def rows(path: str, **where: Any) -> pl.DataFrame:
    """The rows of a table whose columns have the given values, in the order of the table.

    Args:
        path: as in `csv`.
        where: a value a column; of a list, any.
    """
    table = csv(path)
    for column, wanted in where.items():
        of = pl.col(column)
        table = table.filter(of.is_in(wanted) if isinstance(wanted, list) else of.eq_missing(pl.lit(wanted)))
    return table


def row(path: str, **where: Any) -> SimpleNamespace:
    """The only row of a table whose columns have the given values; each column is an attribute.

    Raises:
        LookupFailedError: none, or several.
    """
    found = rows(path, **where)
    if len(found) != 1:
        raise LookupFailedError(f"{path} has {len(found)} rows with {where}; a document quotes exactly one.")
    return SimpleNamespace(**found.row(0, named=True))


def value_of(thing: Any) -> float | None:
    """The number that a row is about; a number is its own."""
    if not isinstance(thing, SimpleNamespace):
        return None if thing is None else float(thing)
    held = [name for name in VALUES if hasattr(thing, name)]
    return None if getattr(thing, held[0]) is None else float(getattr(thing, held[0]))


def ends_of(thing: Any) -> tuple[float, float] | None:
    """The interval of a row; None for a number and where there is none."""
    low, high = getattr(thing, "low", None), getattr(thing, "high", None)
    return None if low is None or high is None else (float(low), float(high))
