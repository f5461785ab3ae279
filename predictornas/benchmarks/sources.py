"""Reads a file that a person gives us, by its content: TFRecord, parquet, CSV, JSON; of pickles a published one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from predictornas.benchmarks.column import Column, said
from predictornas.benchmarks.recipes import ImportRecipe
from predictornas.errors import DataError
from predictornas.files import name_of, sha256_of
from predictornas.spaces.base import Genes

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

_PICKLE_SUFFIXES = {".pkl", ".pickle", ".pt", ".pth"}
_PICKLE_START = b"\x80"  # the opcode PROTO, first in every pickle of protocol 2 or later


@dataclass(frozen=True)
class Content:
    """What a file holds, ready for `write_benchmark`.

    Attributes:
        space: name of the search space.
        genes: `(n, g)`.
        columns: `(n,)` values of each column.
        signal: default signal.
        evaluation: default evaluation; None where the signal is its own judge.
        source: file names, their sha256, and the recipe.
        licence: licence of the values.
    """

    space: str
    genes: Genes
    columns: Mapping[Column, Shaped[np.ndarray, " n"]]
    signal: str
    evaluation: str | None
    source: Mapping[str, Any]
    licence: str


def is_tfrecord(file: Path) -> bool:
    """Whether a file is a TFRecord, by its suffix or its start: the length of a first record that the file can hold.

    Read as such a number, the first eight bytes of text, of parquet or of a pickle exceed the size of any file.

    Raises:
        DataError: there is no such file.
    """
    if file.suffix == ".tfrecord":
        return True
    length = int.from_bytes(_start(file, 8), "little")
    return 0 < length <= file.stat().st_size - 16


def is_pickle(file: Path) -> bool:
    """Whether a file is a pickle, by its suffix or its start.

    Raises:
        DataError: there is no such file.
    """
    return file.suffix.lower() in _PICKLE_SUFFIXES or (_start(file, 1) == _PICKLE_START and not is_tfrecord(file))


def refuse_pickle(file: Path) -> None:
    """Raises DataError for a pickle: loading one runs whatever code it holds."""
    if is_pickle(file):
        raise DataError(
            f"{file} is a pickle, and loading a pickle may run any code it holds; it is never loaded. "
            "Export the table as parquet or CSV and import that. An official file of NAS-Bench-201 or NATS-Bench is "
            "read without loading it: predictornas data import nasbench201 FILE; HW-NAS-Bench-v1_0.pickle likewise: "
            "predictornas data import nasbench201-hw-cifar10 FILE."
        )


def read_tfrecord_source(file: Path, progress: Progress | None) -> Content:
    """Reads an official NAS-Bench-101 file; validation of run 0 is the signal, the mean test accuracy judges it.

    Raises:
        DataError: a record that breaks the format; names the record and the byte.
    """
    from predictornas.benchmarks.nasbench101.importing import LICENCE, default_roles, read_tfrecord

    genes, columns, source = read_tfrecord(file, progress=progress)
    signal, evaluation = default_roles(columns)
    return Content(
        space="nasbench101",
        genes=genes,
        columns=columns,
        signal=signal,
        evaluation=evaluation,
        source=source,
        licence=LICENCE,
    )


def read_hardware_source(name: str, file: Path, recipe: ImportRecipe) -> Content:
    """Reads a data set of HW-NAS-Bench's pickle, with the validation accuracies that come with an installed package.

    Args:
        name: of the table, one of `predictornas.benchmarks.hardware.DATASETS`.
        file: the pickle.
        recipe: what its columns mean; what it joins is not looked at.

    Raises:
        DataError: the file cannot be read or is another one.
        MissingDependencyError: the package with the accuracies is not installed.
    """
    import polars as pl

    from predictornas.benchmarks.hardware import DATASETS, read_hardware
    from predictornas.benchmarks.nasbench201 import LICENCE, read_offline
    from predictornas.benchmarks.tabular import joined, table_of

    dataset = DATASETS[name]
    genes, columns = table_of(pl.DataFrame(read_hardware(file, dataset)), recipe)
    cells, accuracies, origin = read_offline(dataset.lower())
    both = columns | joined(origin["file"], recipe.space, genes, columns, (cells, accuracies))
    source = {"file": name_of(file), "sha256": sha256_of(file), "joined": origin}
    licence = f"MIT (HW-NAS-Bench); {LICENCE}"
    return Content(recipe.space, genes, both, "valid_accuracy_200_run0", "valid_accuracy_200_rest", source, licence)


def read_tabular_source(file: Path, recipe: ImportRecipe, join: Path | None) -> Content:
    """Reads a parquet, CSV or JSON file, and the one that it is joined with.

    Raises:
        DataError: a file that cannot be read, lacks columns or holds values that cannot be understood.
        ConfigurationError: `join` does not go with the recipe.
    """
    from predictornas.benchmarks.tabular import read_table

    genes, columns = read_table(file, recipe, join=join)
    source: dict[str, Any] = {"file": name_of(file), "sha256": sha256_of(file)}
    source["recipe"] = asdict(recipe, dict_factory=said)
    if join is not None:
        source["joined"] = {"file": name_of(join), "sha256": sha256_of(join)}
    return Content(recipe.space, genes, columns, recipe.signal, recipe.evaluation, source, recipe.licence)


def _start(file: Path, count: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}. Give the path of a file.") from error
