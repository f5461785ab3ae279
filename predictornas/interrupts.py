"""Ctrl-C: a command stops at once, whatever it computes, because what it leaves is whole or absent at any moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

STOPPED = "Stopped. The same command continues from here."

_CLEAN_LINE_AND_CURSOR = b"\r\x1b[2K\x1b[?25h"


def stop_on_interrupt() -> None:
    """From now on an interrupt kills this process and its workers, after one line on standard error, with code 130.

    Python's own way, an exception in the main thread, waits for the end of every call into compiled code and of every
    worker, and what is raised within an import can come out as another error. Call it from the main thread, once; a
    process that was started to ignore interrupts continues to ignore them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_wait_and_stop, args=(reader,), daemon=True).start()
    signal.signal(signal.SIGINT, lambda *_: None)  # the thread answers


def _wait_and_stop(reader: int) -> None:
    while signal.SIGINT not in os.read(reader, 1):
        pass
    with suppress(OSError):
        os.write(2, (_CLEAN_LINE_AND_CURSOR if os.isatty(2) else b"") + STOPPED.encode() + b"\n")
    with suppress(Exception):
        for worker in sys.modules["multiprocessing"].active_children():
            worker.kill()
    os._exit(128 + signal.SIGINT)
