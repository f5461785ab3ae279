"""Runs many independent tasks, in this process or in several; each worker computes on one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from predictornas.processes import run_in_workers
from predictornas.threads import one_thread

TaskT = TypeVar("TaskT")

Advance = Callable[[int], None]
"""Told how many units of work (evaluations) were just done."""

_DIED = (
    "A worker process died (out of memory, or killed). What was evaluated is kept: start the same command again to "
    "continue, perhaps with fewer --workers."
)


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
        workers: 1 runs in this process; more run in as many processes (forkserver), each pinned to one thread.
        advance: called in this process as work gets done.

    Raises:
        PredictorNASError: what a task raised, or a worker died; the others are killed, which loses nothing that was
            recorded.
    """
    if workers <= 1 or len(tasks) <= 1:
        with one_thread():
            for task in tasks:
                function(task, advance)
        return
    run_in_workers(partial(_call, function), tasks, workers=workers, tell=advance, died=_DIED, preload=("torch",))


def _call(function: Callable[[TaskT, Advance], None], task: TaskT, advance: Advance) -> None:
    with one_thread():
        function(task, advance)
