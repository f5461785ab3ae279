from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing.connection import Connection

import pytest

from predictornas.processes import follow_parent, has_lost_a_worker

SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 30.0
"""Seconds until an answer counts as none; both tests take a small part of it."""


def answer(connection: Connection) -> None:
    """The work of a worker: ends by itself only when the test hangs up."""
    follow_parent()
    connection.send(os.getpid())
    while True:
        connection.send(connection.recv())


def start_worker(connection: Connection) -> None:
    worker = SPAWN.Process(target=answer, args=(connection,))
    worker.start()
    worker.join()


def started(target: Callable[[Connection], None]) -> tuple[multiprocessing.process.BaseProcess, Connection, int]:
    """A process, the line to the worker that it is or starts, and that worker's number."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(theirs,))
    process.start()
    theirs.close()  # so that the line ends when the last of the processes that hold it does
    assert ours.poll(PATIENCE)
    return process, ours, ours.recv()


def test_a_worker_ends_with_a_parent_that_was_killed() -> None:
    parent, line, _ = started(start_worker)
    with line:
        parent.kill()
        parent.join()
        assert line.poll(PATIENCE)
        with pytest.raises(EOFError):
            line.recv()


def test_a_worker_leaves_interrupts_from_the_keyboard_to_its_parent() -> None:
    worker, line, number = started(answer)
    with line:
        os.kill(number, signal.SIGINT)
        line.send("still there?")
        assert line.poll(PATIENCE)
        assert line.recv() == "still there?"
    worker.kill()
    worker.join()


def test_a_pool_that_lost_a_worker_is_told_apart() -> None:
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        assert not has_lost_a_worker(pool)
        futures = [pool.submit(time.sleep, 0.5) for _ in range(2)]
        assert not has_lost_a_worker(pool)
        wait(futures)
        assert not has_lost_a_worker(pool)
        workers = list(pool._processes.values())
        workers[-1].kill()
        workers[-1].join()
    pool = ProcessPoolExecutor(2, mp_context=SPAWN)
    vars(pool)["_processes"] = {process.pid: process for process in workers}  # as long as it has not seen it itself
    assert has_lost_a_worker(pool)
