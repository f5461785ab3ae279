"""Entries: what a person imports as a table, by CSV or parquet, into an empty store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.recipes import Architecture, ImportRecipe, Measured
from predictornas.benchmarks.table import Benchmark
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201, to_string
from tests.fuzz.engine import Entry
from tests.fuzz.mutations import Mutate, any_of, mutated_numbers, with_pieces

ROWS = 30

_COLUMNS = (
    Measured("valid", Column.named(metric="accuracy", split="valid", epochs=12, run="0"), "percent"),
    Measured("test", Column.named(metric="accuracy", split="test", epochs=12, run="mean"), "percent"),
    Measured("size", Column.named(metric="parameters", nullable=True)),
)
_ROLES = {"signal": "valid_accuracy_12_run0", "evaluation": "test_accuracy_12_mean"}


def csv(folder: Path) -> Entry:
    """Strings of NAS-Bench-201."""
    table = _values(ROWS).insert_column(0, pl.Series("arch", _strings()))
    table.write_csv(folder / "table.csv")
    ways = any_of(mutated_numbers, with_pieces(b",", b'"', b"\n", b"arch", b"\xff", "\u00e4".encode()))
    return imported(
        folder, "table.csv", ways, ImportRecipe("nasbench201", Architecture(string="arch"), _COLUMNS, **_ROLES)
    )


def csv_matrices(folder: Path) -> Entry:
    """Matrices, operations and module hashes of NAS-Bench-101."""
    space, rng = NASBench101(), np.random.default_rng(0)
    genes = space.sample(12, rng)
    cells = [space.describe(row).split() for row in genes]
    table = _values(len(genes)).with_columns(
        adjacency=pl.Series([matrix.replace("/", "") for matrix, _ in cells]),
        operations=pl.Series([operations for _, operations in cells]),
        hash=pl.Series([digest.tobytes().hex() for digest in space.module_hashes(genes)]),
    )
    table.write_csv(folder / "table.csv")
    where = Architecture(hash="hash", adjacency="adjacency", operations="operations")
    ways = any_of(mutated_numbers, with_pieces(b"input,", b",output", b"1", b'"'))
    return imported(folder, "table.csv", ways, ImportRecipe("nasbench101", where, _COLUMNS, **_ROLES))


def parquet(folder: Path) -> Entry:
    """Strings of NAS-Bench-201, with columns that are not asked for."""
    lists = pl.Series("lists", [[row, row] for row in range(ROWS)])
    table = _values(ROWS).insert_column(0, pl.Series("arch", _strings())).with_columns(lists)
    table.write_parquet(folder / "table.parquet", compression="uncompressed", statistics=True)
    recipe = ImportRecipe("nasbench201", Architecture(string="arch"), _COLUMNS, **_ROLES)
    return imported(folder, "table.parquet", with_pieces(b"PAR1", b"lists", b"\xff\xff\xff\xff"), recipe)


def parquet_compressed(folder: Path) -> Entry:
    """The same, compressed, in several row groups."""
    table = _values(ROWS).insert_column(0, pl.Series("arch", _strings()))
    table.write_parquet(folder / "table.parquet", compression="zstd", row_group_size=10)
    recipe = ImportRecipe("nasbench201", Architecture(string="arch"), _COLUMNS, **_ROLES)
    return imported(folder, "table.parquet", with_pieces(b"PAR1", b"\xff\xff\xff\xff"), recipe)


def imported(
    folder: Path,
    file: str,
    mutate: Mutate,
    recipe: ImportRecipe | None,
    must_notice: Callable[[bytes], bool] = lambda content: False,
) -> Entry:
    """An entry whose files are imported into an empty store; a refused one must leave the store empty."""
    store = folder / "store"

    def read() -> Any:
        with at_home(PREDICTORNAS_DATA=store):
            return meaning_of(import_table("mine", folder / file, recipe=recipe))

    return Entry(
        file=folder / file,
        mutate=mutate,
        read=read,
        must_notice=must_notice,
        left_behind=lambda: [path.name for path in store.iterdir()] if store.exists() else [],
        clean_up=lambda: shutil.rmtree(store, ignore_errors=True),
    )


def meaning_of(table: Benchmark) -> Any:
    """Rows, values and roles of a table, whatever file they came from."""
    values = {name: (table.values(name).tobytes(), str(column)) for name, column in table.columns.items()}
    return table.genes.tobytes(), values, table.signal, table.evaluation, table.manifest["space"]


@contextmanager
def at_home(**places: Path) -> Iterator[None]:
    """Environment variables that say where the package keeps things."""
    before = {name: os.environ.get(name) for name in places}
    os.environ.update({name: str(place) for name, place in places.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _strings() -> list[str]:
    return [to_string(row) for row in NASBench201().enumerate()[:: 15_625 // ROWS][:ROWS]]


def _values(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    size = [None if row % 7 == 3 else int(rng.integers(10**6)) for row in range(rows)]
    return pl.DataFrame({"valid": (90 * rng.random(rows)).round(2), "test": 90 * rng.random(rows), "size": size})
