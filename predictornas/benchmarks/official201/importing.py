"""One official file of NAS-Bench-201 or NATS-Bench becomes a table for each of its data sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.benchmarks.layout import CURVES
from predictornas.benchmarks.official201.columns import (
    LADDER,
    Columns,
    OfficialCurve,
    columns_of,
    cost_columns,
    means_of,
    runs_of,
)
from predictornas.benchmarks.official201.curve_files import MOST_ARCHITECTURES, CurveFiles
from predictornas.benchmarks.official201.curves import ARCHITECTURES, file_of_costs, file_of_curve, spread
from predictornas.benchmarks.official201.simple_folder import is_simple_folder, read_folder
from predictornas.benchmarks.official201.states import DATASETS, Trained, read_state
from predictornas.benchmarks.official201.streams import Progress, read_official
from predictornas.benchmarks.protocols import PROTOCOLS
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import DataError, InvalidArchitectureError
from predictornas.files import name_of, sha256_of
from predictornas.spaces.base import Genes
from predictornas.spaces.nasbench201 import from_strings
from predictornas.spaces.registry import get_space

LICENCE = "MIT (NAS-Bench-201, Dong and Yang 2020; NATS-Bench, Dong et al. 2021)"

_LAYERS, _WIDTHS = 5, {str(8 * (gene + 1)) for gene in range(8)}
_SUFFIXES = (".pth", ".pbz2")


@dataclass(frozen=True)
class OfficialTable:
    """One data set of an official file, ready for `write_benchmark`.

    Attributes:
        space: name of the search space.
        genes: `(n, g)` the architectures trained on it, in the official order.
        columns: their values.
        signal: default signal.
        evaluation: default evaluation; None where the file has nothing that may judge the signal.
        source: the file, its sha256, the protocol, and whether there are learning curves.
        curves: the folder with every epoch, and what is in it.
    """

    space: str
    genes: Genes
    columns: Columns
    signal: str
    evaluation: str | None
    source: dict[str, Any]
    curves: tuple[Path, dict[str, Any]]

    def stored(self, folder: Path, name: str) -> Benchmark:
        """Writes it as a benchmark of this name; raises as `write_benchmark`."""
        return write_benchmark(
            folder,
            name=name,
            space=get_space(self.space),
            genes=self.genes,
            columns=self.columns,
            signal=self.signal,
            evaluation=self.evaluation,
            source=self.source,
            licence=LICENCE,
            curves=self.curves,
        )


def is_official(path: Path) -> bool:
    """Whether a path looks like an official file or folder of NAS-Bench-201 or NATS-Bench."""
    return path.suffix in _SUFFIXES or path.is_dir()


@contextmanager
def reading_tables(
    path: Path, scratch: Path, *, epochs: Sequence[int] | None = LADDER, progress: Progress | None = None
) -> Iterator[Iterator[tuple[str, OfficialTable]]]:
    """Reads an official file or folder whole, then yields the table of each of its data sets.

    Args:
        path: `.pth`, `.pickle.pbz2`, or a `-simple` folder.
        scratch: an empty folder for the curves, on the file system of the store.
        epochs: which epochs become columns, in addition to the last of each training; None for all.
        progress: told how much is read, and of how much.

    Raises:
        DataError: the file cannot be read, is torn, or holds anything but results of the official form.
    """
    with ExitStack() as open_files:
        reader = _Reader(scratch, open_files)
        content, source = _read(path, reader, progress)
        yield reader.tables(path, content, source, epochs)


def _read(path: Path, reader: _Reader, progress: Progress | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if path.is_dir():
        if not is_simple_folder(path):
            raise DataError(f"{path} has no meta.pickle.pbz2. Give a file, or a -simple folder of NATS-Bench.")
        content, digest = read_folder(path, reader.take, progress)
        return content, {"file": name_of(path), "sha256": digest}
    with ThreadPoolExecutor(1) as other_thread:
        checksum = other_thread.submit(sha256_of, path)
        content = read_official(path, lambda index, state: reader.take(index, read_state(state)), progress)
        return content, {"file": name_of(path), "sha256": checksum.result()}


class _Reader:
    """Takes in architectures one by one, and makes tables of them at the end."""

    def __init__(self, scratch: Path, open_files: ExitStack) -> None:
        self._scratch = scratch
        self._open_files = open_files
        self._names: dict[int, str] = {}
        self._files: dict[str, CurveFiles] = {}

    def take(self, index: int, trained: Trained) -> None:
        if type(index) is not int or not 0 <= index < MOST_ARCHITECTURES:
            raise DataError(f"an architecture under the index {str(index)[:40]}")
        if index in self._names:
            raise DataError(f"the architecture {index} twice")
        self._names[index] = trained.name
        for trial in trained.trials:
            if trial.dataset not in self._files:
                files = self._files[trial.dataset] = CurveFiles(self._scratch / trial.dataset)
                self._open_files.callback(files.close)
            self._files[trial.dataset].put(index, trial)

    def tables(
        self, path: Path, content: Mapping[str, Any], source: dict[str, Any], epochs: Sequence[int] | None
    ) -> Iterator[tuple[str, OfficialTable]]:
        names = _checked_names(path, content.get("meta_archs"), self._names)
        if not self._files:
            raise DataError(f"{path} holds no training of any architecture. Give an official file.")
        space = "natsbench-size" if ":" in names[0] else "nasbench201"
        genes = _genes(space, names)
        for dataset in DATASETS:
            if dataset in self._files:
                files, name = self._files[dataset], dataset.lower()
                places = files.places()
                entry = files.finish(places)
                folder = self._scratch / dataset
                np.save(folder / ARCHITECTURES, genes)
                columns = _columns(folder, entry, dataset, epochs)
                signal, evaluation = _roles(columns)
                learning = _has_curves(columns)
                facts = {**source, "dataset": name, "protocol": PROTOCOLS[name], "learning_curves": learning}
                facts["columns_at_epochs"] = "all" if epochs is None else sorted(set(epochs))
                curves = folder / CURVES, entry
                yield name, OfficialTable(space, genes[places], columns, signal, evaluation, facts, curves)


def _genes(space: str, names: list[str]) -> Genes:
    try:
        return from_strings(names) if space == "nasbench201" else _size_genes(names)
    except InvalidArchitectureError as error:
        raise DataError(f"a name in 'meta_archs' is no architecture: {error}") from error


def _size_genes(names: list[str]) -> Genes:
    """Widths of 8 to 64 channels in five layers, `8:16:24:32:64`, as genes 0 to 7."""
    rows = [name.split(":") for name in names]
    wrong = [name for name, row in zip(names, rows, strict=True) if len(row) != _LAYERS or not _WIDTHS.issuperset(row)]
    if wrong:
        raise DataError(f"{wrong[0][:80]!r} in 'meta_archs' is no architecture of the size space, like 8:16:24:32:64")
    return np.array([[int(width) // 8 - 1 for width in row] for row in rows], np.int8)


def _checked_names(path: Path, names: Any, found: Mapping[int, str]) -> list[str]:
    """The official names of all architectures, checked against those that their states bring."""
    if type(names) is not list or not names or any(type(name) is not str for name in names):
        raise DataError(f"{path} has no list 'meta_archs' of architectures. Give an official file.")
    for index, name in found.items():
        if index >= len(names) or names[index] != name:
            met = names[index] if index < len(names) else "nothing"
            raise DataError(
                f"{path}: the architecture {index} is {name[:80]!r}, and {met[:80]!r} in the list of all. "
                "Fetch it again."
            )
    return list(names)


def _columns(folder: Path, entry: Mapping[str, Any], dataset: str, epochs: Sequence[int] | None) -> Columns:
    """The columns of one data set; one kind of curve is held at a time."""
    trainings: Mapping[str, Mapping[str, Any]] = entry["trainings"]
    longest = max(trainings, key=lambda name: int(trainings[name]["epochs"]))
    runs = runs_of(sorted({seed for facts in trainings.values() for seed in facts["seeds"]}))
    columns: Columns = {}
    seconds: dict[str, dict[int, OfficialCurve]] = {}
    for file in entry["files"]:
        key = (file["measure"], file["set"], file["training"], file["seed"])
        if file["measure"] == "seconds" and file["set"] != "train":
            continue
        stored = np.load(folder / file_of_curve(*key))
        curve = OfficialCurve(*key, spread(stored, file["kept"], trainings[file["training"]]["epochs"]))
        if file["measure"] == "seconds":
            seconds.setdefault(file["training"], {})[file["seed"]] = curve
            continue
        columns |= dict(columns_of(curve, dataset, runs[curve.seed], epochs, longest=curve.training == longest))
    for training, curves in seconds.items():
        merged = _same_for_all(list(curves.values()))
        for run, curve in {None: merged}.items() if merged else {runs[s]: c for s, c in curves.items()}.items():
            columns |= dict(columns_of(curve, dataset, run, epochs, longest=training == longest))
    seeds = trainings[longest]["seeds"]
    costs = [np.load(folder / file_of_costs(longest, seed))[:, 1:] for seed in seeds]
    return {**columns, **means_of(columns), **cost_columns(costs, seeds)}


def _same_for_all(curves: Sequence[OfficialCurve]) -> OfficialCurve | None:
    """One curve for all seeds, where those that were trained have the same; None where they differ."""
    merged = np.array(curves[0].values)
    for curve in curves[1:]:
        missing = np.isnan(merged)
        if (~missing & ~np.isnan(curve.values) & (merged != curve.values)).any():
            return None
        merged[missing] = curve.values[missing]
    return curves[0]._replace(values=merged)


def _roles(columns: Columns) -> tuple[str, str | None]:
    """Signal and evaluation: validation of run 0 judged by the mean test accuracy, at the end of the longest training.

    Without validation images the test accuracy of run 0 is the signal, and that of the other runs judges it.
    """
    ends = [column for column in columns if column.metric == "accuracy" and column.split in ("valid", "test")]
    if not ends:
        raise DataError("the file has no accuracy on validation or test images. Give an official file.")
    last = max(column.epochs or 0 for column in ends)
    by_role = {(column.split, column.run): column.name for column in ends if column.epochs == last}
    split = "valid" if any(held == "valid" for held, _ in by_role) else "test"
    run = min(run for held, run in by_role if held == split and run is not None and run.isdigit())
    judge = by_role.get(("test", "mean")) if split == "valid" else by_role.get(("test", "rest"))
    return by_role[split, run], judge if run == "0" or split == "valid" else None


def _has_curves(columns: Columns) -> bool:
    """Whether some accuracy of the longest training is known after several numbers of epochs."""
    counts = Counter((column.split, column.run) for column in columns if column.metric == "accuracy")
    return max(counts.values()) > 1
