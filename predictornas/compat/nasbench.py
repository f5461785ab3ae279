"""A drop-in for `nasbench.api` of google-research/nasbench: no TensorFlow, opened in a moment from an imported table.

    from predictornas.compat import nasbench as api

    dataset = api.NASBench("nasbench_only108.tfrecord")
    data = dataset.query(api.ModelSpec(matrix, ops))

Numbers are those of the file: it holds float32, and so does the table. What a table lacks (training times, say, or what
was measured halfway) is None. Not offered: `evaluate` (training a cell) and `ModelSpec.visualize`.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.layout import MANIFEST
from predictornas.benchmarks.nasbench101.importing import PARAMETERS, RUNS, import_tfrecord
from predictornas.benchmarks.table import Benchmark
from predictornas.compat.nasbench_runs import NAMES, runs_of
from predictornas.compat.nasbench_spec import ModelSpec, ModelSpecError
from predictornas.compat.one_cell import cell_key
from predictornas.errors import (
    ConfigurationError,
    DataError,
    InvalidArchitectureError,
    StoreError,
    UnknownArchitectureError,
)
from predictornas.files import cache_home, remove_leftovers
from predictornas.spaces.base import Genes
from predictornas.spaces.nasbench101 import OPERATIONS, NASBench101
from predictornas.spaces.nasbench101_cells import INPUT, MAX_EDGES, MAX_VERTICES, OUTPUT, to_vertices
from predictornas.spaces.nasbench101_md5 import module_hashes

__all__ = ["ModelSpec", "ModelSpecError", "NASBench", "OutOfDomainError", "UnknownModuleError"]

_READER = 2  # counted up when the same file is read differently


Trainings = dict[int, list[dict[str, float | None]]]
"""By budget, what was measured in each run."""


class OutOfDomainError(InvalidArchitectureError):
    """A cell or a number of epochs outside the benchmark."""


class UnknownModuleError(UnknownArchitectureError, KeyError):
    """A module hash, or a cell, that this table does not hold; a `KeyError` as in the original."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class NASBench:
    """The benchmark behind the interface of the original API.

    Args:
        dataset_file: an official `.tfrecord` file (imported into the cache at the first opening), the folder of an
            imported table, or the name of a benchmark ("nasbench101").
        seed: of the random choice among the three runs; the same seed gives the same runs as in the original.

    Attributes:
        config: limits of the search space and the operation names, as in the original; `num_repeats` is the most runs
            of a cell at a budget, 3 in the official files.
        valid_epochs: budgets that can be asked for: {108} or {4, 12, 36, 108} in the official files.
        training_time_spent: seconds of training that the queries so far would have cost.
        total_epochs_spent: epochs that they would have cost.
        fixed_statistics: by module hash, what `get_metrics_from_hash` gives first.
        computed_statistics: by module hash, what `get_metrics_from_hash` gives second.

    Raises:
        DataError: the file breaks its format, or the name is not imported yet.
        UnknownNameError: no such benchmark.
        ConfigurationError: the table is about another search space.
    """

    def __init__(self, dataset_file: str | os.PathLike[str], seed: int | None = None) -> None:
        self._benchmark = _opened(dataset_file)
        if self._benchmark.manifest["space"] != NASBench101.name:
            raise ConfigurationError(
                f"{str(dataset_file)!r} is a table of {self._benchmark.manifest['space']}; give one of NAS-Bench-101."
            )
        self._space = NASBench101()
        self._runs = runs_of(self._benchmark)
        self._random = random.Random(seed)
        self.config = {
            "module_vertices": MAX_VERTICES,
            "max_edges": MAX_EDGES,
            "num_repeats": max((len(runs) for runs in self._runs.values()), default=RUNS),
            "available_ops": list(OPERATIONS),
        }
        self.valid_epochs = set(self._runs)
        self.fixed_statistics: Mapping[str, dict[str, Any]] = _ByHash(self, self._fixed)
        self.computed_statistics: Mapping[str, Trainings] = _ByHash(
            self, partial(self._computed, budgets=sorted(self.valid_epochs))
        )
        self.reset_budget_counters()

    def query(self, model_spec: ModelSpec, epochs: int = 108, stop_halfway: bool = False) -> dict[str, Any]:
        """One of the training runs of a cell, chosen at random; adds its cost to the budget counters.

        Args:
            model_spec: the cell.
            epochs: budget, one of `valid_epochs`.
            stop_halfway: give the evaluation after half of the epochs, and count only these.

        Returns:
            `module_adjacency`, `module_operations`, `trainable_parameters`, `training_time` (seconds),
            `train_accuracy`, `validation_accuracy` and `test_accuracy` (fractions); None for what the table lacks. A
            time that it lacks costs nothing.

        Raises:
            OutOfDomainError: the cell or the epochs are outside the benchmark.
            UnknownModuleError: a table of part of the space does not hold the cell, or no training of it this long.
            DataError: the table knows nothing of what was measured halfway.
        """
        if epochs not in self.valid_epochs:
            raise OutOfDomainError(f"There is no training of {epochs} epochs; epochs are one of {self.valid_epochs}.")
        row = self._row(model_spec)
        runs = [run for run in self._runs[epochs] if run.is_there(row)]
        if not runs:
            raise UnknownModuleError(
                f"{self._benchmark.name!r} holds no training of {epochs} epochs of this cell. Ask for another number."
            )
        run = runs[self._random.randint(0, len(runs) - 1)]
        point = "halfway" if stop_halfway else "final"
        if not run.has(point):
            raise DataError(
                f"{self._benchmark.name!r} does not hold what was measured halfway. Import nasbench_only108.tfrecord "
                "or nasbench_full.tfrecord, or ask without stop_halfway."
            )
        data = self._fixed(row) | {name: run.value(point, name, row) for name in NAMES.values()}
        self.training_time_spent += data["training_time"] or 0.0
        self.total_epochs_spent += epochs // 2 if stop_halfway else epochs
        return data

    def is_valid(self, model_spec: ModelSpec) -> bool:
        """Whether the cell is inside the search space; costs nothing."""
        try:
            self._check(model_spec)
        except OutOfDomainError:
            return False
        return True

    def get_budget_counters(self) -> tuple[float, int]:
        """Seconds of training and epochs spent by the queries so far."""
        return self.training_time_spent, self.total_epochs_spent

    def reset_budget_counters(self) -> None:
        """Sets both budget counters to zero."""
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0

    def hash_iterator(self) -> Collection[str]:
        """The official hash of every cell of the table. For all cells the first call on a machine takes a minute."""
        return self._rows.keys()

    def get_metrics_from_hash(self, module_hash: str) -> tuple[dict[str, Any], Trainings]:
        """Everything that was measured of a cell; costs nothing.

        Returns:
            `module_adjacency`, `module_operations` and `trainable_parameters`; and for each budget its runs, each with
            `training_time`, `train_accuracy`, `validation_accuracy` and `test_accuracy`, all of them prefixed
            `halfway_` and `final_`; None for what the table lacks.

        Raises:
            UnknownModuleError: no cell of the table has this hash.
        """
        return self.fixed_statistics[module_hash], self.computed_statistics[module_hash]

    def get_metrics_from_spec(self, model_spec: ModelSpec) -> tuple[dict[str, Any], Trainings]:
        """`get_metrics_from_hash` of the cell.

        Raises:
            OutOfDomainError: the cell is outside the search space.
            UnknownModuleError: a table of part of the space does not hold the cell.
        """
        row = self._row(model_spec)
        return self._fixed(row), self._computed(row, sorted(self.valid_epochs))

    def _check(self, spec: ModelSpec) -> None:
        if spec.matrix is None or spec.ops is None:
            raise OutOfDomainError("Invalid cell: its input and output are not connected.")
        if len(spec.ops) > MAX_VERTICES:
            raise OutOfDomainError(f"Too many vertices: {len(spec.ops)}, at most {MAX_VERTICES} after pruning.")
        if (edges := np.count_nonzero(spec.matrix)) > MAX_EDGES:
            raise OutOfDomainError(f"Too many edges: {edges}, at most {MAX_EDGES} after pruning.")
        if spec.ops[0] != "input" or spec.ops[-1] != "output":
            raise OutOfDomainError(
                f"The first operation must be 'input' and the last 'output', not {spec.ops[0]!r} and {spec.ops[-1]!r}."
            )
        if unknown := [name for name in spec.ops[1:-1] if name not in OPERATIONS]:
            raise OutOfDomainError(f"Unsupported operation {unknown[0]!r}; available: {', '.join(OPERATIONS)}.")

    def _row(self, spec: ModelSpec) -> int:
        self._check(spec)
        rows, names = np.asarray(spec.matrix).tolist(), spec.ops or []
        key = cell_key(rows, [INPUT, *(OPERATIONS.index(name) for name in names[1:-1]), OUTPUT])
        row = int(self._benchmark.rows(np.array([key], np.uint64))[0])
        if row < 0:
            matrix = "/".join("".join("1" if edge else "0" for edge in row) for row in rows)
            raise UnknownModuleError(
                f"{self._benchmark.name!r} holds {len(self._benchmark)} cells, not {matrix} {','.join(names)}. "
                "Import nasbench_only108.tfrecord or nasbench_full.tfrecord for all cells."
            )
        return row

    def _row_of_hash(self, module_hash: str) -> int:
        if module_hash not in self._rows:
            raise UnknownModuleError(f"No cell of {self._benchmark.name!r} has the module hash {module_hash!r}.")
        return self._rows[module_hash]

    @cached_property
    def _rows(self) -> dict[str, int]:
        """The row of each module hash, in row order."""
        table, space = self._benchmark, self._space
        if len(table) == len(space):  # hashes of the whole space are kept in the cache, in the order of the space
            position = np.argsort(table.rows(space.enumerated_keys()))
            hashes = space.module_hashes(space.enumerate())[position]
        else:
            hashes = module_hashes(space.graphs(np.asarray(table.genes)))
        text = hashes.tobytes().hex()
        return {text[32 * row : 32 * row + 32]: row for row in range(len(table))}

    def _fixed(self, row: int) -> dict[str, Any]:
        adjacency, labels = to_vertices(self._genes[row : row + 1])
        there = labels[0] >= 0
        interior = [OPERATIONS[code] for code in labels[0, 1:-1].tolist() if code >= 0]
        return {
            "module_adjacency": adjacency[0][there][:, there].astype(np.int8),
            "module_operations": ["input", *interior, "output"],
            "trainable_parameters": self._parameters(row),
        }

    @cached_property
    def _genes(self) -> Genes:
        return np.asarray(self._benchmark.genes)

    def _parameters(self, row: int) -> int | None:
        if PARAMETERS.name not in self._benchmark.columns:
            return None
        count = float(self._benchmark.values(PARAMETERS.name)[row])
        return None if count != count else int(count)

    def _computed(self, row: int, budgets: Iterable[int]) -> Trainings:
        """The runs of a cell at each budget at which it has any."""
        runs = {epochs: [run for run in self._runs[epochs] if run.is_there(row)] for epochs in budgets}
        return {epochs: [run.all_values(row) for run in there] for epochs, there in runs.items() if there}


class _ByHash(Mapping[str, Any]):
    """What `of_row` gives, by module hash."""

    def __init__(self, dataset: NASBench, of_row: Callable[[int], Any]) -> None:
        self._dataset, self._of_row = dataset, of_row

    def __getitem__(self, module_hash: str) -> Any:
        return self._of_row(self._dataset._row_of_hash(module_hash))

    def __iter__(self) -> Iterator[str]:
        return iter(self._dataset._rows)

    def __len__(self) -> int:
        return len(self._dataset._benchmark)


def _opened(dataset_file: str | os.PathLike[str]) -> Benchmark:
    path = Path(dataset_file)
    if (path / MANIFEST).is_file():
        return Benchmark.open(path)
    if not path.is_file() and path.suffix != ".tfrecord":
        return open_benchmark(str(dataset_file))
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"Could not read {path}: {error.strerror or error}. Check the path.") from error
    # the same file under the same name, as far as that can be told without reading gigabytes
    facts = [str(path.resolve()), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, _READER]
    folder = cache_home() / "nasbench-files" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    try:
        return Benchmark.open(folder)
    except StoreError:
        remove_leftovers(folder.parent)
        return import_tfrecord(path, folder)
