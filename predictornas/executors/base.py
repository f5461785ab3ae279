"""What a task is, and what every executor does with many of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from predictornas.errors import ConfigurationError

WhatT = TypeVar("WhatT")
ResultT = TypeVar("ResultT")

Tell = Callable[[int], None]
"""Told how many units of work (evaluations, epochs) were just done."""


@dataclass(frozen=True)
class Task(Generic[WhatT]):
    """One piece of work.

    Attributes:
        what: all that the function needs to know; picklable.
        target: the one file or folder that the task writes.
    """

    what: WhatT
    target: Path


@runtime_checkable
class Executor(Protocol):
    """Runs many tasks that do not depend on each other; what they leave does not depend on the executor."""

    def run(
        self,
        function: Callable[[WhatT, Path, Tell], ResultT],
        tasks: Iterable[Task[WhatT]],
        *,
        tell: Tell = ...,
    ) -> Generator[tuple[Task[WhatT], ResultT], None, None]:
        """Yields every task with its result as soon as it is done, in any order.

        Tasks are drawn from the iterable one by one, each only when a worker is free for it, so that whoever gives them
        may claim them at that moment. Every task computes on one thread. A closed generator, or an error, kills what
        still runs: what was written is whole or absent.

        Args:
            function: called with `what`, the target, and whom to tell about units of work. It writes the target (whole
                or absent, or a journal) and may continue from what lies there. Picklable for other processes.
            tasks: what to call it with, each with a target of its own.
            tell: called in this process with what the function tells.

        Raises:
            Exception: what a task raised.
            PredictorNASError: a worker died; says what to do.
        """
        ...


@dataclass(frozen=True)
class Landed:
    """A task that has ended.

    Attributes:
        task: the task.
        result: what the function gave; None where it raised.
        error: what it raised, or a `WorkerLostError`; None where it gave a result.
    """

    task: Task[Any]
    result: Any = None
    error: BaseException | None = None


@runtime_checkable
class Crew(Protocol):
    """Workers at hand: each takes a task whenever it is free, and one task that fails costs no other."""

    @property
    def running(self) -> int:
        """How many tasks run."""
        ...

    def has_room(self) -> bool:
        """Whether a worker is free for a further task."""
        ...

    def send(self, task: Task[Any]) -> None:
        """Gives a task to a free worker."""
        ...

    def landed(self, seconds: float | None = None) -> list[Landed]:
        """Waits until something happens, at most so long; the tasks that have ended by then, often none.

        It is asked only while something runs.
        """
        ...


@runtime_checkable
class Crewed(Executor, Protocol):
    """An executor whose workers can be given one task after the other, each chosen when a worker is free for it."""

    def crew(
        self, function: Callable[[WhatT, Path, Tell], ResultT], *, tell: Tell = ..., lives: int = ...
    ) -> AbstractContextManager[Crew]:
        """Workers for the time of a block; at its end what still runs is killed.

        Args:
            function: as in `Executor.run`.
            tell: as in `Executor.run`.
            lives: so often a task may lose its worker before it has done anything new; then it has failed.
        """
        ...


LIVES = 3
"""So often a task may lose its process before it has done anything new."""


def crewed(executor: Executor) -> Crewed:
    """The executor, if it can be given one task after the other.

    Raises:
        ConfigurationError: it takes only tasks that are all known beforehand.
    """
    if not isinstance(executor, Crewed):
        raise ConfigurationError(
            f"{type(executor).__name__} takes only tasks that are all known beforehand. Use the executor 'processes' "
            "or 'ray' where each task is chosen when a worker is free."
        )
    return executor


def run_with(crew: Crew, tasks: Iterable[Task[WhatT]]) -> Generator[tuple[Task[WhatT], Any], None, None]:
    """What `Executor.run` yields, with a crew at hand."""
    waiting, done = iter(tasks), list[Landed]()
    while True:
        while crew.has_room() and (task := next(waiting, None)) is not None:
            crew.send(task)
        for each in done:  # only now: while somebody looks at results, nobody waits for work
            yield each.task, each.result
        if not crew.running:
            return
        done = crew.landed()
        for each in done:
            if each.error is not None:
                raise each.error


class _Nothing:
    """An object, so that `help()` shows its name as a default and not an address."""

    def __call__(self, count: int) -> None:
        """Nothing."""

    def __repr__(self) -> str:
        return "nothing"


nothing = _Nothing()
"""Is told, and does nothing about it."""
