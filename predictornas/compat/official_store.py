"""What the drop-ins for `nas_201_api` and `nats_bench` read: the tables that one official file was imported into."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.known_benchmarks import CATALOG, OFFICIAL_TABLES
from predictornas.benchmarks.layout import CURVES
from predictornas.benchmarks.official201.curves import OfficialCurves
from predictornas.benchmarks.official201.importing import reading_tables
from predictornas.benchmarks.official201.states import DATASETS
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, DataError, PredictorNASError, StoreError, UnknownNameError
from predictornas.files import cache_home, remove_leftovers, scratch_folder, writing_folder
from predictornas.spaces.nasbench201 import to_string

_READER = 1  # counted up when the same file is read differently


class OfficialQueryError(PredictorNASError, ValueError, KeyError, AssertionError):
    """A question that the table does not answer; of every kind that the official packages raise for one."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class OfficialStore:
    """The data sets of one official file, by the official names and indexes.

    Args:
        tables: by the official name of the data set.

    Attributes:
        names: the architecture of each official index, trained or not.
        index_of: the official index of each.
        evaluated: official indexes of those that were trained, ascending.
        trainings: epochs of each training by its official name, the shortest first.
    """

    def __init__(self, tables: Mapping[str, Benchmark]) -> None:
        self._curves = {name: OfficialCurves(tables[name]) for name in DATASETS if name in tables}
        self._mapped: dict[tuple[str, str, str, str, int], Shaped[np.ndarray, "n k"] | None] = {}
        first = next(iter(self._curves.values()))
        self.space = str(first.table.manifest["space"])
        genes = np.asarray(first.architectures)
        if self.space == "nasbench201":
            self.names = [to_string(row) for row in genes]
        else:
            self.names = [":".join(str(8 * (gene + 1)) for gene in row) for row in genes.tolist()]
        self.index_of = {name: index for index, name in enumerate(self.names)}
        self._rows: dict[str, dict[int, int]] = {
            name: {index: row for row, index in enumerate(curves.official.tolist())}
            for name, curves in self._curves.items()
        }
        self._sets = {
            (name, training): curves.sets(training)
            for name, curves in self._curves.items()
            for training in curves.trainings
        }
        self.evaluated = sorted(set().union(*self._rows.values()))
        lengths = {name: epochs for curves in self._curves.values() for name, epochs in curves.trainings.items()}
        self.trainings = dict(sorted(lengths.items(), key=lambda entry: entry[1]))

    def __reduce__(self) -> tuple[Any, ...]:
        # the tables are opened anew where the copy is: what is mapped here would be gigabytes
        return type(self), ({name: curves.table for name, curves in self._curves.items()},)

    @property
    def datasets(self) -> list[str]:
        """The official names of the data sets that there are."""
        return list(self._curves)

    def epochs(self, training: str) -> int:
        """The length of a training."""
        return self.trainings[training]

    def sets(self, dataset: str, training: str) -> list[str]:
        """What networks were evaluated on, in the order of the file."""
        return self._sets.get((dataset, training), [])

    def seeds(self, dataset: str, training: str, index: int) -> list[int]:
        """Seeds that an architecture was trained with, ascending."""
        row = self._row(dataset, index)
        return [] if row is None else [seed for seed, there in self._trained(dataset, training).items() if there[row]]

    def costs(self, dataset: str, training: str, seed: int, index: int) -> list[float]:
        """MFLOPs, millions of parameters and seconds of latency as noted for this seed; NaN where not."""
        row = self._present_row(dataset, index)
        values: list[float] = self._costs[dataset, training, seed][row].tolist()
        return values

    def curve(
        self, measure: str, name: str, dataset: str, training: str, seed: int, index: int
    ) -> Float[np.ndarray, " epochs"] | None:
        """One kind of curve of one training, NaN at epochs where it is not known; None where it is known at none."""
        stored = self._stored(measure, name, dataset, training, seed)
        if stored is None:
            return None
        values: Float[np.ndarray, " k"] = stored[self._present_row(dataset, index)]
        if np.isnan(values).all():
            return None
        epochs = self.epochs(training)
        if len(values) == epochs:
            return values
        if self._curves[dataset].kept(measure, name, training, seed) == "same":
            return np.broadcast_to(values, epochs)
        return np.concatenate([np.full(epochs - 1, np.nan), values])

    def column(
        self, what: str, name: str, dataset: str, training: str
    ) -> dict[int, tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]]:
        """By seed the last values of all rows ("flops" and "parameters" too), and which rows were trained with it."""
        found = {}
        for seed, there in self._trained(dataset, training).items():
            if what in ("flops", "parameters"):
                values = self._costs[dataset, training, seed][:, ("flops", "parameters").index(what)]
            else:
                stored = self._stored(what, name, dataset, training, seed)
                values = np.full(len(there), np.nan) if stored is None else np.asarray(stored[:, -1])
            found[seed] = values, there
        return found

    def official_indexes(self, dataset: str) -> Int64[np.ndarray, " n"]:
        """`(n,)` the official index of each row of a data set."""
        return np.asarray(self._curves[dataset].official)

    def _row(self, dataset: str, index: int) -> int | None:
        return self._rows[dataset].get(index) if dataset in self._rows else None

    def _present_row(self, dataset: str, index: int) -> int:
        row = self._row(dataset, index)
        if row is None:
            raise OfficialQueryError(f"Architecture {index} was not trained on {dataset!r}.")
        return row

    def _trained(self, dataset: str, training: str) -> dict[int, Bool[np.ndarray, " n"]]:
        return {seed: there for (name, kind, seed), there in self._there.items() if (name, kind) == (dataset, training)}

    @cached_property
    def _there(self) -> dict[tuple[str, str, int], Bool[np.ndarray, " n"]]:
        return {key: self._curves[key[0]].trained(*key[1:]) for key in self._trained_keys}

    @cached_property
    def _costs(self) -> dict[tuple[str, str, int], Float[np.ndarray, "n 3"]]:
        return {key: np.asarray(self._curves[key[0]].costs(*key[1:])) for key in self._trained_keys}

    @cached_property
    def _trained_keys(self) -> list[tuple[str, str, int]]:
        return [
            (dataset, training, seed)
            for dataset, curves in self._curves.items()
            for training in curves.trainings
            for seed in curves.seeds(training)
        ]

    def _stored(
        self, measure: str, name: str, dataset: str, training: str, seed: int
    ) -> Shaped[np.ndarray, "n k"] | None:
        """The array as it lies, kept open: a number for all epochs, for the last, or one for each."""
        key = (measure, name, dataset, training, seed)
        if name not in ("train", *self.sets(dataset, training)):
            return None
        if key not in self._mapped:
            stored = self._curves[dataset].stored(measure, name, training, seed)
            self._mapped[key] = None if stored is None else np.asarray(stored)
        return self._mapped[key]


