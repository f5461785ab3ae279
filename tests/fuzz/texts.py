"""Entries: recipes of tables and printed architectures."""

from __future__ import annotations

import json
from pathlib import Path

from predictornas.benchmarks.recipe_files import load_recipe
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space
from predictornas.studies.retraining import read_architecture
from tests.fuzz.engine import Entry
from tests.fuzz.mutations import any_of, mutated_bytes, mutated_json, mutated_numbers, with_pieces

_RECIPE = {
    "space": "nasbench201",
    "architecture": {"string": "arch"},
    "columns": [
        {"source": "a", "metric": "accuracy", "split": "valid", "epochs": 200, "run": "0", "unit": "percent"},
        {"source": "b", "metric": "accuracy", "split": "valid", "epochs": 200, "run": "mean"},
        {"source": "c", "metric": "latency_seconds", "unit": "milli", "missing": [-1], "nullable": True},
    ],
    "derived": [
        {"metric": "accuracy", "split": "test", "run": "rest", "weights": {"a": 1.5, "b": -0.5}, "steps": 10},
        {"metric": "accuracy", "split": "test", "run": "mean", "mean_of": ["a", "b"]},
    ],
    "signal": "valid_accuracy_200_run0",
    "evaluation": "test_accuracy_rest",
    "licence": "MIT",
    "join": {"space": "nasbench201", "architecture": {"string": "x"}, "columns": [], "signal": "y"},
}


def recipe(folder: Path) -> Entry:
    """A recipe as JSON."""
    path = folder / "recipe.json"
    path.write_text(json.dumps(_RECIPE), encoding="utf-8")
    return Entry(path, any_of(mutated_json, mutated_json, mutated_numbers, mutated_bytes), lambda: load_recipe(path))


def genotype(folder: Path) -> Entry:
    """A printed genotype in a file."""
    path = folder / "genotype.txt"
    path.write_text(str(NAMED_GENOTYPES["DARTS-V2"]), encoding="utf-8")
    ways = any_of(
        mutated_numbers, with_pieces(b"range(0, 9)", b"Genotype(", b"[" * 900, b"-" * 5000, b"(", b"'", b"**x")
    )
    return Entry(path, ways, lambda: read_architecture(get_space("darts"), str(path)).tolist())
