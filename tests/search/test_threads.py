"""The same history whatever the threads of BLAS: in a process of its own for each number of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import hashlib
from dataclasses import replace

from threadpoolctl import threadpool_info

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.oracles.tabular import TabularOracle
from predictornas.search.loop import Search, iterate
from predictornas.search.methods import get_preset, get_strategy

benchmark = open_benchmark("nasbench201-cifar10")
search = Search(benchmark.space, get_strategy("bayesian-optimisation", get_preset("quick")), seed=0)
predicted = []
for step in iterate(search, TabularOracle(benchmark), 60):
    predicted.append(b"" if step.proposal.predicted is None else step.proposal.predicted.tobytes())
history = search.history
columns = (history.keys, history.genes, history.epochs, history.values, history.iterations)
content = b"".join([*(column.tobytes() for column in columns), *predicted, search.recommend().tobytes()])
print(hashlib.sha256(content).hexdigest(), max(library["num_threads"] for library in threadpool_info()))
"""


def searched(threads: int | None, store: Path) -> tuple[str, int]:
    """Checksum of a small search by Bayesian optimisation, predictions included, and the threads of its process."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"PREDICTORNAS_DATA": str(store)} | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)})
    ran = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    checksum, most = ran.stdout.split()
    return checksum, int(most)


@pytest.mark.thorough
def test_histories_do_not_depend_on_the_threads_of_blas(store: Path) -> None:
    runs = {threads: searched(threads, store) for threads in (None, 1, 2)}
    assert len({checksum for checksum, _ in runs.values()}) == 1
    # the numbers were there to be used, and were put back after every proposal
    assert runs[2][1] >= 2
    assert runs[1][1] == 1
