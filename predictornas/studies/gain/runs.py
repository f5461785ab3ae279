"""The runs of a study as tasks of the engine: journaled, resumable, in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predictornas.executors import Task, Tell
from predictornas.journal import Journal, last_record
from predictornas.observers import Observer
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.study import journal_path, run_identity


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Attributes:
        run_id: hash of its whole configuration; names its journal.
        method: the method's name.
        seed: of everything random.
    """

    run_id: str
    method: str
    seed: int

    @property
    def identity(self) -> dict[str, Any]:
        """What its journal and the tables say of it."""
        return {"run_id": self.run_id, "method": self.method, "seed": self.seed}

    def search(self, space: SearchSpace, strategy: Strategy, observers: tuple[Observer, ...]) -> Search:
        """It at its beginning."""
        name = f"{self.method}-seed-{self.seed}"
        return Search(space, strategy, seed=self.seed, observers=observers, name=name)

    def journal(self, folder: Path) -> Path:
        """Where its journal lies inside the study's folder."""
        return journal_path(folder, self.run_id)


@dataclass(frozen=True)
class RunSearch:
    """Runs, or goes on with, one run of a study to the end of its budget.

    Attributes:
        opened: the study.
        observers: told what each run does.
    """

    opened: OpenedStudy
    observers: tuple[Observer, ...] = ()

    def __call__(self, run: Run, journal_path: Path, tell: Tell) -> None:
        """Writes the journal of a run."""
        opened = self.opened
        with Journal(journal_path) as journal:
            run_journaled(
                run.search(opened.benchmark.space, opened.strategy(run.method), self.observers),
                opened.oracle,
                opened.study.limits,
                journal,
                identity=run.identity,
                pool_hits=opened.pool_hits,
                advance=tell,
            )


def tasks_of(manifest: Mapping[str, Any], folder: Path) -> list[Task[Run]]:
    """A task for every run that a manifest lists: whole seeds first, so that an early look compares methods."""
    runs = [
        Run(**run_identity(manifest["study"], method, entry["strategy"], seed))
        for method, entry in manifest["methods"].items()
        for seed in entry["seeds"]
    ]
    runs.sort(key=lambda run: run.seed)
    return [Task(run, run.journal(folder)) for run in runs]


def has_ended(task: Task[Run]) -> bool:
    """Whether the journal of a run says that it has come to its end."""
    return last_record(task.target).get("kind") == "end"
