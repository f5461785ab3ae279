"""The runs of a study of several objectives, and the history made of their journals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from predictornas.errors import JournalError
from predictornas.executors import Tell
from predictornas.journal import Journal
from predictornas.observers import Observer
from predictornas.search.journaled import run_journaled
from predictornas.studies.gain.run_tables import Notation, read_run, run_history
from predictornas.studies.gain.runs import Run
from predictornas.studies.objectives.study import OpenedObjectives
from predictornas.studies.tidy_tables import write_table

SEARCHED, JUDGED = "searched_{}", "judged_{}"
"""Columns of a history: costs of a quantity as a search saw them, and as they are judged; null beyond a limit."""


@dataclass(frozen=True)
class RunObjectives:
    """Runs, or goes on with, one run of a study to the end of its budget.

    Attributes:
        opened: the study.
        observers: told what each run does.
    """

    opened: OpenedObjectives
    observers: tuple[Observer, ...] = ()

    def __call__(self, run: Run, journal_path: Path, tell: Tell) -> None:
        """Writes the journal of a run."""
        opened = self.opened
        with Journal(journal_path) as journal:
            search = run.search(opened.space, opened.strategy(run.method), self.observers)
            run_journaled(search, opened.oracle, opened.limits, journal, identity=run.identity, advance=tell)


def history_of(folder: Path, opened: OpenedObjectives, runs: Iterable[Run]) -> pl.DataFrame:
    """Writes `history.parquet` from the journals of runs that have ended, in the order of methods and seeds.

    Returns:
        The columns of `predictornas.history.SCHEMA` and, for each objective, `searched_NAME` and `judged_NAME`.

    Raises:
        JournalError: a damaged journal, or one of another study.
        StoreError: a journal cannot be read, or the table cannot be written.
    """
    frames, notation = [], Notation(opened.space)
    for run in sorted(runs, key=lambda run: (run.method, run.seed)):
        recorded = read_run(run.journal(folder))
        costs = recorded.costs_of()
        if costs is None or costs.shape[1] != len(opened.told):
            raise JournalError(f"{recorded.source} is of another study. Move the file away to start over.")
        frames.append(run_history(run.identity, recorded, notation))
    history = with_costs(pl.concat(frames), opened)
    write_table(folder / "history.parquet", history)
    return history


def with_costs(history: pl.DataFrame, opened: OpenedObjectives) -> pl.DataFrame:
    """A history with the objectives and the evaluation of its architectures, read from the table by their keys."""
    rows = opened.benchmark.rows(history["key"].to_numpy())
    columns = {}
    for template, costs in ((SEARCHED, opened.searched()), (JUDGED, opened.judged())):
        for objective, values in zip(opened.objectives, costs[rows].T, strict=True):
            columns[template.format(objective.name)] = pl.Series(values).fill_nan(None)
    if opened.benchmark.evaluation is not None:
        judged = opened.benchmark.values(opened.benchmark.evaluation)[rows]
        columns["evaluation"] = pl.Series(judged, dtype=pl.Float64).fill_nan(None)
    return history.with_columns(**columns)
