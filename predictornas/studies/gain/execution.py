"""Runs a study into its folder and writes what people look at: tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from predictornas.errors import AtWorkError, ConfigurationError, DataError
from predictornas.executors import Executor, get_executor
from predictornas.observers import Observer, several
from predictornas.studies.gain.epoch_report import (
    EpochReport,
    nominal_savings,
    report_on_epochs,
    write_epoch_report,
)
from predictornas.studies.gain.manifest import claim, read_manifest
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.page import write_epoch_page, write_gain_page
from predictornas.studies.gain.report import Report, report_on, write_report
from predictornas.studies.gain.run_tables import consolidate
from predictornas.studies.gain.runs import RunSearch, has_ended, tasks_of
from predictornas.studies.gain.study import Study
from predictornas.studies.locks import locked
from predictornas.studies.pictures import Pictures
from predictornas.studies.tasks import Execution, Started, run_missing, silently

HISTORY = "history.parquet"

POOLS = "pools.parquet"

Kept = tuple[pl.DataFrame, pl.DataFrame]
"""History and pools."""


@dataclass(frozen=True)
class Outcome:
    """A study as far as it has been run.

    Attributes:
        folder: where everything is.
        history: rows as in `predictornas.history.SCHEMA`, of every run in the folder that has ended.
        report: what is said about it.
        missing: runs of the folder that have not ended: another command is at them.
    """

    folder: Path
    history: pl.DataFrame
    report: Report
    missing: int = 0


def run_study(
    study: Study,
    folder: Path | str,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    started: Started = silently,
    observers: Sequence[Observer] = (),
    pictures: Pictures | None = None,
) -> Outcome:
    """Runs what is missing of a study and writes all its outputs.

    A folder that already holds this study is extended: its other methods and seeds stay and are finished too. So it is
    where it holds this study with a smaller budget: all of its runs go on, and are as if they had been given the larger
    one at once. Several commands may be at one folder, also on several machines that see it; each run is made by one
    of them.

    Args:
        study: what to run.
        folder: where everything goes; created when missing.
        workers: processes; the results do not depend on it.
        executor: where to run instead, as `predictornas.executors.get_executor` gives it.
        started: told the number of evaluations of the whole study, gives back what is told about progress.
        observers: told what each run does, see `predictornas.Observer`; picklable where there are several processes.
        pictures: formats and style of the figures.

    Returns:
        The history of every run in the folder that has ended, what is said about it, and how many have not ended.

    Raises:
        AtWorkError: other commands are at all of its runs.
        ConfigurationError: the folder holds another study.
        StoreError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from predictornas import Study, run_study
        >>> study = Study(methods=("random", "local-search"), budget=20, seeds=(0, 1))
        >>> outcome = run_study(study, Path(tempfile.mkdtemp()))
        >>> outcome.history.group_by("method").len().sort("method")["len"].to_list()
        [40, 40]
    """
    folder = Path(folder)
    execution = Execution(executor or get_executor(workers=workers), started, observers=several(observers))
    opened = open_study(study)
    return tell_study(opened, folder, advance_study(opened, folder, execution), pictures)


def tell_study(
    opened: OpenedStudy, folder: Path, missing: int, pictures: Pictures | None = None, *, kept: Kept | None = None
) -> Outcome:
    """Writes all outputs of a study from the runs that have ended, without running any.

    Args:
        opened: the study.
        folder: of the study.
        missing: runs of the folder that have not ended.
        pictures: formats and style of the figures.
        kept: history and pools of the folder, where its journals are gone.

    Raises:
        AtWorkError: none has ended.
        StoreError: the folder cannot be written.
    """
    with locked(folder / HISTORY):  # what is written last has seen the most
        history, pools = kept or collected(opened, folder)
        report = report_on(history, pools, opened.benchmark, opened.targets)
        write_report(folder, report, pictures)
        write_gain_page(folder, opened, report, history, missing)
    return Outcome(folder, history, report, missing)


def run_epoch_study(
    study: Study,
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    started: Started = silently,
    observers: Sequence[Observer] = (),
    pictures: Pictures | None = None,
) -> tuple[pl.DataFrame, EpochReport, int]:
    """Runs what is missing of a study and writes `history.parquet`, `epochs.csv`, `savings.csv` and their figure.

    Args:
        study: what to run, with `budget_epochs`.
        folder: where everything goes; extended where it holds this study.
        workers: processes; the results do not depend on it.
        executor: where to run instead.
        started: told the number of epochs of all runs, gives back what is told about progress.
        observers: told what each run does, see `predictornas.Observer`; picklable where there are several processes.
        pictures: formats and style of the figures.

    Returns:
        The history of all runs in the folder that have ended, the report on it, and how many runs have not: other
        commands are at them.

    Raises:
        AtWorkError: other commands are at all of its runs.
        ConfigurationError: the folder holds another study, or the study has no budget of epochs.
        StoreError: the folder cannot be written.
    """
    if study.budget_epochs is None:
        raise ConfigurationError("This study has no budget of epochs. Give one, or use run_study.")
    opened = open_study(study)
    missing = advance_study(
        opened, folder, Execution(executor or get_executor(workers=workers), started, observers=several(observers))
    )
    return tell_epoch_study(opened, folder, missing, pictures)


def tell_epoch_study(
    opened: OpenedStudy, folder: Path, missing: int, pictures: Pictures | None = None, *, kept: Kept | None = None
) -> tuple[pl.DataFrame, EpochReport, int]:
    """The same as `tell_study` for a study with a budget of epochs; returns what `run_epoch_study` does."""
    with locked(folder / HISTORY):
        history, _ = kept or collected(opened, folder)
        entries = (read_manifest(folder) or {"methods": {}})["methods"]
        known = [name for name, entry in entries.items() if opened.knows(name, entry["strategy"])]
        present = history["method"].unique().to_list()
        report = report_on_epochs(
            history, opened.benchmark, nominal_savings(opened, [name for name in known if name in present])
        )
        write_epoch_report(folder, report, pictures)
        write_epoch_page(folder, opened, report, history, missing)
    return history, report, missing


def advance_study(opened: OpenedStudy, folder: Path, execution: Execution) -> int:
    """Runs what is missing of a study and of what its folder holds, without looking at the results.

    Args:
        opened: the study.
        folder: as in `run_study`.
        execution: where, how much of it, and who is told.

    Returns:
        The number of runs that have not ended: other commands or other parts have them.

    Raises:
        ConfigurationError, StoreError: as in `run_study`.
    """
    manifest = claim(folder, opened)
    tasks = tasks_of(manifest, folder)
    known = [name for name, entry in manifest["methods"].items() if opened.knows(name, entry["strategy"])]
    mine = [task for task in tasks if task.what.method in known]
    run_missing(
        RunSearch(opened, execution.observers),
        mine,
        is_done=has_ended,
        units=lambda _: units_of(opened),
        execution=execution,
    )
    return sum(not has_ended(task) for task in tasks)


def units_of(opened: OpenedStudy) -> int:
    """The units of work of one run, for its progress: what its budget counts."""
    limits, everything = opened.study.limits, len(opened.benchmark.space)
    return {
        "epochs": limits.epochs or 0,
        "seconds": round(limits.seconds or 0),
        "evaluations": min(limits.evaluations or 0, everything),
    }[limits.unit]


def collected(opened: OpenedStudy, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """History and pools of the runs in a study's folder that have ended, also written there.

    Raises:
        AtWorkError: none has.
        DataError: none could pay for a training.
        StoreError: the folder cannot be written.
    """
    manifest = read_manifest(folder) or {"study": {}, "methods": {}}
    if manifest["study"].get("budget", opened.study.budget) != opened.study.budget:
        raise AtWorkError(f"Another command has raised the budget of {folder} meanwhile; it shows the results.")
    runs = [task.what for task in tasks_of(manifest, folder) if has_ended(task)]
    if not runs:
        raise AtWorkError(f"Other commands are at all runs of {folder}. Start the same command again to see them.")
    history, pools = consolidate(folder, opened, runs)
    if history.is_empty():
        raise DataError(f"No run in {folder} could pay for a training. Choose a larger budget, and another --out.")
    return history, pools
