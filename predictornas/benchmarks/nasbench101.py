"""The official NAS-Bench-101 files (Ying et al. 2019), read without TensorFlow and turned into a benchmark.

`nasbench_only108.tfrecord` holds three training runs of each of 423,624 cells at 108 epochs, `nasbench_full.tfrecord`
at 4, 12, 36 and 108 epochs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped, UInt64

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.nasbench101_blocks import Records
from predictornas.benchmarks.nasbench101_metrics import MEASURES, POINTS
from predictornas.benchmarks.nasbench101_reading import read_records
from predictornas.benchmarks.nasbench101_records import unpack_cells
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import DataError
from predictornas.spaces.base import Genes
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_md5 import module_hashes
from predictornas.spaces.registry import get_space

RUNS = 3
"""Training runs of each cell at each budget."""

LICENCE = "Apache-2.0 (NAS-Bench-101, Ying et al. 2019)"

_HASH_SAMPLE = 256  # cells whose official hash is computed and compared: all would take a minute
_DIGEST_BYTES = 16 << 20

Columns = Mapping[Column, Shaped[np.ndarray, " n"]]


def import_tfrecord(
    path: Path, folder: Path, *, name: str = "nasbench101", progress: Callable[[int, int], None] | None = None
) -> Benchmark:
    """Reads an official file and writes it as a benchmark folder.

    The signal is the validation accuracy of run 0 at the largest budget, the evaluation the mean test accuracy there.

    Args:
        path: `nasbench_only108.tfrecord`, `nasbench_full.tfrecord`, or a file of the same form with fewer cells.
        folder: where the benchmark will lie.
        name: the name of the benchmark.
        progress: told the bytes read so far and the size of the file.

    Raises:
        DataError: see `read_tfrecord`; nothing is written then.
        StoreError: the folder cannot be written or the disk is full.
    """
    genes, columns, source = read_tfrecord(path, progress=progress)
    epochs = max(source["budgets"])
    return write_benchmark(
        folder,
        name=name,
        space=get_space("nasbench101"),
        genes=genes,
        columns=columns,
        signal=run_column("final", "valid", epochs, 0).name,
        evaluation=mean_column(epochs).name,
        source=source,
        licence=LICENCE,
    )


def read_tfrecord(
    path: Path, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Genes, Columns, dict[str, Any]]:
    """Reads every record of an official file: all checksums, numbers, repeats and cells are checked.

    Args:
        path: the file.
        progress: told the bytes read so far and the size of the file.

    Returns:
        The cells `(n, 26)`, sorted by official module hash; their columns (accuracies as fractions, times in
        seconds): for each budget E and run R in the order of the file `{train,valid,test}_accuracy_E_runR` and
        `train_seconds_E_runR`, the same after half of the epochs as `halfway_accuracy` and `halfway_seconds`,
        `test_accuracy_E_mean`, and `parameters`; and where they come from (`complete` tells whether the file holds
        all cells of the space).

    Raises:
        DataError: a record that breaks the format, a cell that the space does not have, a module hash that is not the
            cell's, other than three runs at a budget, or records of one cell that contradict each other.
    """
    with ThreadPoolExecutor(1) as other_thread:
        sha256 = other_thread.submit(_sha256, path)
        records = read_records(path, progress or _silent)
        budgets = np.unique(records.epochs)
        runs = _runs(path, records, budgets)
        genes = _genes(path, records, runs)
        columns = _columns(records, runs, budgets.tolist())
        source = {
            "file": path.name,
            "sha256": sha256.result(),
            "records": len(records),
            "budgets": budgets.tolist(),
            "complete": len(genes) == len(NASBench101()),
        }
    return genes, columns, source


def run_column(point: str, measure: str, epochs: int, run: int) -> Column:
    """The column of one of `MEASURES` at one of `POINTS` of a training run."""
    metric, split = ("seconds", "train") if measure == "seconds" else ("accuracy", measure)
    return Column.named(
        metric=metric if point == "final" else f"{point}_{metric}", split=split, epochs=epochs, run=str(run)
    )


def mean_column(epochs: int) -> Column:
    """The column of the mean test accuracy of the three runs."""
    return Column.named(metric="accuracy", split="test", epochs=epochs, run="mean")


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


def _runs(path: Path, records: Records, budgets: Shaped[np.ndarray, " b"]) -> Int64[np.ndarray, "a b 3"]:
    """The records of each cell (by module hash), budget and run (in the order of the file)."""
    order = np.lexsort((records.epochs, records.hashes[:, 1], records.hashes[:, 0]))
    hashes = records.hashes[order]
    is_new = (hashes[1:] != hashes[:-1]).any(axis=1)
    cell = np.concatenate([[0], np.cumsum(is_new)])
    slot = cell * len(budgets) + np.searchsorted(budgets, records.epochs[order])
    counts = np.bincount(slot, minlength=(cell[-1] + 1) * len(budgets))
    wrong = np.flatnonzero(counts != RUNS)
    if len(wrong):
        which, budget = divmod(int(wrong[0]), len(budgets))
        members = order[cell == which]
        there = np.sort(members[records.epochs[members] == budgets[budget]])
        raise DataError(
            f"{path}: module {_hex(records.hashes[members[0]])} has {len(there)} runs of {budgets[budget]} epochs "
            f"(records {there[:9].tolist()}), not {RUNS}; {len(wrong)} budgets of cells are like this. The file is not "
            "the official one."
        )
    return order.reshape(-1, len(budgets), RUNS)


def _genes(path: Path, records: Records, runs: Int64[np.ndarray, "a b 3"]) -> Genes:
    """The cell of each row of `runs`, checked against the space."""
    space = NASBench101()
    of_cell = runs.reshape(len(runs), -1)
    first = of_cell[:, 0]
    for what, values in (("cells", records.cells), ("numbers of parameters", records.parameters)):
        differs = values[of_cell] != values[first, None]
        if differs.any():
            row, column = np.argwhere(differs)[0]
            raise DataError(
                f"{path}: records {first[row]} and {of_cell[row, column]} have the module hash "
                f"{_hex(records.hashes[first[row]])} but different {what}. The file is not the official one."
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


def _columns(records: Records, runs: Int64[np.ndarray, "a b 3"], budgets: list[int]) -> Columns:
    columns: dict[Column, Shaped[np.ndarray, " n"]] = {}
    for index, epochs in enumerate(budgets):
        for run in range(RUNS):
            metrics = records.metrics[runs[:, index, run]]
            for place, (point, measure) in enumerate((p, m) for p in POINTS for m in MEASURES):
                columns[run_column(point, measure, epochs, run)] = np.ascontiguousarray(metrics[:, place])
        tests = [columns[run_column("final", "test", epochs, run)] for run in range(RUNS)]
        columns[mean_column(epochs)] = np.asarray(np.mean(tests, axis=0, dtype=np.float64))
    columns[PARAMETERS] = records.parameters[runs[:, 0, 0]]
    return columns


def _hex(words: UInt64[np.ndarray, " 2"]) -> str:
    return "".join(f"{word:016x}" for word in words.tolist())
