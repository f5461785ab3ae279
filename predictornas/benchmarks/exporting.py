"""Tables go out: one row an architecture, with key, genes and notation, as parquet or CSV."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError
from predictornas.files import writing_file
from predictornas.frames import write_parquet
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_text import one_line
from predictornas.spaces.registry import space_of_file

ENDINGS = (".parquet", ".csv")


def table_frame(benchmark: Benchmark) -> pl.DataFrame:
    """A table in row order: `key`, `genes` (numbers with commas), `notation`, then its columns; NaN is null.

    Example:
        >>> from predictornas import open_benchmark
        >>> from predictornas.benchmarks.exporting import table_frame
        >>> frame = table_frame(open_benchmark("nasbench101-digits"))
        >>> frame.shape, frame.columns[:4]
        ((2532, 37), ['key', 'genes', 'notation', 'valid_accuracy_1_run0'])
        >>> frame["notation"][0]
        '01/00 input,output'
    """
    space = space_of_file(benchmark.manifest["space"])
    genes = benchmark.genes
    head = {
        "key": pl.Series(benchmark.keys),
        "genes": [",".join(map(str, row)) for row in genes.tolist()],
        "notation": _descriptions(space, genes),
    }
    values = {name: pl.Series(benchmark.values(name)).fill_nan(None) for name in benchmark.columns}
    return pl.DataFrame({**head, **values})


def export_table(benchmark: Benchmark, path: Path) -> int:
    """Writes `table_frame` to a file; a recipe that names its column `genes` or `notation` imports it again.

    Returns:
        The number of rows.

    Raises:
        ConfigurationError: another ending than .parquet or .csv.
        StoreError: the file cannot be written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ConfigurationError(f"{path.name[:200]!r} has to end in {' or '.join(ENDINGS)}.")
    frame = table_frame(benchmark)
    with writing_file(path) as temporary:
        frame.write_csv(temporary) if path.suffix.lower() == ".csv" else write_parquet(frame, temporary)
    return len(frame)


def _descriptions(space: SearchSpace, genes: Genes) -> list[str]:
    if isinstance(space, NASBench101):  # all graphs at once: 423,624 cells in seconds
        graphs = space.graphs(genes)
        return [one_line(matrix, codes) for matrix, codes in zip(graphs.adjacency, graphs.operations, strict=True)]
    return [space.describe(row) for row in genes]
