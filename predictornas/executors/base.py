"""What a task is, and what every executor does with many of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

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


def nothing(_: int) -> None:
    """Is told, and does nothing about it."""
