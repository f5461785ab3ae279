"""A task of a cluster, as the machine sees that runs it: it works in a scratch folder and sends home what it writes."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from predictornas.executors.failures import pickled_failure
from predictornas.executors.transfer import Parcel, Watched
from predictornas.files import scratch_folder
from predictornas.threads import one_thread


@dataclass(frozen=True)
class Order:
    """What a machine needs to run a task.

    Attributes:
        name: of the target.
        target: what lies there at home.
        interval: seconds between two messages.
    """

    name: str
    target: Parcel
    interval: float


@dataclass(frozen=True)
class Message:
    """What comes home.

    Attributes:
        count: units of work that were done since the last message.
        target: what has changed at the target.
        kind: "progress", "done" or "failed".
        content: the pickled result, or the error as `pickled_failure` gives it.
    """

    count: int
    target: Parcel
    kind: str = "progress"
    content: bytes = b""


def scratch_home() -> Path:
    """Where the scratch folders of this machine are."""
    return Path(tempfile.gettempdir()) / f"predictornas-{os.getuid()}"


def perform(
    function: Any, what: Any, order: Order, pickled: Callable[[Any], bytes] = pickle.dumps
) -> Generator[Message, None, None]:
    """Runs a task; yields what happens until it is done or has failed.

    A task that is not wanted any more, whose generator is closed or interrupted, takes its process with it.

    Args:
        function: as executors call it.
        what: the task's.
        order: the task apart from that.
        pickled: pickles the result.
    """
    with scratch_folder(scratch_home()) as folder:
        work = _Work(folder / order.name, order, pickled)
        threading.Thread(target=work.run, args=(function, what), daemon=True).start()
        try:
            while (message := work.messages.get()).kind == "progress":
                yield message
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(1)  # nothing else ends the thread
    yield message


class _Work:
    """A task that runs in a thread of its own, and speaks at moments of its own choice: when it tells of units done."""

    def __init__(self, target: Path, order: Order, pickled: Callable[[Any], bytes]) -> None:
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self._target, self._interval, self._pickled = target, order.interval, pickled
        order.target.unpack(target)
        self._watched = Watched(target)
        self._count, self._spoke = 0, time.monotonic()

    def run(self, function: Any, what: Any) -> None:
        try:
            with one_thread():
                result = function(what, self._target, self._tell)
            kind, content = "done", self._pickled(result)
        except BaseException as error:
            kind, content = "failed", pickled_failure(error)
        try:
            self._speak(kind, content, last=True)
        except BaseException as error:  # else the other thread would wait for ever
            self.messages.put(Message(self._count, Parcel(), "failed", pickled_failure(error)))

    def _tell(self, count: int) -> None:
        self._count += count
        if time.monotonic() - self._spoke >= self._interval:
            self._speak()

    def _speak(self, kind: str = "progress", content: bytes = b"", *, last: bool = False) -> None:
        self.messages.put(Message(self._count, self._watched.changes(last=last), kind, content))
        self._count, self._spoke = 0, time.monotonic()
