"""Workers that a test plays itself, and says which task ends next; and a task that kills those that are real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from predictornas.executors.base import Landed, Task, Tell, nothing
from predictornas.executors.processes import worker_number

Pick = Callable[[int], int]
"""Of so many tasks that run, the oldest first, which ends next."""


def oldest(running: int) -> int:
    """Tasks end in the order in which they were begun."""
    return 0


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Played:
    """An executor and its crew in one.

    Attributes:
        workers: tasks that run at once.
        pick: which ends next.
        lives: so many end before the process is killed; None for no end.
        seconds: that each wait takes, by which `clock` goes on.
        clock: seconds so far.
        sent: what every task was given.
        running_at: how many tasks ran whenever it was waited.
    """

    workers: int = 2
    pick: Pick = oldest
    lives: int | None = None
    seconds: float = 0.0
    clock: float = 0.0
    sent: list[Any] = field(default_factory=list)
    running_at: list[int] = field(default_factory=list)
    _tasks: list[Task[Any]] = field(default_factory=list)

    def run(self, function: Any, tasks: Any, *, tell: Any = nothing) -> Any:
        """Nothing here is run so."""
        raise NotImplementedError

    @contextmanager
    def crew(self, function: Any, *, tell: Any = nothing, lives: int = 1) -> Iterator[Played]:
        """Itself."""
        self._function, self._tell, self._tasks = function, tell, []
        yield self

    @property
    def running(self) -> int:
        """Tasks that run."""
        return len(self._tasks)

    def has_room(self) -> bool:
        """Whether a further one may."""
        return self.running < self.workers

    def send(self, task: Task[Any]) -> None:
        """Lets a task run."""
        assert self.has_room()
        assert task.target not in [other.target for other in self._tasks]
        self._tasks.append(task)
        self.sent.append(task.what)

    def landed(self, seconds: float | None = None) -> list[Landed]:
        """The picked one, or nobody where there is less time than a task takes."""
        self.running_at.append(self.running)
        if seconds is not None and seconds < self.seconds:
            self.clock += seconds
            return []
        self.clock += self.seconds
        if self.lives is not None:
            if not self.lives:
                raise Killed
            self.lives -= 1
        task = self._tasks.pop(self.pick(self.running))
        try:
            return [Landed(task, self._function(task.what, task.target, self._tell))]
        except (Exception, SystemExit) as error:
            return [Landed(task, error=error)]

    def sent_trainings(self) -> list[tuple[int, int | None]]:
        """Key and epochs of everything that was sent, where these were evaluations."""
        return [(asked.key, asked.epochs) for asked in self.sent]


def mortal(what: Any, target: Path, tell: Tell) -> tuple[int, str]:
    """Dies as often as it is told to, counted in its target; what it has done by then it tells."""
    deaths = len(target.read_text(encoding="utf-8")) if target.exists() else 0
    if what == "raise":
        raise ValueError("no")
    if isinstance(what, int) and deaths < abs(what):
        target.write_text("x" * (deaths + 1), encoding="utf-8")
        if what > 0:
            tell(1)
        os._exit(7)
    return worker_number(), str(what)
