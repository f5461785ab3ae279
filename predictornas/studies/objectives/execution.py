"""Runs a study of several objectives into its folder and writes what people look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from predictornas.errors import AtWorkError
from predictornas.executors import Executor, get_executor
from predictornas.observers import Observer, several
from predictornas.studies.gain.manifest import claim, read_manifest
from predictornas.studies.gain.runs import has_ended, tasks_of
from predictornas.studies.locks import locked
from predictornas.studies.objectives.page import write_objectives_page
from predictornas.studies.objectives.report import ObjectivesReport, report_on, write_report
from predictornas.studies.objectives.runs import RunObjectives, history_of
from predictornas.studies.objectives.study import ObjectivesStudy, OpenedObjectives
from predictornas.studies.pictures import Pictures
from predictornas.studies.tasks import Execution, Started, run_missing, silently

KIND = "objectives"


@dataclass(frozen=True)
class ObjectivesOutcome:
    """A study as far as it has been run.

    Attributes:
        folder: where everything is.
        history: as `predictornas.studies.objectives.runs.history_of`.
        report: what is said about it.
        missing: runs of the folder that have not ended: another command is at them.
        shared_noise: as `OpenedObjectives.shared_noise`.
    """

    folder: Path
    history: pl.DataFrame
    report: ObjectivesReport
    missing: int = 0
    shared_noise: tuple[tuple[str, str], ...] = ()


def run_objectives(
    study: ObjectivesStudy,
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    started: Started = silently,
    observers: Sequence[Observer] = (),
    pictures: Pictures | None = None,
) -> ObjectivesOutcome:
    """Runs what is missing of a study and writes all its outputs.

    A folder that holds this study is extended, also where it holds it with a smaller budget.

    Args:
        study: what to run.
        folder: where everything goes; created when missing.
        workers: processes; the results do not depend on it.
        executor: where to run instead, as `predictornas.executors.get_executor` gives it.
        started: told the number of evaluations of the whole study, gives back what is told about progress.
        observers: told what each run does, see `predictornas.Observer`; picklable where there are several processes.
        pictures: formats and style of the figures.

    Raises:
        AtWorkError: other commands are at all of its runs.
        ConfigurationError: the folder holds another study.
        StoreError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> from predictornas.studies.objectives.execution import run_objectives
        >>> from predictornas.studies.objectives.study import ObjectivesStudy
        >>> study = ObjectivesStudy(methods=("random", "nsga-ii"), budget=30, seeds=(0, 1))
        >>> run_objectives(study, Path(tempfile.mkdtemp())).report.summary["method"].to_list()
        ['nsga-ii', 'random']
    """
    opened = study.open()
    missing = advance_objectives(
        opened, folder, Execution(executor or get_executor(workers=workers), started, observers=several(observers))
    )
    return tell_objectives(opened, folder, missing, pictures)


def tell_objectives(
    opened: OpenedObjectives, folder: Path, missing: int, pictures: Pictures | None = None
) -> ObjectivesOutcome:
    """Writes all outputs of a study from the runs that have ended, without running any.

    Raises:
        AtWorkError: none has ended.
        StoreError: the folder cannot be written.
    """
    with locked(folder / "history.parquet"):
        manifest = read_manifest(folder, KIND) or {"methods": {}}
        runs = [task.what for task in tasks_of(manifest, folder) if has_ended(task)]
        if not runs:
            raise AtWorkError(f"Other commands are at all runs of {folder}. Start the same command again to see them.")
        history = history_of(folder, opened, runs)
        report = report_on(history, opened)
        write_report(folder, report, pictures)
        write_objectives_page(folder, opened, report, history, missing)
    return ObjectivesOutcome(folder, history, report, missing, opened.shared_noise)


def advance_objectives(opened: OpenedObjectives, folder: Path, execution: Execution) -> int:
    """Runs what is missing of a study and of what its folder holds, without looking at the results.

    Returns:
        The number of runs that have not ended: other commands or other parts have them.
    """
    manifest = claim(folder, opened, KIND)
    tasks = tasks_of(manifest, folder)
    known = [name for name, entry in manifest["methods"].items() if opened.knows(name, entry["strategy"])]
    mine = [task for task in tasks if task.what.method in known]
    evaluations = min(opened.study.budget, len(opened.space))
    run_missing(
        RunObjectives(opened, execution.observers),
        mine,
        is_done=has_ended,
        units=lambda _: evaluations,
        execution=execution,
    )
    return sum(not has_ended(task) for task in tasks)
