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
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from predictornas.errors import WorkerLostError
from predictornas.executors.base import (
    LIVES,
    Landed,
    ResultT,
    Task,
    Tell,
    WhatT,
    nothing,
    run_with,
)
from predictornas.executors.failures import loaded_failure, pickled_failure
from predictornas.executors.serial import Serial
from predictornas.threads import one_thread

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")

_DIED = (
    "A worker process died (out of memory, or killed). What was finished is kept: start the same command again to "
    "continue, perhaps with fewer workers."
)
_ENDED = (
    "A worker process ended by itself, with exit code {code}; what it printed says why. What was finished is kept: "
    "start the same command again to continue."
)
_NEVER_BEGAN = (
    "A worker process ended before it could begin, with exit code {code}; what it printed says why. A script that asks "
    "for workers does so under `if __name__ == '__main__':`, because each of them imports it."
)
_DAY = 86400.0
"""Nobody can wait for more than 24 of them at once, and whoever waits asks again."""


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
        with self.crew(function, tell=tell, lives=1) as crew:
            yield from run_with(crew, chain(first, rest))

    def crew(
        self, function: Callable[[WhatT, Path, Tell], ResultT], *, tell: Tell = nothing, lives: int = LIVES
    ) -> _Workers:
        """See `predictornas.executors.base.Crewed`."""
        return _Workers(self.workers, pickle.dumps(function), self.preload, tell, lives)


@dataclass(eq=False)
class _Worker:
    """A process, the line to it, and what it does.

    Attributes:
        number: what `worker_number` says there; that of its successor too, if it dies.
        process: the process.
        line: to it.
        task: None where it is free.
        lost: workers that its task lost since something new was told.
        began: whether it was ever heard of.
    """

    number: int
    process: BaseProcess
    line: Connection
    task: Task[Any] | None = None
    lost: int = 0
    began: bool = False


class _Workers:
    """Workers that wait for tasks: started when there is one for them, killed at the end of the block."""

    def __init__(
        self, most: int, function: bytes, preload: tuple[str, ...], tell: Tell = nothing, lives: int = 1
    ) -> None:
        self._most, self._function, self._preload = most, function, preload
        self._tell, self._lives = tell, lives
        self._context = multiprocessing.get_context("forkserver")
        self._workers: list[_Worker] = []

    def __enter__(self) -> _Workers:
        fork_server(self._preload)
        return self

    @property
    def running(self) -> int:
        """Tasks that run."""
        return sum(worker.task is not None for worker in self._workers)

    def has_room(self) -> bool:
        """Whether a worker is free, or can be started."""
        return self.running < self._most

    def send(self, task: Task[Any]) -> None:
        """Sends a task to a free worker; a new one where there is none."""
        free = next((worker for worker in self._workers if worker.task is None), None)
        self._give(free or self._started(), task)

    def landed(self, seconds: float | None = None) -> list[Landed]:
        """Waits until a worker says something; the tasks that ended."""
        lines = {worker.line: worker for worker in self._workers if worker.task is not None}
        ready = cast("list[Connection]", wait(list(lines), None if seconds is None else min(seconds, _DAY)))
        return [ended for line in ready if (ended := self._heard(lines[line])) is not None]

    def _heard(self, worker: _Worker) -> Landed | None:
        task = cast("Task[Any]", worker.task)
        try:
            kind, value = worker.line.recv()
        except (EOFError, ConnectionError) as error:
            return self._begun_anew(worker, task, error)
        worker.began = True
        if kind == "began":
            return None
        if kind == "told":
            worker.lost = 0
            self._tell(value)
            return None
        worker.task = None
        return Landed(task, error=loaded_failure(value)) if kind == "failed" else Landed(task, value)

    def _begun_anew(self, worker: _Worker, task: Task[Any], error: Exception) -> Landed | None:
        """Another worker in the place of one that died; the task is its own, unless it lost too many."""
        worker.process.join(1)  # its line ends a moment before it does, and a kill would hide its exit code
        code = worker.process.exitcode
        self._dismiss([worker])
        self._workers.remove(worker)
        # 255 is what multiprocessing says where it does not know, because what forked the worker is gone too
        ended = code is not None and 0 <= code < 255
        if ended and code and not worker.began:  # no task is to blame, and the next worker would do the same
            raise WorkerLostError(_NEVER_BEGAN.format(code=code)) from error
        if worker.lost + 1 < self._lives:
            self._give(self._started(worker.number), task, worker.lost + 1)
            return None
        lost = WorkerLostError(_ENDED.format(code=code) if ended else _DIED)
        lost.__cause__ = error
        return Landed(task, error=lost)

    def _give(self, worker: _Worker, task: Task[Any], lost: int = 0) -> None:
        worker.task, worker.lost = task, lost
        with suppress(ConnectionError):  # that it died, the line says to whoever listens
            worker.line.send((task.what, task.target))

    def _started(self, number: int | None = None) -> _Worker:
        taken = {worker.number for worker in self._workers}
        number = next(free for free in range(self._most) if free not in taken) if number is None else number
        ours, theirs = self._context.Pipe()
        worker = _Worker(number, self._context.Process(target=_serve, args=(theirs, number), daemon=True), ours)
        self._workers.append(worker)
        try:
            with theirs:
                worker.process.start()
            ours.send_bytes(self._function)
        except (EOFError, ConnectionError) as error:  # what forks them died
            raise WorkerLostError(_DIED) from error
        return worker

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dismiss(self._workers)

    @staticmethod
    def _dismiss(workers: Sequence[_Worker]) -> None:
        for worker in workers:
            worker.line.close()
            if worker.process.pid is not None:
                worker.process.kill()
        for worker in workers:
            with suppress(ValueError):  # it has not ended yet: a disk or a GPU holds it
                if worker.process.pid is not None:
                    worker.process.join(5)
                worker.process.close()


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
        line.send(("began", None))
        given = line.recv_bytes()
        while True:
            line.send_bytes(_answer(line, given, line.recv_bytes()))


class _NobodyListensError(ConnectionError):
    """Of the line to the parent, and of no other connection that a task has."""


def _told(line: Connection, count: int) -> None:
    try:
        line.send(("told", count))
    except ConnectionError as error:
        raise _NobodyListensError from error


def _answer(line: Connection, function: bytes, task: bytes) -> bytes:
    try:
        call = _loaded(function)
        what, target = pickle.loads(task)
        with one_thread():
            return pickle.dumps(("done", call(what, target, partial(_told, line))))
    except _NobodyListensError:
        raise
    except BaseException as error:
        return pickle.dumps(("failed", pickled_failure(error)))


_loaded = lru_cache(maxsize=1)(pickle.loads)
"""The function, put together once in a worker: it may carry the images of a data set."""
