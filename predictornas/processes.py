"""What a worker process owes to the one that started it, and that one to its workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait


def follow_parent() -> None:
    """Ends this worker with the process that started it, even if that is killed, so that it does not work on alone.

    Interrupts from the keyboard, which reach every process, are left to the parent. Call it from the main thread, once;
    a process without a parent of `multiprocessing` only stops answering interrupts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def has_lost_a_worker(pool: ProcessPoolExecutor) -> bool:
    """Whether a process of a pool has ended while the pool still has work; ask now and then while you wait for it.

    A pool watches the workers that it had when something last happened; one that it started after that can die
    unnoticed until something else happens, which takes hours where tasks do.
    """
    workers = dict(getattr(pool, "_processes", None) or {})
    return not all(process.is_alive() for process in workers.values())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
