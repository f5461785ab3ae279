"""What a folder of searches shows, made anew from what lies in it: nothing is run, nothing has to be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.errors import ConfigurationError, StoreError
from predictornas.history import POOL_SCHEMA, SCHEMA
from predictornas.studies.commands import repeated
from predictornas.studies.gain.epoch_report import EpochReport
from predictornas.studies.gain.execution import HISTORY, POOLS, Kept, Outcome, tell_epoch_study, tell_study
from predictornas.studies.gain.manifest import KIND, read_manifest, study_in
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.run_tables import POLARS
from predictornas.studies.gain.runs import has_ended, tasks_of
from predictornas.studies.objectives.execution import ObjectivesOutcome, tell_objectives
from predictornas.studies.objectives.study import ObjectivesStudy
from predictornas.studies.pictures import Pictures
from predictornas.studies.tidy_tables import read_table


def report_study(
    folder: Path, pictures: Pictures | None = None
) -> tuple[OpenedStudy, Outcome | tuple[pl.DataFrame, EpochReport, int]]:
    """Writes the tables, figures and report of a folder of `gain` or `search` anew, from the runs that have ended.

    Where the journals of the runs are gone, as in a folder that was handed on, its history is enough.

    Args:
        folder: that holds a study.
        pictures: formats and style of the figures.

    Returns:
        The study, and what `run_study` gives, or `run_epoch_study` where it has a budget of epochs.

    Raises:
        ConfigurationError: the folder holds no study, or one of another table than the store has under that name.
        StoreError: no run has ended, or a file is damaged.
    """
    manifest = _manifest(folder, KIND)
    # a `module:attribute` is not looked at, for no folder makes a module of its choice be imported
    plain = [name for name in manifest["methods"] if ":" not in name]
    opened = open_study(study_in(manifest, plain or ["random"]))
    _check_same(folder, manifest["study"], opened.identity)
    tasks = tasks_of(manifest, folder)
    ended = [has_ended(task) for task in tasks]
    kept = None if any(task.target.exists() for task in tasks) else _kept(folder)
    missing = len(ended) - (sum(ended) if kept is None else kept[0]["run_id"].n_unique())
    if opened.study.budget_epochs is not None:
        return opened, tell_epoch_study(opened, folder, missing, pictures, kept=kept)
    return opened, tell_study(opened, folder, missing, pictures, kept=kept)


def report_objectives(folder: Path, pictures: Pictures | None = None) -> ObjectivesOutcome:
    """The same for a study of several objectives, whose journals must be there.

    Raises:
        ConfigurationError, StoreError: as in `report_study`.
    """
    manifest = _manifest(folder, "objectives")
    fixed = manifest["study"]
    opened = ObjectivesStudy(
        benchmark=fixed["benchmark"],
        objectives=tuple(fixed["objectives"]),
        limits=tuple(fixed["limits"]),
        known=tuple(fixed["known"]),
        methods=tuple(name for name in manifest["methods"] if ":" not in name) or ("random",),
        budget=fixed["budget"],
        seeds=tuple(sorted({seed for entry in manifest["methods"].values() for seed in entry["seeds"]})),
        signal=fixed["signal"],
        evaluation=_judge(fixed),
    ).open()
    _check_same(folder, fixed, opened.identity)
    ended = [has_ended(task) for task in tasks_of(manifest, folder)]
    if not any(ended):
        raise StoreError(f"No run of {folder} has ended. {repeated(folder)}")
    return tell_objectives(opened, folder, len(ended) - sum(ended), pictures)


def _judge(fixed: Mapping[str, Any]) -> str | None:
    """The column that judges what the signal drives; None where the signal drives no objective."""
    judged = dict(zip(fixed["searched"], fixed["evaluation"], strict=True))
    return judged.get(fixed["signal"])


def _manifest(folder: Path, kind: str) -> dict[str, Any]:
    manifest = read_manifest(folder, kind)
    if manifest is None:
        raise ConfigurationError(f"{folder} holds no study. Name a folder that `gain` or `search` wrote.")
    return manifest


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    if changed:
        details = ", ".join(f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in changed)
        raise ConfigurationError(
            f"{folder} was made with another table or version than are here: {details}. Its report.html stays as it "
            "is; import the table that it was made with to write it anew."
        )


def _kept(folder: Path) -> Kept:
    """History and pools of a folder whose journals are gone."""
    remedy = repeated(folder)
    if not (folder / HISTORY).exists():
        raise StoreError(f"No run of {folder} has ended. {remedy}")
    history, pools = (
        read_table(folder / name, {column: POLARS[kind] for column, kind in schema.items()}, remedy=remedy)
        for name, schema in ((HISTORY, SCHEMA), (POOLS, POOL_SCHEMA))
    )
    if history.is_empty():
        raise StoreError(f"No run of {folder} has ended. {remedy}")
    return history, pools
