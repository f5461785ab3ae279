"""How far the columns of a table agree on the order of architectures: between seeds, lengths, splits and tables."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import DataError
from predictornas.studies.gain.study import data_fingerprint
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
from predictornas.studies.folder import take, write_manifest

KIND = "agreement"

FEWEST = 3
"""Architectures from which an order is compared."""


def agreement(name: str, beside: str | None = None) -> pl.DataFrame:
    """Kendall's tau-b between every two accuracies of single trainings in a table, and the signal and the evaluation.

    Other means of runs are left out: they share their noise with the runs that they are made of.

    Args:
        name: of a table.
        beside: of another table of the same space, whose signal and evaluation are compared too.

    Returns:
        `first` and `second` (columns; those of the other table as `TABLE: COLUMN`), `tau`, `architectures` (that have
        both), one row for each unordered pair, a column with itself included.

    Raises:
        UnknownNameError, DataError: as in `open_benchmark`.
        DataError: tables of two spaces, or that share fewer than 3 architectures.
    """
    table = open_benchmark(name)
    keys, columns = table.keys, _columns(table)
    if beside is not None:
        other = open_benchmark(beside)
        keys = _shared(table, other)
        columns |= _other_columns(other, keys)
    own = table.rows(keys)
    values = {label: column[own] if len(column) == len(table) else column for label, column in columns.items()}
    rows = [_compared(values, pair) for pair in combinations_with_replacement(values, 2)]
    return pl.DataFrame(rows)


def write_agreement(name: str, beside: str | None, folder: Path, pictures: Pictures | None = None) -> pl.DataFrame:
    """Writes `agreement.csv`, the figure `agreement` and `manifest.json` into a folder, and gives the table back.

    Args:
        name: as in `agreement`.
        beside: as in `agreement`.
        folder: where to.
        pictures: formats and style of the figures.

    Raises:
        UnknownNameError, DataError: as in `agreement`.
        StoreError: the folder cannot be written.
    """
    sums = {table: data_fingerprint(open_benchmark(table)) for table in (name, beside) if table is not None}
    take(folder, KIND)
    table = agreement(name, beside)
    write_table(folder / "agreement.csv", table)
    save_figures(folder, lambda: {"agreement": _figure(table, name)}, pictures)
    write_manifest(folder, KIND, {"tables_sha256": sums, "made_with": surroundings()})
    return table


def _figure(table: pl.DataFrame, name: str) -> Figure:
    from predictornas.plots.agreement import draw_agreement

    shared = int(table["architectures"].max())  # type: ignore[arg-type]
    return draw_agreement(
        table,
        title=f"Agreement of the accuracies of {name}",
        caption=f"Kendall's tau-b over {shared:,} architectures: 1 is the same order, 0 is none in common.",
    )


def _columns(table: Benchmark) -> dict[str, np.ndarray]:
    single = [c.name for c in table.columns.values() if c.is_accuracy and (c.run is None or c.run.isdigit())]
    names = dict.fromkeys([*single, table.signal, *filter(None, [table.evaluation])])
    return {name: np.asarray(table.values(name), np.float64) for name in names}


def _other_columns(other: Benchmark, keys: np.ndarray) -> dict[str, np.ndarray]:
    rows = other.rows(keys)
    names = dict.fromkeys(filter(None, [other.signal, other.evaluation]))
    return {f"{other.name}: {name}": np.asarray(other.values(name), np.float64)[rows] for name in names}


def _shared(table: Benchmark, other: Benchmark) -> np.ndarray:
    """The keys that both tables have, in the order of the first."""
    if table.manifest["space"] != other.manifest["space"]:
        raise DataError(
            f"{table.name!r} is a table of {table.manifest['space']} and {other.name!r} of {other.manifest['space']}: "
            "they share no architectures. Choose a table of the same space."
        )
    keys = table.keys[np.isin(table.keys, other.keys)]
    if len(keys) < FEWEST:
        raise DataError(f"{table.name!r} and {other.name!r} share {len(keys)} architectures; an order needs {FEWEST}.")
    return keys


def _compared(values: dict[str, np.ndarray], pair: tuple[str, str]) -> dict[str, object]:
    first, second = (values[label] for label in pair)
    both = np.isfinite(first) & np.isfinite(second)
    tau = float(kendalltau(first[both], second[both]).statistic)
    return {
        "first": pair[0],
        "second": pair[1],
        "tau": None if np.isnan(tau) else tau,
        "architectures": int(both.sum()),
    }
