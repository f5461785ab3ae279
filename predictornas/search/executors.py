"""Runs many independent tasks, in this process or in several; each worker computes on one thread."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from predictornas.errors import PredictorNASError
from predictornas.processes import follow_parent, has_lost_a_worker

TaskT = TypeVar("TaskT")

Advance = Callable[[int], None]
"""Told how many units of work (evaluations) were just done."""

POLL_SECONDS = 0.2


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
        PredictorNASError: what a task raised; tasks that run stop at their next evaluation, the others are dropped.
    """
    if workers <= 1 or len(tasks) <= 1:
        with one_thread():
            for task in tasks:
                function(task, advance)
        return
    context = multiprocessing.get_context("forkserver")
    counter: Synchronized[int] = context.Value("q", 0)
    stop: Synchronized[bool] = context.Value("b", False)
    with (
        _one_thread_for_children(),
        ProcessPoolExecutor(
            min(workers, len(tasks)), mp_context=context, initializer=_start_worker, initargs=(counter, stop)
        ) as pool,
    ):
        futures = [pool.submit(_call, function, task) for task in tasks]
        try:
            _follow(pool, futures, counter, advance)
        except BaseException:
            stop.value = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes on one thread inside the block: with more, sums are added in another order and results differ."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_DIED = (
    "A worker process died (out of memory, or killed). What was evaluated is kept: start the same command again to go "
    "on, perhaps with fewer --workers."
)


def _follow(
    pool: ProcessPoolExecutor, futures: Sequence[Future[None]], counter: Synchronized[int], advance: Advance
) -> None:
    seen = 0
    waiting: set[Future[None]] = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
        total = counter.value
        if total > seen:
            advance(total - seen)
            seen = total
        for future in done:
            try:
                future.result()
            except BrokenProcessPool as error:
                raise PredictorNASError(_DIED) from error
        if waiting and not done and has_lost_a_worker(pool):
            raise PredictorNASError(_DIED)


_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


@contextmanager
def _one_thread_for_children() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_done: Synchronized[int]
_stop: Synchronized[bool]


class _StoppedError(Exception):
    """Ends a task between two evaluations, because another one failed or the user interrupted."""


def _start_worker(counter: Synchronized[int], stop: Synchronized[bool]) -> None:
    global _done, _stop
    _done, _stop = counter, stop
    follow_parent()


def _call(function: Callable[[TaskT, Advance], None], task: TaskT) -> None:
    def advance(count: int) -> None:
        if _stop.value:
            raise _StoppedError
        with _done.get_lock():
            _done.value += count

    with one_thread():
        function(task, advance)
