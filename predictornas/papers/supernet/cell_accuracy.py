"""What tables of NAS-Bench-201 know of the cells that super-networks derive."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.catalog import is_here, open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError
from predictornas.papers.figure import FigureRequest
from predictornas.spaces.base import Genes

CELL_SPACE = "nasbench201"
"""The space of super-networks whose cells have all been trained."""

WHOLE_TABLE, OFFLINE_TABLE = "nasbench201-full-cifar10", "nasbench201-cifar10"
"""Where accuracies of cells are read: the table with test accuracies where it is imported, else the offline one."""


OTHER_TABLES = ("nasbench201-cifar100", "nasbench201-imagenet16-120")
"""The same cells on two other data sets."""


def cell_table(request: FigureRequest) -> Benchmark:
    """The table in which the accuracies of derived cells are read: the request's, or CIFAR-10's.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
        UnknownNameError, DataError: as in `open_benchmark`.
    """
    benchmark = open_benchmark(request.benchmark or (WHOLE_TABLE if is_here(WHOLE_TABLE) else OFFLINE_TABLE))
    if benchmark.space.name != CELL_SPACE:
        raise ConfigurationError(
            f"Cells of NAS-Bench-201 have no accuracy in {benchmark.name!r}. Use --benchmark {OFFLINE_TABLE}."
        )
    return benchmark


def cell_tables(request: FigureRequest) -> dict[str, Benchmark]:
    """The tables in which accuracies of cells are read, CIFAR-10 first, by name; the request's own alone if it has one.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    if request.benchmark is not None:
        return {request.benchmark: cell_table(request)}
    return {OFFLINE_TABLE: cell_table(request)} | {name: open_benchmark(name) for name in OTHER_TABLES}


def accuracy_column(benchmark: Benchmark) -> str:
    """The column that cells are judged by: the evaluation, which is the signal where a table has no other."""
    return benchmark.evaluation


def described_table(benchmark: Benchmark) -> str:
    """Table and column that cells are judged by, as captions and manifests name them."""
    return f"{benchmark.name}, {accuracy_column(benchmark)}"


def cell_accuracies(benchmark: Benchmark, genes: Genes) -> Float[np.ndarray, " n"]:
    """The accuracy `(n,)` of cells `(n, 6)` as a fraction; NaN where the table knows none."""
    return np.asarray(benchmark.lookup(genes, accuracy_column(benchmark)), np.float64)