def opened(source: str | os.PathLike[str], space: str) -> tuple[OfficialStore, str]:
    """The tables of an official file (imported into the cache at the first opening) or of a name in the store.

    Args:
        source: `.pth`, `.pickle.pbz2`, a `-simple` folder, the name that one was imported under, or that of one of the
            tables it was imported into.
        space: "nasbench201" or "natsbench-size".

    Returns:
        The store, and the name of the file or of the tables.

    Raises:
        DataError: the file breaks its form, there is neither a file nor a table of this name, or the tables that begin
            like it are of two files.
        ConfigurationError: it holds the other space.
    """
    path = Path(source)
    if path.exists():
        store = OfficialStore(_imported(path))
        name = path.name
    else:
        store = OfficialStore(_named(str(source)))
        name = str(source)
    if store.space != space:
        raise ConfigurationError(f"{name!r} holds architectures of {store.space}, not of {space}. Give another file.")
    return store, name


def _named(name: str) -> dict[str, Benchmark]:
    prefix, _ = OFFICIAL_TABLES.get(name, (name, ""))
    found = _beginning_with(prefix)
    if not found and (name in CATALOG or name in stored_names()):
        found = _beginning_with(_prefix_of_table(name))
    if not found:
        raise DataError(
            f"There is no file {name!r}, and no table of an official file whose name begins like it. Import one: "
            "predictornas data import nasbench201 FILE (or natsbench-size FILE), or give the path of the official file."
        )
    first, *others = found.values()
    for other in others:
        if other.manifest["source"]["sha256"] != first.manifest["source"]["sha256"]:
            raise DataError(
                f"The tables {first.name!r} and {other.name!r} are of two files, {first.manifest['source']['file']!r} "
                f"and {other.manifest['source']['file']!r}. Remove those of one of them (predictornas data remove "
                "NAME), and import the other whole."
            )
    return found


def _beginning_with(prefix: str) -> dict[str, Benchmark]:
    """The stored tables of official files, by the official name of their data set."""
    there = set(stored_names())
    names = {dataset: f"{prefix}-{dataset.lower()}" for dataset in DATASETS}
    tables = {dataset: open_benchmark(name) for dataset, name in names.items() if name in there}
    return {dataset: table for dataset, table in tables.items() if CURVES in table.manifest}


def _prefix_of_table(name: str) -> str:
    """What the names of all tables of a file begin with, from the name of one.

    Raises:
        DataError: it was not imported from an official file, or not yet.
    """
    is_official = any(name.startswith(f"{prefix}-") for prefix, _ in OFFICIAL_TABLES.values())
    if name in stored_names() or is_official:
        is_official = CURVES in open_benchmark(name).manifest  # says how to import one that is not there yet
    if not is_official:
        raise DataError(
            f"The table {name!r} holds single values of each architecture. This interface answers from every epoch, "
            "seed and cost of an official file, which it lacks. Import one: predictornas data import nasbench201 FILE, "
            "then open 'nasbench201'; or give the path of the official file."
        )
    return next(
        name.removesuffix(f"-{dataset.lower()}") for dataset in DATASETS if name.endswith(f"-{dataset.lower()}")
    )


def _imported(path: Path) -> dict[str, Benchmark]:
    folder = cache_home() / "official-files" / _facts(path)
    try:
        return _tables(folder)
    except (StoreError, UnknownNameError):
        pass
    remove_leftovers(folder.parent)
    with (
        writing_folder(folder) as temporary,
        scratch_folder(cache_home()) as scratch,
        reading_tables(path, scratch, epochs=()) as tables,
    ):
        for dataset, table in tables:
            table.stored(temporary / dataset, f"{path.name}, {dataset}")
    return _tables(folder)


def _tables(folder: Path) -> dict[str, Benchmark]:
    found = {name: folder / name.lower() for name in DATASETS if (folder / name.lower()).is_dir()}
    if not found:
        raise StoreError(f"{folder} holds no tables. Import the file again.")
    return {name: Benchmark.open(where) for name, where in found.items()}


def _facts(path: Path) -> str:
    """The same file, or folder of files, as far as that can be told without reading gigabytes."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts: list[Any] = [str(path.resolve()), _READER]
    for file in files:
        status = file.stat()
        facts.append([file.name, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
