"""Work in several processes: one line to each worker and no lock that a killed one could keep.

Everything that a worker leaves is whole or absent (`predictornas.files`, `predictornas.journal`), so it may be killed
at any moment, and is as soon as its work is not wanted any more.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from predictornas.errors import PredictorNASError

Tell = Callable[[int], None]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


class WorkerTraceback(Exception):  # noqa: N818 - the cause of an error, and none itself
    """Where in a worker an error was raised."""


def run_in_workers(
    function: Callable[[Any, Tell], Any],
    tasks: Sequence[Any],
    *,
    workers: int,
    tell: Tell = lambda _: None,
    died: str,
    preload: Sequence[str] = (),
) -> list[Any]:
    """What `function(task, tell)` gives for every task, in the order of the tasks.

    Args:
        function: picklable; sent to each worker once.
        tasks: picklable; begun in this order.
        workers: processes.
        tell: called here with the numbers that the function tells there.
        died: what to say where a worker dies.
        preload: modules that workers have from the beginning.

    Raises:
        PredictorNASError: a worker died.
        Exception: what a task raised. The other workers are killed.
    """
    results: list[Any] = [None] * len(tasks)
    waiting, busy = deque(enumerate(tasks)), dict[Connection, int]()
    try:
        with _started(min(workers, len(tasks)), pickle.dumps(function), preload) as lines:
            idle = deque(lines)
            while waiting or busy:
                while idle and waiting:
                    place, task = waiting.popleft()
                    busy[idle[0]] = place
                    idle.popleft().send(task)
                for line in cast("list[Connection]", wait(list(busy))):
                    kind, value = line.recv()
                    if kind == "told":
                        tell(value)
                    elif kind == "failed":
                        error, where = value
                        raise error from where
                    else:
                        results[busy.pop(line)] = value
                        idle.append(line)
    except (EOFError, BrokenPipeError, ConnectionError) as error:
        raise PredictorNASError(died) from error
    return results


def follow_parent() -> None:
    """Ends this worker with the process that started it, even if that is killed, so that it does not work on alone.

    Interrupts from the keyboard, which reach every process, are left to the parent. Call it from the main thread, once;
    a process without a parent of `multiprocessing` only stops answering interrupts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _started(count: int, function: bytes, preload: Sequence[str]) -> Iterator[list[Connection]]:
    """Workers that wait for tasks, killed at the end of the block, however it ends."""
    context = multiprocessing.get_context("forkserver")
    workers: list[BaseProcess] = []
    lines: list[Connection] = []
    try:
        with _heirs_of_one_thread_and_no_interrupts():
            if preload:
                context.set_forkserver_preload(list(preload))
            forkserver.ensure_running()
        for _ in range(count):
            ours, theirs = context.Pipe()
            lines.append(ours)
            with theirs:
                workers.append(context.Process(target=_serve, args=(theirs,), daemon=True))
                workers[-1].start()
        for line in lines:
            line.send_bytes(function)
        yield lines
    finally:
        for line in lines:
            line.close()
        for worker in workers:
            if worker.pid is not None:
                worker.kill()
                worker.join(5)
        for worker in workers:
            with suppress(ValueError):  # it has not ended yet: a disk or a GPU holds it
                worker.close()


@contextmanager
def _heirs_of_one_thread_and_no_interrupts() -> Iterator[None]:
    """What is started in the block computes on one thread from its first import on, and never sees SIGINT."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(line: Connection) -> None:
    """The life of a worker: it ends when the line does."""
    follow_parent()
    with suppress(EOFError, BrokenPipeError, ConnectionError):
        given = line.recv_bytes()
        while True:
            line.send_bytes(_answer(line, given, line.recv_bytes()))


def _answer(line: Connection, function: bytes, task: bytes) -> bytes:
    try:
        call = _loaded(function)
        return pickle.dumps(("done", call(pickle.loads(task), lambda count: line.send(("told", count)))))
    except (BrokenPipeError, ConnectionError):
        raise
    except BaseException as error:
        where = WorkerTraceback(traceback.format_exc())
        with suppress(Exception):
            failure = pickle.dumps(("failed", (error, where)))
            pickle.loads(failure)  # some errors can be taken apart but not put together again
            return failure
        return pickle.dumps(("failed", (RuntimeError(f"{type(error).__name__}: {error}"), where)))


_loaded = lru_cache(maxsize=1)(pickle.loads)
"""The function, put together once in a worker: it may carry the images of a data set."""
