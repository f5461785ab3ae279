"""The official NAS-Bench-101 files (Ying et al. 2019), read without TensorFlow and turned into a benchmark.

`nasbench_only108.tfrecord` holds three training runs of each of 423,624 cells at 108 epochs, `nasbench_full.tfrecord`
at 4, 12, 36 and 108 epochs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped, UInt64

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.nasbench101.all_records import read_records
from predictornas.benchmarks.nasbench101.model_metrics import MEASURES, POINTS
from predictornas.benchmarks.nasbench101.record_blocks import Records
from predictornas.benchmarks.nasbench101.single_record import unpack_cells
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import DataError
from predictornas.files import name_of
from predictornas.spaces.base import Genes
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_md5 import module_hashes
from predictornas.spaces.registry import get_space

RUNS = 3
"""Training runs of each cell at each budget in the official files."""

LICENCE = "Apache-2.0 (NAS-Bench-101, Ying et al. 2019)"

_HASH_SAMPLE = 256  # cells whose official hash is computed and compared: all would take a minute
_DIGEST_BYTES = 16 << 20
_MOST_RUNS = 1000  # over all budgets: each makes eight columns
_FINAL_TEST = len(MEASURES) + MEASURES.index("test")  # its place among the metrics of a record

Columns = Mapping[Column, Shaped[np.ndarray, " n"]]


def import_tfrecord(
    path: Path, folder: Path, *, name: str = "nasbench101", progress: Callable[[int, int], None] | None = None
) -> Benchmark:
    """Reads an official file and writes it as a benchmark folder.

    The signal is the validation accuracy of run 0 at the largest budget, the evaluation the mean test accuracy there;
    where not every cell has that budget, see `default_roles`.

    Args:
        path: `nasbench_only108.tfrecord`, `nasbench_full.tfrecord`, or a file of the same form: any cells, any budgets,
            any number of runs of each.
        folder: where the benchmark will lie.
        name: the name of the benchmark.
        progress: told the bytes read so far and the size of the file.

    Raises:
        DataError: see `read_tfrecord`; nothing is written then.
        StoreError: the folder cannot be written or the disk is full.
    """
    genes, columns, source = read_tfrecord(path, progress=progress)
    signal, evaluation = default_roles(columns)
    return write_benchmark(
        folder,
        name=name,
        space=get_space("nasbench101"),
        genes=genes,
        columns=columns,
        signal=signal,
        evaluation=evaluation,
        source=source,
        licence=LICENCE,
    )


def read_tfrecord(
    path: Path, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Genes, Columns, dict[str, Any]]:
    """Reads every record of an official file: all checksums, numbers and cells are checked.

    Args:
        path: the file.
        progress: told the bytes read so far and the size of the file.

    Returns:
        The cells `(n, 26)`, sorted by official module hash; their columns (accuracies as fractions, times in
        seconds): for each budget E and run R in the order of the file `{train,valid,test}_accuracy_E_runR` and
        `train_seconds_E_runR`, the same after half of the epochs as `halfway_accuracy` and `halfway_seconds`,
        `test_accuracy_E_mean` over the runs that there are, and `parameters`; and where they come from (`complete`
        tells whether the file holds all cells of the space). Where some cell has fewer runs at a budget than another,
        their columns are nullable.

    Raises:
        DataError: a record that breaks the format, a cell that the space does not have, a module hash that is not the
            cell's, or records of one cell that contradict each other.
    """
    with ThreadPoolExecutor(1) as other_thread:
        sha256 = other_thread.submit(_sha256, path)
        records = read_records(path, progress or _silent)
        runs = _runs(path, records)
        genes = _genes(path, records, runs)
        columns = _columns(records, runs)
        source = {
            "file": name_of(path),
            "sha256": sha256.result(),
            "records": len(records),
            "budgets": list(runs.of_budget),
            "complete": len(genes) == len(NASBench101()),
        }
    return genes, columns, source


def run_column(point: str, measure: str, epochs: int, run: int, *, nullable: bool = False) -> Column:
    """The column of one of `MEASURES` at one of `POINTS` of a training run."""
    metric, split = ("seconds", "train") if measure == "seconds" else ("accuracy", measure)
    return Column.named(
        metric=metric if point == "final" else f"{point}_{metric}",
        split=split,
        epochs=epochs,
        run=str(run),
        nullable=nullable,
    )


def mean_column(epochs: int, *, nullable: bool = False) -> Column:
    """The column of the mean test accuracy of all runs."""
    return Column.named(metric="accuracy", split="test", epochs=epochs, run="mean", nullable=nullable)


def default_roles(columns: Columns) -> tuple[str, str]:
    """Signal and evaluation of an official file: validation of run 0 and mean test accuracy at one budget.

    It is the one that most cells have, the largest of several.
    """
    budgets = {
        column.epochs: int(np.count_nonzero(~np.isnan(values)))
        for column, values in columns.items()
        if (column.metric, column.split, column.run) == ("accuracy", "test", "mean")
    }
    epochs = max((count, epochs) for epochs, count in budgets.items() if epochs is not None)[1]
    return run_column("final", "valid", epochs, 0).name, mean_column(epochs).name


PARAMETERS = Column.named(metric="parameters")
"""The column of the number of trainable parameters."""


def _silent(done: int, total: int) -> None:
    pass


def _sha256(path: Path) -> str:
    """SHA-256 in blocks so large that waiting for the other thread between them does not matter."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_DIGEST_BYTES):
            digest.update(block)
    return digest.hexdigest()


