"""What the Gaussian process costs on NAS-Bench-101, here and in another checkout of this package, in turn.

    git worktree add ../before COMMIT
    python perf/process.py ../before [rounds]

Each round starts a process of each checkout on one thread, with a cache folder of its own that holds nothing at first:
a fit on 424 cells, scores of all 423,624 (described for the first time, or in later rounds from the cache folder where
there is one, and again once they are described), a fit on 4236, and a search of 150 evaluations. Least processor time
of all rounds; by wall time other work on the machine would count. Targets are made up: time does not depend on them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROUNDS = 2
FEW, WIDEST = 424, 4236
"""Cells that the process is fitted on."""

SCORED = None
"""How many cells are scored; all where it is None."""

BATCHES = 15
"""Of ten evaluations each."""


def values_of(genes: np.ndarray) -> np.ndarray:
    """Some function of genes, and noise."""
    weights = np.random.default_rng(1).normal(size=genes.shape[1])
    return genes @ weights + np.random.default_rng(2).normal(size=len(genes))


def measured() -> None:
    """One round of the checkout that is on the path: seconds of each piece of work, and some scores, as JSON."""
    from predictornas import GaussianProcess, Search, get_space
    from predictornas.search.building import bayesian_optimisation

    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> object:
        start = time.process_time()
        result = work()
        seconds[name] = time.process_time() - start
        return result

    space = get_space("nasbench101")
    genes = space.enumerate() if SCORED is None else space.enumerate()[:SCORED]
    drawn = np.random.default_rng(0).choice(len(genes), WIDEST, replace=False)

    def fitted(size: int) -> GaussianProcess:
        rows = drawn[:size]
        return GaussianProcess().fit(space, genes[rows], values_of(genes[rows]), rng=np.random.default_rng(0))

    def searched() -> None:
        search = Search(space, bayesian_optimisation(10, 10), seed=0)
        for _ in range(BATCHES):
            proposal = search.ask()
            search.tell(proposal.genes, values_of(proposal.genes))

    fitted(20)
    process = timed(f"process, fit of {FEW}", lambda: fitted(FEW))
    assert isinstance(process, GaussianProcess)
    scores = np.asarray(timed("process, all cells", lambda: process.predict(genes)))
    timed("process, all cells, described before", lambda: process.predict(genes))
    timed(f"process, fit of {WIDEST}", lambda: fitted(WIDEST))
    timed(f"search with the process, {10 * BATCHES} evaluations", searched)
    print(json.dumps({"seconds": seconds, "scores": scores[::1000].tolist()}))


def round_of(checkout: Path, cache: str) -> dict[str, dict[str, float]]:
    """One round of a checkout, in a process of its own."""
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "PREDICTORNAS_CACHE": cache,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, __file__, "--measure"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, encoding="utf-8")
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def main() -> None:
    before, here = Path(sys.argv[1]).resolve(), Path(__file__).resolve().parents[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    least: dict[str, dict[str, float]] = {"here": {}, "before": {}}
    scores = {}
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for number in range(rounds):
            for name, checkout, cache in (("before", before, first), ("here", here, second)):
                found = round_of(checkout, cache)
                scores[name] = np.array(found["scores"])
                for work, value in found["seconds"].items():
                    key = f"{work}, first time" if number == 0 and work == "process, all cells" else work
                    least[name][key] = min(value, least[name].get(key, np.inf))
    print(f"largest difference of scores: {np.abs(scores['here'] - scores['before']).max():.1e}")
    for work, value in least["here"].items():
        baseline = least["before"][work]
        print(f"{work:45} {value:8.3g} s   before {baseline:8.3g} s   {baseline / value:.1f}x")


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        measured()
    else:
        main()
