"""A benchmark: measured columns over the architectures of a table, stored as a folder of mapped arrays."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, Shaped

from predictornas.benchmarks.column import Column, chosen_roles, column_entry, column_of_entry
from predictornas.benchmarks.layout import (
    COLUMNS,
    CURVES,
    GENES,
    KEYS,
    MANIFEST,
    SORTED_KEYS,
    SORTED_ROWS,
    check_table_name,
    file_of,
    read_manifest,
    sealed_manifest,
    verify_file,
    verify_file_once,
)
from predictornas.benchmarks.packed import PackedBenchmark
from predictornas.benchmarks.validation import checked_table
from predictornas.errors import (
    DataError,
    InvalidArchitectureError,
    StoreError,
    UnknownArchitectureError,
    UnknownNameError,
)
from predictornas.files import data_home, write_json, writing_folder
from predictornas.plain_help import PlainHelp
from predictornas.quantity import Quantities
from predictornas.reading import map_array
from predictornas.spaces.base import Genes, Keys, SearchSpace, lists_too, require_genes, require_members
from predictornas.spaces.registry import space_of_file
from predictornas.spaces.restricted import part_of

__all__ = ["Benchmark", "Column", "write_benchmark"]

_KINDS = {GENES: (np.int8,), KEYS: (np.uint64,), SORTED_KEYS: (np.uint64,), SORTED_ROWS: (np.int64,)}


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark(metaclass=PlainHelp):
    """A table of what was measured; open one with `Benchmark.open` or `open_benchmark`.

    Arrays are verified and mapped from disk when first used, and read-only. Copies sent to other processes map the
    same files.

    Example:
        >>> from predictornas import open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> table.space.name, table.genes.shape
        ('nasbench101', (2532, 26))
        >>> f"{table.values(table.signal).max():.3f}"
        '0.753'

    Attributes:
        folder: where the table lies.
        manifest: schema version, name, space, rows, columns, source, licence, size and sha256 of every file.
        signal: the column that drives a search.
        evaluation: the column that judges it: no training run of the signal on the same split, or the signal itself
            where there is one measurement an architecture.
    """

    folder: Path
    manifest: Mapping[str, Any]
    signal: str
    evaluation: str
    _mapped: dict[str, np.ndarray] = field(default_factory=dict, init=False)

    @classmethod
    def open(cls, folder: Path) -> Benchmark:
        """Opens a folder that `write_benchmark` wrote, after checking its schema, and that all files are complete.

        Raises:
            StoreError: a missing or unreadable manifest, another schema version, a missing file or one of another
                size, or keys that are not those of this version's space.
            UnknownNameError: its search space is not registered.
        """
        manifest = read_manifest(folder)
        table = cls(folder, manifest, manifest["signal"], manifest["evaluation"] or manifest["signal"])
        try:
            known = space_of_file(manifest["space"]).keys(np.array(table.genes[:1]))
        except InvalidArchitectureError as error:
            raise StoreError(f"{folder} holds architectures of another space ({error}). Import it again.") from error
        if (known != table.keys[:1]).any():
            raise StoreError(
                f"{folder} was written with other keys for its architectures. Import {table.name!r} again."
            )
        return table

    def verify(self) -> None:
        """Checks the sha256 of every file.

        Raises:
            StoreError: a file that was altered since it was written.
        """
        for name, facts in self.manifest["files"].items():
            verify_file(self.folder / name, facts["sha256"])

    def __len__(self) -> int:
        return int(self.manifest["rows"])

    def __repr__(self) -> str:
        return f"Benchmark({self.name!r}, {len(self)} rows, signal={self.signal!r}, evaluation={self.evaluation!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.manifest, self.signal, self.evaluation)

    @property
    def name(self) -> str:
        """The name under which the table was imported."""
        return str(self.manifest["name"])

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Every column by its name, in the order of the source."""
        return {entry["name"]: column_of_entry(entry) for entry in self.manifest["columns"]}

    @property
    def genes(self) -> Genes:
        """`(n, g)` architectures in row order, read-only."""
        return self._array(GENES)

    @property
    def keys(self) -> Keys:
        """`(n,)` keys in row order, read-only."""
        return self._array(KEYS)

    @cached_property
    def space(self) -> SearchSpace:
        """The architectures that have a signal: the whole registered space, or the part of it in this table.

        Raises:
            DataError: none has one.
        """
        whole = space_of_file(self.manifest["space"])
        genes, keys = self.genes, self.keys
        if self.column(self.signal).nullable:
            measured = ~np.isnan(self.values(self.signal))
            if not measured.any():
                raise DataError(f"{self.signal!r} has no value in any row of {self.name!r}; choose another signal.")
            genes, keys = genes[measured], keys[measured]
        return part_of(whole, genes, keys)

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            UnknownNameError: there is none; names the nearest.
        """
        if name not in self.columns:
            raise UnknownNameError("column", name, self.columns)
        return self.columns[name]

    def values(self, column: str) -> Float[np.ndarray, " n"]:
        """One column in row order, read-only; NaN where a nullable column has no value.

        Raises:
            UnknownNameError: there is no such column.
        """
        return self._array(file_of(self.column(column)))

    def costs(self, column: str) -> Float[np.ndarray, " n"]:
        """What analysis sees of a column of the whole table, in row order, float64, the lower the better.

        1 - accuracy of an accuracy, the value itself where lower is better, its negative of any other column.

        Raises:
            UnknownNameError: there is no such column.
            ConfigurationError: the column has no direction.
        """
        return self.column(column).costs(self.values(column))

    @property
    def quantities(self) -> Quantities:
        """How costs of the signal and of the evaluation are named and written."""
        return Quantities(self.column(self.signal).quantity, self.column(self.evaluation).quantity)

    @property
    def shares_noise(self) -> bool:
        """Whether the evaluation rewards the noise that a search chooses, as with one measurement an architecture."""
        return self.column(self.signal).shares_noise_with(self.column(self.evaluation))

    def rows(self, keys: Keys) -> Int64[np.ndarray, " m"]:
        """The row of each key, -1 where the table has none."""
        known = self._array(SORTED_KEYS)
        place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        rows = self._array(SORTED_ROWS)[place]
        return np.asarray(np.where(known[place] == keys, rows, -1))

    @lists_too
    def lookup(self, genes: Genes, column: str) -> Float[np.ndarray, " m"]:
        """Values of these architectures, float64; NaN where a nullable column has no value.

        Raises:
            InvalidArchitectureError: genes that are no architecture of the table's space; names row, gene and range.
            UnknownArchitectureError: an architecture without a row; names the first.
            UnknownNameError: there is no such column.
        """
        values = self.values(column)
        space = space_of_file(self.manifest["space"])
        rows = self.rows(space.keys(require_members(space, genes)))
        if (rows < 0).any():
            first = int((rows < 0).argmax())
            raise UnknownArchitectureError(
                f"{self.name!r} has no row for architecture {first} of {len(genes)}, {space.describe(genes[first])}. "
                "Propose only architectures of the benchmark's own space."
            )
        return np.asarray(values[rows], np.float64)

    def with_columns(self, signal: str | None = None, evaluation: str | None = None) -> Benchmark:
        """The same table with another signal or evaluation; None keeps the present one.

        Where the signal is its own judge, another signal becomes that too. Elsewhere one column is both only where it
        is named twice.

        Raises:
            UnknownNameError: there is no such column.
            ConfigurationError: a column without a direction, or both share a training run on the same split (the mean
                of all runs shares that of run 0; "rest" does not).
        """
        signal, evaluation = chosen_roles(self.columns, (self.signal, self.evaluation), signal, evaluation)
        return replace(self, signal=signal, evaluation=evaluation)

    def packed(self) -> PackedBenchmark[Benchmark]:
        """What clusters send to machines in the place of this table: see `predictornas.executors.luggage`."""
        return PackedBenchmark(self.folder, self.manifest, self.signal, self.evaluation, type(self).open)

    def _array(self, file: str) -> Shaped[np.ndarray, "n ..."]:
        if file not in self._mapped:
            path, remedy = self.folder / file, f"Import {self.name!r} again."
            verify_file_once(path, self.manifest["files"][file]["sha256"])
            array = map_array(path, error=StoreError, remedy=remedy)
            kinds = _KINDS.get(file, (np.float32, np.float64))
            if array.dtype not in kinds or array.ndim != 1 + (file == GENES) or len(array) != len(self):
                raise StoreError(f"{path} has {array.dtype} in the shape {array.shape}, {len(self)} rows. {remedy}")
            self._mapped[file] = array
        return self._mapped[file]


def write_benchmark(
    folder: Path,
    *,
    name: str,
    space: SearchSpace,
    genes: Genes,
    columns: Mapping[Column, Shaped[np.ndarray, " n"]],
    signal: str,
    evaluation: str | None,
    source: Mapping[str, Any],
    licence: str,
    curves: tuple[Path, Mapping[str, Any]] | None = None,
) -> Benchmark:
    """Checks a table and writes it as one folder; on any error nothing is left behind and an older folder stays.

    Args:
        folder: where the benchmark will lie.
        name: the name of the benchmark.
        space: a registered space (not a restricted one).
        genes: `(n, g)` valid rows, each architecture once.
        columns: `(n,)` values of each column; accuracies as fractions, NaN only in nullable columns.
        signal: name of the column that drives a search; it has a direction.
        evaluation: name of the column that judges it; the signal, or None, where there is one measurement an
            architecture.
        source: what the values come from (file or package, sha256); must be JSON.
        licence: licence of the values.
        curves: a folder of further arrays, moved into the table, and what they are.

    Raises:
        DataError: rows or values that break these rules; names column, row, architecture and value.
        UnknownNameError: `signal` or `evaluation` is no column.
        ConfigurationError: `signal` and `evaluation` share a training run on the same split, a name that cannot be, or
            a space that is not registered.
        InvalidArchitectureError: genes that are no rows of whole numbers.
        StoreError: the folder cannot be written or the disk is full.
    """
    if folder.parent.resolve() == data_home().resolve():  # where tables are opened by the names of their folders
        check_table_name(folder.name)
    if not (isinstance(genes, np.ndarray) and genes.dtype == np.int8 and genes.ndim == 2):
        genes = require_genes(space, genes)
    keys, order, checked = checked_table(space, genes, columns, signal, evaluation)
    with writing_folder(folder) as temporary:
        for file, rows in {GENES: genes, KEYS: keys, SORTED_KEYS: keys[order], SORTED_ROWS: order}.items():
            np.save(temporary / file, rows)
        (temporary / COLUMNS).mkdir()
        for column, stored in checked:  # one after the other, so that only one is held as it is stored
            np.save(temporary / file_of(column), stored)
        entries = {
            "name": name,
            "space": space.name,
            "rows": len(genes),
            "signal": signal,
            "evaluation": evaluation or signal,
            "columns": [column_entry(column) for column in columns],
            "source": dict(source),
            "licence": licence,
            "predictornas": version("predictornas"),
        }
        if curves is not None:
            shutil.move(curves[0], temporary / CURVES)
            entries[CURVES] = dict(curves[1])
        write_json(temporary / MANIFEST, sealed_manifest(temporary, entries))
    return Benchmark.open(folder)
