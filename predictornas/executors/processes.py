"""Tasks in processes of this machine: one line to each worker and no lock that a killed one could keep.

Everything that a worker leaves is whole or absent (`predictornas.files`, `predictornas.journal`), so it may be killed
at any moment, and is as soon as its work is not wanted any more.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from predictornas.errors import PredictorNASError
from predictornas.executors.base import ResultT, Task, Tell, WhatT, nothing
from predictornas.executors.failures import pickled_failure
from predictornas.executors.serial import Serial
from predictornas.threads import one_thread

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")

_DIED = (
    "A worker process died (out of memory, or killed). What was finished is kept: start the same command again to "
    "continue, perhaps with fewer workers."
)


@dataclass(frozen=True)
class Processes:
    """Runs tasks in processes of this machine (forkserver); a task that is the only one, in this process.

    Attributes:
        workers: at most so many processes, each pinned to one thread.
        preload: modules that workers have from the beginning, imported once for all of them.
    """

    workers: int
    preload: tuple[str, ...] = ("torch",)

    def run(
        self,
        function: Callable[[WhatT, Path, Tell], ResultT],
        tasks: Iterable[Task[WhatT]],
        *,
        tell: Tell = nothing,
    ) -> Generator[tuple[Task[WhatT], ResultT], None, None]:
        """See `predictornas.executors.base.Executor`."""
        rest = iter(tasks)
        first = list(islice(rest, min(self.workers, 2)))
        if len(first) < 2:
            yield from Serial().run(function, chain(first, rest), tell=tell)
            return
        with _Workers(self.workers, pickle.dumps(function), self.preload) as workers:
            yield from _results(workers, chain(first, rest), tell)


def _results(
    workers: _Workers, waiting: Iterator[Task[WhatT]], tell: Tell
) -> Generator[tuple[Task[WhatT], Any], None, None]:
    busy: dict[Connection, Task[WhatT]] = {}
    done: list[tuple[Task[WhatT], Any]] = []
    while True:
        while len(busy) < workers.most and (task := next(waiting, None)) is not None:
            busy[workers.give(task)] = task
        yield from done  # only now: while somebody looks at results, nobody waits for work
        if not busy:
            return
        done = [(busy.pop(line), result) for line, result in workers.answers(list(busy), tell)]


class _Workers:
    """Workers that wait for tasks: started when there is one for them, killed at the end of the block."""

    def __init__(self, most: int, function: bytes, preload: tuple[str, ...]) -> None:
        self.most, self._function, self._preload = most, function, preload
        self._context = multiprocessing.get_context("forkserver")
        self._workers: list[BaseProcess] = []
        self._lines: list[Connection] = []
        self._idle: deque[Connection] = deque()

    def __enter__(self) -> _Workers:
        fork_server(self._preload)
        return self

    def give(self, task: Task[Any]) -> Connection:
        """Sends a task to a worker; the line to it."""
        with _death_reported():
            line = self._idle.popleft() if self._idle else self._start()
            line.send((task.what, task.target))
        return line

    def answers(self, lines: list[Connection], tell: Tell) -> Iterator[tuple[Connection, Any]]:
        """Waits until a worker says something; the results among it."""
        for line in cast("list[Connection]", wait(lines)):
            with _death_reported():
                kind, value = line.recv()
            if kind == "told":
                tell(value)
            elif kind == "failed":
                error, where = pickle.loads(value)
                raise error from where
            else:
                self._idle.append(line)
                yield line, value

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        self._lines.append(ours)
        with theirs:
            number = len(self._workers)
            self._workers.append(self._context.Process(target=_serve, args=(theirs, number), daemon=True))
            self._workers[-1].start()
        ours.send_bytes(self._function)
        return ours

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            line.close()
        for worker in self._workers:
            if worker.pid is not None:
                worker.kill()
                worker.join(5)
        for worker in self._workers:
            with suppress(ValueError):  # it has not ended yet: a disk or a GPU holds it
                worker.close()


def fork_server(preload: Sequence[str]) -> ForkServerContext:
    """The context of workers of this package, with a server running that starts them in milliseconds.

    Args:
        preload: modules that its workers have from the beginning; a server that runs already keeps those it has.
    """
    context = multiprocessing.get_context("forkserver")
    with _heirs_of_one_thread_and_no_interrupts():
        if preload:
            context.set_forkserver_preload(list(preload))
        forkserver.ensure_running()
    return context


@contextmanager
def _death_reported() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise PredictorNASError(_DIED) from error


@contextmanager
def _heirs_of_one_thread_and_no_interrupts() -> Iterator[None]:
    """What is started in the block computes on one thread from its first import on, and never sees SIGINT."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    resource_tracker.ensure_running()  # its own start, which the fork server's would bring, lets interrupts in again
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


def worker_number() -> int:
    """Which of an executor's workers this process is, counted from 0; 0 in a process that is none.

    What belongs to one worker at a time, such as a GPU, is chosen by it.
    """
    return _number


_number = 0


def _serve(line: Connection, number: int) -> None:
    """The life of a worker: it ends when the line does."""
    global _number
    _number = number
    follow_parent()
    with suppress(EOFError, ConnectionError):
        given = line.recv_bytes()
        while True:
            line.send_bytes(_answer(line, given, line.recv_bytes()))


def _answer(line: Connection, function: bytes, task: bytes) -> bytes:
    try:
        call = _loaded(function)
        what, target = pickle.loads(task)
        with one_thread():
            return pickle.dumps(("done", call(what, target, lambda count: line.send(("told", count)))))
    except (BrokenPipeError, ConnectionError):
        raise
    except BaseException as error:
        return pickle.dumps(("failed", pickled_failure(error)))


_loaded = lru_cache(maxsize=1)(pickle.loads)
"""The function, put together once in a worker: it may carry the images of a data set."""
