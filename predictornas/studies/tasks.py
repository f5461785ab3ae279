"""The engine of all studies: of many tasks with a target each, it runs those that are missing.

It never knows what a task does. A task that another command is at, on this machine or another one that sees the same
folder, is left to it; nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from predictornas.errors import AtWorkError, BusyJournalError, ConfigurationError
from predictornas.executors import Executor, Task, Tell
from predictornas.executors.serial import Serial
from predictornas.observers import Observer
from predictornas.studies.locks import Locks

WhatT = TypeVar("WhatT")

Started = Callable[[int], Tell]
"""Told the units of work of a whole study when it begins; gives back whom to tell about those that are done."""


class _Silently:
    """Nobody looks at the progress; an object, so that `help()` shows its name as a default and not an address."""

    def __call__(self, _: int) -> Tell:
        return lambda __: None

    def __repr__(self) -> str:
        return "silently"


silently = _Silently()
"""The default of `started`."""


@dataclass(frozen=True)
class Share:
    """What one of several jobs takes of the tasks, as in an array of a cluster's queue.

    Attributes:
        part: 1 .. `of`.
        of: number of jobs.

    Raises:
        ConfigurationError: no part of so many.

    Example:
        >>> Share.parse("3/20")
        Share(part=3, of=20)
        >>> [Share(part, 3).takes(range(8)) for part in (1, 2, 3)]
        [[0, 3, 6], [1, 4, 7], [2, 5]]
    """

    part: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.part <= self.of:
            raise ConfigurationError(f"There is no part {self.part} of {self.of}. Parts are 1/N to N/N.")

    @classmethod
    def parse(cls, text: str) -> Share:
        """The share that `PART/OF` says.

        Raises:
            ConfigurationError: another text, or no part of so many.
        """
        part, slash, of = text.partition("/")
        if not slash or not part.strip().isdecimal() or not of.strip().isdecimal():
            raise ConfigurationError(f"A part is written as 3/20, the third of twenty, not {text!r}.")
        return cls(int(part), int(of))

    def takes(self, tasks: Sequence[WhatT]) -> list[WhatT]:
        """Its tasks; together the parts have every task once."""
        return list(tasks[self.part - 1 :: self.of])


@dataclass(frozen=True)
class Execution:
    """How the tasks of a study are run; results do not depend on it.

    Attributes:
        executor: where.
        started: how progress is shown.
        share: which of the tasks; all where None.
        observers: told what searches do; picklable where the executor has processes.
    """

    executor: Executor = field(default_factory=Serial)
    started: Started = silently
    share: Share | None = None
    observers: tuple[Observer, ...] = ()


def run_missing(
    function: Callable[[WhatT, Path, Tell], object],
    tasks: Sequence[Task[WhatT]],
    *,
    is_done: Callable[[Task[WhatT]], bool],
    units: Callable[[Task[WhatT]], int] = lambda _: 1,
    execution: Execution,
) -> list[Task[WhatT]]:
    """Runs every task whose target is not done yet and that no other command is at.

    A task that another command had, and did not finish, is run here in the end. Locks are beside the targets.

    Args:
        function: as in `predictornas.executors.Executor.run`; writes the target of one task.
        tasks: in the order in which they are begun, every target once.
        is_done: whether a target is complete, cheaply.
        units: of work of a task, for the progress.
        execution: where, which share, and how progress is shown.

    Returns:
        The tasks that are not done: other commands are at them, or other parts have them.

    Raises:
        PredictorNASError: what a task raised, a worker died, or a folder cannot be written. What was done is kept.
    """
    tell = execution.started(sum(map(units, tasks)))
    missing = [task for task in tasks if not is_done(task)]
    lacking = {task.target for task in missing}
    tell(sum(units(task) for task in tasks if task.target not in lacking))
    mine = {task.target for task in _shared(tasks, execution.share)}
    left = [task for task in missing if task.target in mine]
    with Locks() as locks:
        locks.sweep(task.target for task in tasks if task.target not in lacking)
        while left:
            finished = _run_once(_UnlessBusy(function), left, locks, is_done, units, execution.executor, tell)
            left = [task for task in left if not is_done(task)]
            if not finished:
                break
    return [task for task in missing if not is_done(task)]


def run_all(
    function: Callable[[WhatT, Path, Tell], object],
    tasks: Sequence[Task[WhatT]],
    *,
    is_done: Callable[[Task[WhatT]], bool],
    units: Callable[[Task[WhatT]], int] = lambda _: 1,
    execution: Execution,
) -> None:
    """The same for studies that say nothing before everything is there.

    Raises:
        AtWorkError: other commands or other parts have some of the tasks.
        PredictorNASError: as in `run_missing`.
    """
    left = run_missing(function, tasks, is_done=is_done, units=units, execution=execution)
    if left:
        raise AtWorkError(
            f"What there was to do here is done; {len(left)} of {len(tasks)} tasks are with other commands or parts. "
            "The same command (without --part) shows the results when they are done."
        )


def _shared(tasks: Sequence[Task[WhatT]], share: Share | None) -> Sequence[Task[WhatT]]:
    """The tasks of a share, drawn from all in the order of their targets.

    Runs are named by a hash, so that every share has some of each method: in the order of the tasks, with as many
    methods as parts, one part would have all the costly ones.
    """
    return tasks if share is None else share.takes(sorted(tasks, key=lambda task: task.target))


def _run_once(
    function: Callable[[WhatT, Path, Tell], object],
    tasks: Sequence[Task[WhatT]],
    locks: Locks,
    is_done: Callable[[Task[WhatT]], bool],
    units: Callable[[Task[WhatT]], int],
    executor: Executor,
    tell: Tell,
) -> int:
    """Runs those of the tasks that can be locked; how many it has finished."""

    def claimed() -> Iterator[Task[WhatT]]:
        for task in tasks:
            if not locks.take(task.target):
                continue
            if is_done(task):  # by another command, since we looked
                tell(units(task))
                locks.free(task.target)
            else:
                yield task

    finished = 0
    with closing(executor.run(function, claimed(), tell=tell)) as results:
        for task, _ in results:
            locks.free(task.target)
            finished += is_done(task)
    return finished


@dataclass(frozen=True)
class _UnlessBusy(Generic[WhatT]):
    """A function that leaves a task alone whose journal another command writes.

    That one has taken its lock from us because this command was stopped for long, or we from it and it continues now.
    """

    function: Callable[[WhatT, Path, Tell], object]

    def __call__(self, what: WhatT, target: Path, tell: Tell) -> None:
        with suppress(BusyJournalError):
            self.function(what, target, tell)
