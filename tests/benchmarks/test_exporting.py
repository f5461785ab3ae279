from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.exporting import export_table, table_frame
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.recipes import Architecture, ImportRecipe, Measured
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError
from predictornas.spaces.registry import get_space

GENES = np.array([[3, 0, 1, 2, 4, 3], [0, 0, 0, 0, 0, 0]], np.int8)


@pytest.fixture
def table(tmp_path: Path) -> Benchmark:
    column = Column.named(metric="accuracy", split="valid", epochs=9, run="0")
    size = Column.named(metric="parameters", nullable=True)
    return write_benchmark(
        tmp_path / "table",
        name="two",
        space=get_space("nasbench201"),
        genes=GENES,
        columns={column: np.array([0.25, 0.5]), size: np.array([np.nan, 7.0])},
        signal=column.name,
        evaluation=None,
        source={},
        licence="own",
    )


def test_a_frame_has_key_genes_notation_and_every_column(table: Benchmark) -> None:
    frame = table_frame(table)
    assert frame.columns == ["key", "genes", "notation", "valid_accuracy_9_run0", "parameters"]
    assert frame["genes"].to_list() == ["3,0,1,2,4,3", "0,0,0,0,0,0"]
    assert frame["key"].to_list() == get_space("nasbench201").keys(GENES).tolist()
    assert frame["notation"].to_list() == [get_space("nasbench201").describe(row) for row in GENES]
    assert frame["parameters"].to_list() == [None, 7.0]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("where", [{"genes": ("genes",)}, {"string": "notation"}])
def test_what_goes_out_comes_back(ending: str, where: dict, table: Benchmark, store: Path, tmp_path: Path) -> None:
    path = tmp_path / f"two.{ending}"
    assert export_table(table, path) == 2
    accuracy = Column.named(metric="accuracy", split="valid", epochs=9, run="0")
    columns = (Measured("valid_accuracy_9_run0", accuracy),)
    recipe = ImportRecipe("nasbench201", Architecture(**where), columns, "valid_accuracy_9_run0", licence="own")
    again = import_table("again", path, recipe=recipe)
    assert again.genes.tolist() == GENES.tolist()
    assert again.values(again.signal).tolist() == [0.25, 0.5]


def test_cells_of_nasbench101_are_written_as_the_space_writes_them() -> None:
    table = open_benchmark("nasbench101-digits")
    frame = table_frame(table)
    rows = np.linspace(0, len(table) - 1, 12).astype(int)
    assert frame["notation"].gather(rows).to_list() == [table.space.describe(row) for row in table.genes[rows]]


def test_other_endings_are_refused(table: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.parquet or \.csv"):
        export_table(table, tmp_path / "table.json")
    assert isinstance(table_frame(table), pl.DataFrame)
