"""Entries: folders of our own, tables in the store and finished studies. Their checksums must notice everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.layout import MANIFEST, file_of
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.history import SCHEMA
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.studies.comparison import compare_folders
from predictornas.studies.folder import write_manifest
from predictornas.studies.gain.manifest import KIND, read_manifest
from predictornas.studies.tidy_tables import write_table
from tests.fuzz.engine import Entry, always
from tests.fuzz.mutations import Mutate, any_of, mutated_bytes, mutated_json, mutated_numbers, with_pieces
from tests.fuzz.tables import at_home, meaning_of

_ACCURACY = Column.named(metric="accuracy", split="valid", epochs=12, run="0")
_TEST = Column.named(metric="accuracy", split="test", epochs=12, run="mean")
_JSON = any_of(mutated_json, mutated_json, mutated_numbers, mutated_bytes)

_KINDS: dict[str, Any] = {
    "str": pl.String,
    "int64": pl.Int64,
    "uint64": pl.UInt64,
    "float64": pl.Float64,
    "list[int8]": pl.List(pl.Int8),
}


def store_manifest(folder: Path) -> Entry:
    """`manifest.json` of a table."""
    return _table(folder, MANIFEST, _JSON)


def store_column(folder: Path) -> Entry:
    """A column of a table, `.npy`."""
    return _table(folder, file_of(_ACCURACY), with_pieces(b"'shape': (", b"|O", b"PK\3\4"))


def store_genes(folder: Path) -> Entry:
    """The rows of a table, `.npy`."""
    return _table(folder, "genes.npy", with_pieces(b"'shape': (", b"|O", b"\x80\x04"))


def study_manifest(folder: Path) -> Entry:
    """`manifest.json` of a finished study, as `compare` reads it."""
    return _study(folder, MANIFEST, _JSON)


def study_history(folder: Path) -> Entry:
    """`history.parquet` of a finished study, as `compare` reads it."""
    return _study(folder, "history.parquet", with_pieces(b"PAR1", b"predictornas.sha256"))


def _table(folder: Path, file: str, mutate: Mutate) -> Entry:
    genes = NASBench201().enumerate()[:: 15_625 // 40][:40]
    rng = np.random.default_rng(0)
    table = write_benchmark(
        folder / "table",
        name="table",
        space=NASBench201(),
        genes=genes,
        columns={_ACCURACY: rng.random(len(genes)), _TEST: rng.random(len(genes))},
        signal=_ACCURACY.name,
        evaluation=_TEST.name,
        source={"file": "table.csv", "sha256": "0" * 64},
        licence="MIT",
    )

    def read() -> Any:
        opened = Benchmark.open(table.folder)
        return meaning_of(opened), opened.name, dict(opened.manifest["source"]), opened.manifest["licence"]

    return Entry(file=table.folder / file, mutate=mutate, read=read, must_notice=always)


def _study(folder: Path, file: str, mutate: Mutate) -> Entry:
    study = folder / "study"
    facts = {
        **{"protocol": 1, "benchmark": "toy", "data_sha256": "0" * 64, "signal": "run0", "evaluation": "rest"},
        **{"budget": 12, "preset": "quick", "engine": "indexed", "warm_start": False},
    }
    methods = {name: {"strategy": {"type": "RandomSearch", "initial": 4}, "seeds": [0, 1]} for name in ("a", "b")}
    manifest = {"study": facts, "methods": methods, "created": "2026-01-01T00:00:00+00:00", "made_with": [{"x": 1}]}
    write_manifest(study, KIND, manifest)
    write_table(study / "history.parquet", _history())

    def read() -> Any:
        with at_home(PREDICTORNAS_DATA=folder / "store"):
            found = compare_folders([study])
        tables = (found.errors, found.regret, found.pairs, found.ranks)
        return [table.write_ndjson() for table in tables], read_manifest(study)

    return Entry(file=study / file, mutate=mutate, read=read, must_notice=always)


def _history() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            **{"run_id": f"{method}{seed}", "method": method, "seed": seed, "iteration": order // 4, "order": order},
            **{"key": int(rng.integers(2**62)), "genes": [order % 5] * 6, "epochs": 12, "cost_epochs": 12.0},
            **{"value": rng.random(), "evaluation": rng.random(), "proposed_by": "initial"},
        }
        for method in "ab"
        for seed in (0, 1)
        for order in range(12)
    ]
    columns = {name: [row.get(name) for row in rows] for name in SCHEMA}
    return pl.DataFrame(columns, schema={name: _KINDS[kind] for name, kind in SCHEMA.items()})
