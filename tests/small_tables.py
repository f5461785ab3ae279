"""A table of four architectures in a file, and what its columns mean."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.recipes import Architecture, ImportRecipe, Measured
from predictornas.spaces.nasbench201 import NASBench201, to_string

ARCH = [to_string(row) for row in NASBench201().enumerate()[:4]]
RUN0, RUN1 = (Column.named(metric="accuracy", split="valid", epochs=9, run=run) for run in ("0", "1"))
RECIPE = ImportRecipe(
    "nasbench201",
    Architecture(string="arch"),
    (Measured("a", RUN0), Measured("b", RUN1)),
    signal=RUN0.name,
    evaluation=RUN1.name,
    licence="MIT",
)


def write_table(file: Path, values: list[float]) -> Path:
    pl.DataFrame({"arch": ARCH, "a": values, "b": values[::-1]}).write_csv(file)
    return file