class _Runs(NamedTuple):
    """Which records are about which cell, those of a cell in the order of the file.

    Attributes:
        first: `(a,)` the first record of each cell.
        cell: `(n,)` the cell of each record.
        of_budget: for each budget `(a, r)` the records of each cell, -1 where it has fewer than the r of another.
    """

    first: Int64[np.ndarray, " a"]
    cell: Int64[np.ndarray, " n"]
    of_budget: dict[int, Int64[np.ndarray, "a r"]]


def _runs(path: Path, records: Records) -> _Runs:
    """The records of each cell (by module hash), budget and run."""
    budgets = np.unique(records.epochs)
    order = np.lexsort((records.epochs, records.hashes[:, 1], records.hashes[:, 0]))
    hashes = records.hashes[order]
    is_new = (hashes[1:] != hashes[:-1]).any(axis=1)
    cell = np.concatenate([[0], np.cumsum(is_new)])
    slot = cell * len(budgets) + np.searchsorted(budgets, records.epochs[order])
    begins = np.flatnonzero(np.concatenate([[True], slot[1:] != slot[:-1]]))
    run = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    most = np.zeros(len(budgets), np.int64)
    np.maximum.at(most, slot % len(budgets), run + 1)
    if most.sum() > _MOST_RUNS:
        raise DataError(
            f"{path}: {len(budgets)} budgets with up to {most.max()} runs of a cell would make {most.sum()} training "
            f"runs side by side, more than {_MOST_RUNS}. Import the file in parts."
        )
    of_budget = {}
    for index, epochs in enumerate(budgets.tolist()):
        here = slot % len(budgets) == index
        table = np.full((cell[-1] + 1, most[index]), -1, np.int64)
        table[cell[here], run[here]] = order[here]
        of_budget[epochs] = table
    of_record = np.empty(len(order), np.int64)
    of_record[order] = cell
    first = np.full(cell[-1] + 1, len(order), np.int64)
    np.minimum.at(first, of_record, np.arange(len(order)))
    return _Runs(first, of_record, of_budget)


def _genes(path: Path, records: Records, runs: _Runs) -> Genes:
    """Every cell, checked against the space."""
    space = NASBench101()
    first = runs.first
    for what, values in (("cells", records.cells), ("numbers of parameters", records.parameters)):
        differs = values != values[first][runs.cell]
        if differs.any():
            record = int(differs.argmax())
            raise DataError(
                f"{path}: records {first[runs.cell[record]]} and {record} have the module hash "
                f"{_hex(records.hashes[record])} but different {what}. The file is not the official one."
            )
    adjacency, operations = unpack_cells(records.cells[first])
    genes = space.from_matrices(adjacency, operations)
    unpruned = (space.graphs(genes).operations >= 0).sum(axis=1) == (operations >= 0).sum(axis=1)
    wrong = np.flatnonzero(~(unpruned & space.valid(genes)))
    if len(wrong):
        record = first[wrong[0]]
        raise DataError(
            f"{path}: the cell of record {record}, module {_hex(records.hashes[record])}, breaks the rules of "
            "NAS-Bench-101: at most 9 edges, and every vertex on a path from input to output."
        )
    _check_hashes(path, records, first, genes)
    return genes


def _check_hashes(path: Path, records: Records, first: Int64[np.ndarray, " a"], genes: Genes) -> None:
    """Compares the official hash of a sample of the cells with the one in the file."""
    space = NASBench101()
    sample = np.sort(np.random.default_rng(0).permutation(len(genes))[:_HASH_SAMPLE])
    computed = module_hashes(space.graphs(genes[sample])).view(">u8")
    wrong = sample[(computed != records.hashes[first[sample]]).any(axis=1)]
    if len(wrong):
        record = first[wrong[0]]
        raise DataError(
            f"{path}: record {record} has the module hash {_hex(records.hashes[record])}, which is not the one of its "
            f"cell, {space.describe(genes[wrong[0]])}. The file is not the official one."
        )


def _columns(records: Records, runs: _Runs) -> Columns:
    columns: dict[Column, Shaped[np.ndarray, " n"]] = {}
    for epochs, of_run in runs.of_budget.items():
        for run, chosen in enumerate(of_run.T):
            metrics, lacking = records.metrics[chosen], chosen < 0
            metrics[lacking] = np.nan
            for place, (point, measure) in enumerate((p, m) for p in POINTS for m in MEASURES):
                column = run_column(point, measure, epochs, run, nullable=bool(lacking.any()))
                columns[column] = np.ascontiguousarray(metrics[:, place])
        columns |= _mean(records, epochs, of_run)
    columns[PARAMETERS] = records.parameters[runs.first]
    return columns


def _mean(records: Records, epochs: int, of_run: Int64[np.ndarray, "a r"]) -> Columns:
    """The mean test accuracy over the runs that each cell has."""
    there = of_run >= 0
    tests = records.metrics[of_run, _FINAL_TEST].astype(np.float64)
    count = there.sum(axis=1)
    mean = np.full(len(of_run), np.nan)
    np.divide(tests.sum(axis=1, where=there), count, out=mean, where=count > 0)
    return {mean_column(epochs, nullable=bool((count == 0).any())): mean}


def _hex(words: UInt64[np.ndarray, " 2"]) -> str:
    return "".join(f"{word:016x}" for word in words.tolist())
