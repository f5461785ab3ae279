"""Benchmarks: tables of what was measured, opened by name, imported from files. Never needs torch."""

from predictornas.benchmarks.catalog import list_benchmarks, open_benchmark
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.recipes import ImportRecipe
from predictornas.benchmarks.table import Benchmark, Column, write_benchmark

__all__ = [
    "Benchmark",
    "Column",
    "ImportRecipe",
    "import_table",
    "list_benchmarks",
    "open_benchmark",
    "write_benchmark",
]
