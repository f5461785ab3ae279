"""The same super-network search at several seeds: a folder each, and what they have in common as tidy tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.analysis.statistics import SHARE, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError
from predictornas.executors import Task, Tell
from predictornas.live.devices import kind_of_device, listed_devices, own_device
from predictornas.observers import Observer
from predictornas.report.repeating import seeds_text
from predictornas.studies.folder import owner_of, take, write_manifest
from predictornas.studies.pictures import Pictures
from predictornas.studies.provenance import surroundings
from predictornas.studies.supernet_run import SuperNetworkRun, run_supernet, seed_folder
from predictornas.studies.tasks import Execution, run_all
from predictornas.studies.tidy_tables import write_table

KIND = "supernet-seeds"

CELL_SPACE, CELL_TABLE = "nasbench201", "nasbench201-cifar10"
"""The space whose cells have all been trained, and the table that comes along with their accuracies on CIFAR-10."""

QUANTITIES = ("validation_accuracy", "entropy", "skip_share", "table_accuracy")
"""Columns of the table of seeds that are summarised; all of them shares."""


@dataclass(frozen=True)
class SeededSearches:
    """What searches of several seeds arrived at.

    Attributes:
        seeds: one row a seed: `seed`, `architecture`, `epochs`, `validation_accuracy` of the super-network,
            `entropy` of an edge's importance and `skip_share` of the architecture (means over cells), `seconds`, and in
            NAS-Bench-201 `table_accuracy`, that of the architecture in `CELL_TABLE`.
        summary: one row a quantity: `quantity`, `mean`, `std`, `low`, `high`, `runs`.
        warnings: what is to be known of single seeds or of all.
    """

    seeds: pl.DataFrame
    summary: pl.DataFrame
    warnings: tuple[str, ...]


def run_seeds(
    run: SuperNetworkRun,
    seeds: Sequence[int],
    folder: Path,
    *,
    execution: Execution | None = None,
    pictures: Pictures | None = None,
) -> SeededSearches:
    """Runs the search at every seed in `folder/seed-N`, or goes on, and writes `seeds.csv` and `summary.csv`.

    Args:
        run: the search; its own seed is not looked at. Of several devices, `cuda:0,cuda:1`, each worker has one.
        seeds: each once.
        folder: of all.
        execution: where the searches are run; one after the other in this process by default.
        pictures: formats and style of the figures of each.

    Raises:
        ConfigurationError: no seeds, or as in `run_supernet`.
        AtWorkError: another command is at some of the searches.
        CheckpointError, DataError, JournalError, StoreError: as in `run_supernet`.
    """
    if not seeds:
        raise ConfigurationError("No seeds were named. Say how many, or which: --seeds 3, or --seeds 4,7.")
    devices = listed_devices(run.device)
    runs = [replace(run, seed=seed) for seed in seeds]
    for each in runs:
        job, images = replace(each, device=devices[0]).prepared()
        job.check(images)
    execution = execution or Execution()
    tasks = [Task(_Seeded(each, pictures, execution.observers), folder / seed_folder(each.seed)) for each in runs]
    take(folder, KIND)
    run_all(_search, tasks, is_done=_is_done, units=lambda _: job.epochs, execution=execution)
    found = read_seeds([task.target for task in tasks])
    write_table(folder / "seeds.csv", found.seeds)
    write_table(folder / "summary.csv", found.summary)
    options = {name: value for name, value in asdict(run).items() if name != "seed"}
    facts = {"options": options | {"seeds": seeds_text(list(seeds))}, "made_with": surroundings()}
    write_manifest(folder, KIND, {"method": run.method, **facts, "warnings": list(found.warnings)})
    return found


def read_seeds(folders: Sequence[Path]) -> SeededSearches:
    """What the searches in some folders of `run_supernet` arrived at, one a seed.

    Raises:
        StoreError: a manifest is damaged.
    """
    rows, warnings = [], []
    for folder in folders:
        facts = owner_of(folder)[1]
        cells = pl.read_csv(folder / "cells.csv")
        last = cells.filter(pl.col("epoch") == pl.col("epoch").max())
        epochs = pl.read_csv(folder / "epochs.csv", infer_schema_length=None)
        seed = facts["search"]["seed"]
        rows.append(
            {
                "seed": seed,
                "architecture": facts["architecture"],
                "epochs": len(epochs),
                "validation_accuracy": epochs["validation_accuracy"].cast(pl.Float64)[-1],
                "entropy": last["entropy"].cast(pl.Float64).mean(),
                "skip_share": last["skip_share"].cast(pl.Float64).mean(),
                "seconds": facts["seconds"],
                **_in_table(facts["search"]["space"], facts["genes"]),
            }
        )
        warnings += [f"Seed {seed}: {text}" for text in facts["warnings"]]
    seeds = pl.DataFrame(rows, schema_overrides={"validation_accuracy": pl.Float64})
    known = [name for name in QUANTITIES if name in seeds.columns]
    parts = [
        over_seeds(seeds.with_columns(quantity=pl.lit(name)), ["quantity"], name, bounds=SHARE).select(
            "quantity", "mean", "std", "low", "high", "runs"
        )
        for name in known
        if seeds[name].null_count() < len(seeds)
    ]
    return SeededSearches(seeds, pl.concat(parts), tuple(warnings))


@dataclass(frozen=True)
class _Seeded:
    """One of the searches, and how its figures are drawn."""

    run: SuperNetworkRun
    pictures: Pictures | None
    observers: tuple[Observer, ...] = ()


def _search(what: _Seeded, folder: Path, tell: Tell) -> None:
    run = replace(what.run, device=own_device(what.run.device))
    job, images = run.prepared()
    run_supernet(
        run.method,
        job,
        images,
        folder,
        started=lambda _: tell,
        observers=what.observers,
        pictures=what.pictures,
        asked=run,
    )


def _is_done(task: Task[_Seeded]) -> bool:
    """Whether exactly this search has come to its end there; another one has to be refused by its checkpoint."""
    if not task.target.is_dir():
        return False
    asked: dict[str, Any] = json.loads(json.dumps(asdict(task.what.run)))
    found = owner_of(task.target)[1].get("options")
    return found is not None and _of_any_device(found) == _of_any_device(asked)


def _of_any_device(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a search, apart from which of several equal devices it had."""
    return {**options, "device": kind_of_device(options["device"])}


def _in_table(space: str, genes: Sequence[int]) -> dict[str, float]:
    """The accuracy of a cell that has been trained, as the table has it that comes along."""
    if space != CELL_SPACE:
        return {}
    benchmark = open_benchmark(CELL_TABLE)
    found = benchmark.lookup(np.array([genes], dtype=np.int8), benchmark.evaluation)
    return {"table_accuracy": float(found[0])}
