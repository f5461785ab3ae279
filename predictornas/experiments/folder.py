"""A study's output folder: which study it holds, its journals, and the tidy tables made from them."""

from __future__ import annotations

import datetime
import itertools
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, StoreError
from predictornas.experiments.runs import journal_path
from predictornas.experiments.study import Study, describe, run_identity
from predictornas.experiments.tables import write_table
from predictornas.files import write_json
from predictornas.history import POOL_SCHEMA, SCHEMA
from predictornas.journal import read_records

MANIFEST = "manifest.json"

_FIXED = ("benchmark", "signal", "evaluation", "budget", "preset", "engine", "warm_start")

_POLARS: dict[str, Any] = {
    "str": pl.String,
    "int64": pl.Int64,
    "uint64": pl.UInt64,
    "float64": pl.Float64,
    "list[int8]": pl.List(pl.Int8),
}


def claim(folder: Path, study: Study, benchmark: Benchmark) -> dict[str, Any]:
    """Makes `folder` the output of `study`, or joins what it already holds, and returns the manifest.

    Raises:
        ConfigurationError: the folder holds another study; names what differs.
        StoreError: the folder cannot be written, or its manifest cannot be read.
    """
    identity = study.identity(benchmark)
    manifest = read_manifest(folder)
    if manifest is None:
        manifest = {"study": identity, "methods": {}, "created": _now(), "made_with": []}
    elif manifest["study"] != identity:
        before = manifest["study"]
        changed = [name for name in identity if before.get(name) != identity[name]]
        details = ", ".join(f"{name} was {before.get(name)!r} and is {identity[name]!r}" for name in changed)
        raise ConfigurationError(f"{folder} holds another study: {details}. Choose another --out.")
    for method in study.methods:
        strategy = describe(study.strategy(method))
        entry = manifest["methods"].setdefault(method, {"strategy": strategy, "seeds": []})
        if entry["strategy"] != strategy:
            raise ConfigurationError(
                f"{folder} holds runs of {method!r} in another configuration, made by another version. "
                "Choose another --out."
            )
        entry["seeds"] = sorted({*entry["seeds"], *study.seeds})
    made_with = surroundings()
    if not manifest["made_with"] or _without_time(manifest["made_with"][-1]) != _without_time(made_with):
        manifest["made_with"].append(made_with)  # runs may be older than the figures: earlier entries stay
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a study's folder; None where there is none.

    Raises:
        StoreError: a manifest that cannot be read.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = json.loads(path.read_text())
        complete = isinstance(manifest["study"], dict) and isinstance(manifest["methods"], dict)
        complete = complete and isinstance(manifest["made_with"], list)
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise StoreError(f"{path} is no manifest of a study. Choose another --out, or move the file away.")
    return dict(manifest)


def study_in(manifest: Mapping[str, Any], methods: Sequence[str] | None = None) -> Study:
    """The study that a manifest describes, with all its seeds.

    Args:
        manifest: of `read_manifest`.
        methods: instead of all of its methods.
    """
    fixed = {name: manifest["study"][name] for name in _FIXED}
    seeds = sorted({seed for entry in manifest["methods"].values() for seed in entry["seeds"]})
    return Study(
        methods=tuple(methods or manifest["methods"]),
        seeds=tuple(seeds),
        budget_epochs=manifest["study"].get("budget_epochs"),
        **fixed,
    )


def surroundings() -> dict[str, Any]:
    """What results depend on beside their configuration: versions, commit, threads, machine type; and the time."""
    names = ("predictornas", "torch", "numpy", "scipy", "polars")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names},
        "commit": _commit(),
        "threads_per_worker": 1,
        "machine": platform.machine(),
        "from": _now(),
    }


def _without_time(surroundings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in surroundings.items() if name != "from"}


def _commit() -> str | None:
    """The commit of the checkout that the package runs from, with "+changes" where files differ; None elsewhere."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, encoding="utf-8"
        ).stdout

    try:
        changes = git("status", "--porcelain", "--untracked-files=no").strip()
        return git("rev-parse", "HEAD").strip() + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def consolidate(
    folder: Path, manifest: Mapping[str, Any], study: Study, benchmark: Benchmark, targets: Sequence[float]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Writes `history.parquet` and `pools.parquet` from the journals of every run that the manifest lists.

    Args:
        folder: the study's folder.
        manifest: what `claim` returned.
        study: gives the strategies of the methods.
        benchmark: the evaluation column is joined from it.
        targets: the grid of target errors on which pool hits were counted.
    """
    evaluations: list[dict[str, Any]] = []
    pools: list[dict[str, Any]] = []
    for method in sorted(manifest["methods"]):
        strategy = study.strategy(method)
        for seed in manifest["methods"][method]["seeds"]:
            identity = run_identity(manifest["study"], method, strategy, seed)
            records = read_records(journal_path(folder, identity["run_id"]))
            evaluations += evaluation_rows(identity, records)
            for record in records:
                if "pool_hits" in record:
                    pools += _pool_rows(identity, record, targets)
    history = _with_evaluation(history_frame(evaluations), benchmark)
    pool_frame = _frame(pools, POOL_SCHEMA)
    write_table(folder / "history.parquet", history)
    write_table(folder / "pools.parquet", pool_frame)
    return history, pool_frame


def evaluation_rows(identity: Mapping[str, Any], records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a history that a run's journal holds."""
    return [{**identity, **record} for record in _with_recommendations(records)]


def history_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """A history with the columns of `predictornas.history.SCHEMA`; null where a row has no such value."""
    return _frame(rows, {**SCHEMA})


def _with_recommendations(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The evaluations of a run in order, each with the last recommendation made from it and those before it.

    A recommendation of iteration t knows all evaluations of the iterations before t.
    """
    made = {record["iteration"]: record["recommended"] for record in records if "recommended" in record}
    rows = sorted((record for record in records if record["kind"] == "evaluation"), key=lambda row: row["order"])
    last = [row["iteration"] != after["iteration"] for row, after in itertools.pairwise(rows)] + [True]
    return [{**row, "recommended": made.get(row["iteration"] + ends)} for row, ends in zip(rows, last, strict=False)]


def _pool_rows(identity: dict[str, Any], record: dict[str, Any], targets: Sequence[float]) -> list[dict[str, Any]]:
    facts = {
        **identity,
        "iteration": record["iteration"],
        "pool_size": record["pool_size"],
        "pool_filled": record.get("filled"),
    }
    return [
        {**facts, "target_error": target, "pool_hits": hits}
        for target, hits in zip(targets, record["pool_hits"], strict=True)
    ]


def _frame(rows: list[dict[str, Any]], schema: Mapping[str, str]) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema={name: _POLARS[kind] for name, kind in schema.items()})


def _with_evaluation(history: pl.DataFrame, benchmark: Benchmark) -> pl.DataFrame:
    if benchmark.evaluation is None or history.is_empty():
        return history
    rows = benchmark.rows(history["key"].to_numpy())
    values = benchmark.values(benchmark.evaluation)[rows].astype(np.float64)
    return history.with_columns(pl.Series("evaluation", values).fill_nan(None))
