"""How long it takes to enumerate NAS-Bench-101 with its keys, to open that from the cache, and to hash all cells.

    python perf/spaces.py

Times are of one thread: processor time for what computes, wall time (in a fresh process, without Python's own imports)
for what opens. The baselines run beside them: `plain numpy enumeration` takes every matrix with every labelling, hashes
all of them with array expressions and keeps one of each key; `per-cell MD5` is the official algorithm, one cell after
the other, timed on a sample of cells and extrapolated to all. Both results are compared with those of the package.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_cells import INPUT, MAX_EDGES, NUM_CELLS, OUTPUT, enumerate_cells
from predictornas.spaces.nasbench101_md5 import module_hashes

BLOCK = 100_000  # graphs at once in the baseline
SAMPLE = 4000  # cells hashed by the baseline
REPEATS = 5  # openings, of which the median counts
VERTICES = 7  # of the largest cells that the baseline finds and that are hashed: all

OPEN = """
import time
from predictornas.spaces.nasbench101 import NASBench101
start = time.perf_counter()
space = NASBench101()
rows, keys = len(space.enumerate()), int(space.enumerated_keys()[-1])
print(time.perf_counter() - start)
"""

PLAIN_OPEN = """
import os, time
from pathlib import Path
import numpy as np
start = time.perf_counter()
cache = Path(os.environ["PREDICTORNAS_CACHE"])
arrays = [np.load(path, mmap_mode="r") for path in cache.glob("nasbench101-cells-*/*.npy")]
print(time.perf_counter() - start)
"""

Result = TypeVar("Result")


def main() -> None:
    space = NASBench101()
    cells, scratch = timed(lambda: enumerate_cells(space.keys))
    keys, plain = timed(plain_numpy_enumeration)
    graphs = space.graphs(cells["genes"])
    count = int(((graphs.operations >= 0).sum(axis=1) <= VERTICES).sum())  # cells of fewer vertices come first
    check(len(cells["keys"]) == NUM_CELLS and len(keys) == count, "both enumerations find the same number of cells")
    report("enumeration and keys from scratch", scratch, "plain numpy enumeration", plain)
    report("enumeration and keys from the cache", *opening())
    graphs = space.graphs(cells["genes"][:count])
    hashes, batched = timed(lambda: module_hashes(graphs))
    rows = np.random.default_rng(0).choice(count, size=SAMPLE, replace=False)
    expected, sampled = timed(lambda: [per_cell_md5(graphs.adjacency[row], graphs.operations[row]) for row in rows])
    check([hashes[row].tobytes().hex() for row in rows] == expected, "both ways give the same MD5 hashes")
    baseline = f"per-cell MD5, extrapolated from {SAMPLE} cells"
    report(f"MD5 hashes of {'all' if count == NUM_CELLS else count} cells", batched, baseline, sampled * count / SAMPLE)


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What `work` returns, and the processor seconds that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def opening() -> tuple[float, str, float]:
    """Median seconds of opening the cached space in a fresh process, and of opening its arrays by `np.load` alone."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"PREDICTORNAS_CACHE": cache}
        medians = []
        for script in (OPEN, PLAIN_OPEN):
            command = [sys.executable, "-c", script]
            runs = [
                subprocess.run(command, env=environment, check=True, capture_output=True) for _ in range(REPEATS + 1)
            ]
            medians.append(float(np.median([float(run.stdout) for run in runs[1:]])))  # the first one fills the cache
    return medians[0], "np.load of its arrays", medians[1]


def check(agrees: bool, what: str) -> None:
    if not agrees:
        raise SystemExit(f"Not true: {what}.")


def report(name: str, seconds: float, baseline: str, baseline_seconds: float) -> None:
    print(
        f"{name}: {seconds:.4g} s, {baseline}: {baseline_seconds:.4g} s, {baseline_seconds / seconds:.1f}x", flush=True
    )


# --- plain numpy enumeration -------------------------------------------------------------------------------------


def plain_numpy_enumeration() -> np.ndarray:
    """The keys of all cells: every valid matrix with every labelling, hashed in blocks, one of each key kept."""
    found = [np.unique(np.concatenate(list(plain_keys(vertices)))) for vertices in range(2, VERTICES + 1)]
    return np.concatenate(found)


def plain_keys(vertices: int) -> list[np.ndarray]:
    matrices = valid_matrices(vertices)
    operations = np.array(list(itertools.product(range(3), repeat=vertices - 2)), np.int64).reshape(
        3 ** (vertices - 2), vertices - 2
    )
    labels = np.full((len(operations), vertices), INPUT)
    labels[:, 1:-1], labels[:, -1] = operations, OUTPUT
    at_once = max(1, BLOCK // len(labels))
    return [
        plain_hash(np.repeat(block, len(labels), axis=0), np.tile(labels, (len(block), 1)))
        for block in (matrices[start : start + at_once] for start in range(0, len(matrices), at_once))
    ]


def valid_matrices(vertices: int) -> np.ndarray:
    x, y = np.triu_indices(vertices, 1)
    kept = []
    for start in range(0, 1 << len(x), BLOCK):
        patterns = np.arange(start, min(start + BLOCK, 1 << len(x)))
        matrices = np.zeros((len(patterns), vertices, vertices), np.uint8)
        matrices[:, x, y] = patterns[:, None] >> np.arange(len(x)) & 1
        fed = matrices.max(axis=1)[:, 1:].all(axis=1)
        feeds = matrices.max(axis=2)[:, :-1].all(axis=1)
        kept.append(matrices[fed & feeds & (matrices.sum(axis=(1, 2)) <= MAX_EDGES)])
    return np.concatenate(kept)


def plain_hash(matrices: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A Weisfeiler-Lehman hash on uint64, as many rounds as vertices."""
    state = spread(labels.astype(np.uint64) + np.uint64(1))
    edges = matrices.astype(np.uint64)
    for _ in range(labels.shape[1]):
        into = (edges * spread(state ^ np.uint64(0x9E3779B97F4A7C15))[:, :, None]).sum(axis=1)
        out = (edges * spread(state ^ np.uint64(0xC2B2AE3D27D4EB4F))[:, None, :]).sum(axis=2)
        state = spread(state * np.uint64(3) + spread(into) * np.uint64(5) + spread(out + np.uint64(1)) * np.uint64(7))
    return spread(state.sum(axis=1, dtype=np.uint64))


def spread(x: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3."""
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    finished: np.ndarray = x ^ (x >> np.uint64(33))
    return finished


# --- per-cell MD5 ------------------------------------------------------------------------------------------------


def per_cell_md5(adjacency: np.ndarray, operations: np.ndarray) -> str:
    """The official algorithm (Ying et al. 2019, graph_util.hash_module) on one cell."""
    count = int((operations >= 0).sum())
    matrix = adjacency[:count, :count]
    labels = [-1, *operations[1 : count - 1].tolist(), -2]
    signatures = zip(matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist(), labels, strict=True)
    colours = [hashlib.md5(str(signature).encode()).hexdigest() for signature in signatures]
    for _ in range(count):
        fresh = []
        for v in range(count):
            into = [colours[w] for w in range(count) if matrix[w, v]]
            out = [colours[w] for w in range(count) if matrix[v, w]]
            text = "".join(sorted(into)) + "|" + "".join(sorted(out)) + "|" + colours[v]
            fresh.append(hashlib.md5(text.encode()).hexdigest())
        colours = fresh
    return hashlib.md5(str(sorted(colours)).encode()).hexdigest()


if __name__ == "__main__":
    main()
