"""One query of the drop-in for `nasbench.api` against the original's way: a dictionary behind rounds of MD5.

    python perf/dropins.py

1,000 cells of NAS-Bench-101 under generated numbers (three runs of 108 epochs) in an official file, imported by the
drop-in into a folder that is thrown away. The baseline is `tests/compat/straightforward.py`, which does what the
original does for a query, without TensorFlow. Both are given the same cells in turn and must find the same numbers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measure import interleaved, report

sys.path.insert(0, str(Path(__file__).parents[1]))

from predictornas.compat import nasbench
from predictornas.spaces.nasbench101 import OPERATIONS, NASBench101
from tests import official_file
from tests.compat.straightforward import Cell, Lookup

CELLS, ROUNDS = 1000, 15


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREDICTORNAS_CACHE"] = folder
        cells = sampled_cells()
        lookup = Lookup(seed=0)
        dataset = nasbench.NASBench(written(Path(folder) / "cells.tfrecord", cells, lookup), seed=0)
        ours = [nasbench.ModelSpec(*cell) for cell in cells]
        originals = [Cell(*cell) for cell in cells]
        for spec, cell in zip(ours, originals, strict=True):
            assert same(dataset.query(spec), lookup.query(cell, 108))
        compare(cells, dataset, ours, lookup, originals)


def compare(cells: list[Any], dataset: Any, ours: list[Any], lookup: Lookup, originals: list[Cell]) -> None:
    seconds = interleaved(
        {
            "cell, ours": lambda: [nasbench.ModelSpec(*cell) for cell in cells],
            "cell": lambda: [Cell(*cell) for cell in cells],
            "hash, ours": lambda: [spec.hash_spec(list(OPERATIONS)) for spec in ours],
            "hash": lambda: [cell.digest() for cell in originals],
            "query, ours": lambda: [dataset.query(spec) for spec in ours],
            "query": lambda: [lookup.query(cell, 108) for cell in originals],
        },
        rounds=ROUNDS,
    )
    each = {name: value / len(cells) * 1e6 for name, value in seconds.items()}
    report(
        [
            ("nasbench drop-in: making a cell", each["cell, ours"], each["cell"], "us"),
            ("nasbench drop-in: a module hash", each["hash, ours"], each["hash"], "us"),
            ("nasbench drop-in: a query", each["query, ours"], each["query"], "us"),
        ]
    )


def sampled_cells() -> list[tuple[np.ndarray, list[str]]]:
    space = NASBench101()
    graphs = space.graphs(space.sample(CELLS, np.random.default_rng(0)))
    names = (*OPERATIONS, "input", "output")
    cells = []
    for adjacency, labels in zip(graphs.adjacency, graphs.operations, strict=True):
        there = labels >= 0
        cells.append((adjacency[there][:, there].astype(int), [names[label] for label in labels[there].tolist()]))
    return cells


def written(path: Path, cells: list[tuple[np.ndarray, list[str]]], lookup: Lookup) -> Path:
    """The cells in an official file, and in the dictionaries of the baseline."""
    rng, records = np.random.default_rng(0), []
    for matrix, operations in cells:
        text = "".join(map(str, matrix.ravel().tolist()))
        digest = official_file.hash_of(text, ",".join(operations))
        lookup.fixed[digest] = {
            "module_adjacency": matrix.astype(np.int8),
            "module_operations": operations,
            "trainable_parameters": 1234567,
        }
        runs = lookup.runs.setdefault(digest, {108: []})[108]
        for _ in range(3):
            values = rng.random((2, 4), dtype=np.float32)
            metrics = official_file.model_metrics(108, values).SerializeToString()
            records.append(official_file.record((digest, text, ",".join(operations)), 108, metrics))
            names = [f"{point}_{name}" for point in ("halfway", "final") for name in nasbench.NAMES.values()]
            runs.append(dict(zip(names, values.ravel().tolist(), strict=True)))
    return Path(official_file.write(path, records))


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    return all(np.array_equal(found.pop(name), value) for name, value in expected.items()) and not found


if __name__ == "__main__":
    main()
