"""Runs many independent tasks that need no target, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from predictornas.executors import Task, Tell, get_executor

TaskT = TypeVar("TaskT")

Advance = Tell
"""Told how many units of work (evaluations) were just done."""


def run_tasks(
    function: Callable[[TaskT, Advance], None],
    tasks: Sequence[TaskT],
    *,
    workers: int = 1,
    advance: Advance = lambda _: None,
) -> None:
    """Calls `function(task, advance)` for every task; results do not depend on the number of workers.

    Args:
        function: a module-level function (it is sent to other processes by name).
        tasks: picklable; started in this order.
        workers: 1 runs in this process; more run in as many processes, each pinned to one thread.
        advance: called in this process as work gets done.

    Raises:
        PredictorNASError: what a task raised, or a worker died; the others are killed, which loses nothing that was
            recorded.
    """
    given = (Task(task, Path()) for task in tasks)
    for _ in get_executor(workers=max(workers, 1)).run(partial(_call, function), given, tell=advance):
        pass


def _call(function: Callable[[TaskT, Advance], None], task: TaskT, _: Path, advance: Advance) -> None:
    function(task, advance)
