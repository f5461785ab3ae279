"""An entry point for files, one altered file handed to it, and what is counted."""

from __future__ import annotations

import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from predictornas.errors import PredictorNASError
from tests.fuzz import canary
from tests.fuzz.mutations import Mutate

HANG_SECONDS = 5.0
"""Of the processor; a machine that is busy with something else is no hang."""

STILL_SECONDS = 120.0
"""By the clock, for what waits without computing."""

MOST_BYTES = 1 << 30

GOOD = ("clean error", "same meaning", "other file")
"""Outcomes that are right: refused by an error of the package; accepted with the same content; accepted with other
content where nothing in the file could tell (a changed digit of a CSV file is another CSV file)."""

BAD = ("other meaning", "other exception", "hang", "memory", "code executed", "left behind", "crash")
"""Outcomes that must not be."""


def _nothing_left() -> list[str]:
    return []


def _never(content: bytes) -> bool:
    return False


def always(content: bytes) -> bool:
    """For files that are sealed as a whole."""
    return True


@dataclass(frozen=True)
class Entry:
    """One place where a file comes in, prepared in a folder of its own.

    Attributes:
        file: the file that is altered; it is whole now.
        mutate: how.
        read: reads it as a user would, and returns what was understood, to be compared with `==`.
        must_notice: of the altered content: whether a checksum in the file, or one that is known, differs, so that it
            may not be accepted with another meaning.
        left_behind: names what a refused file left where only whole results may be.
        clean_up: called after each case.
    """

    file: Path
    mutate: Mutate
    read: Callable[[], Any]
    must_notice: Callable[[bytes], bool] = _never
    left_behind: Callable[[], list[str]] = _nothing_left
    clean_up: Callable[[], None] = lambda: None
    _whole: list[Any] = field(default_factory=list)

    @property
    def whole(self) -> tuple[bytes, Any]:
        """The whole file and what is understood of it."""
        if not self._whole:
            content = self.file.read_bytes()
            self._whole.append((content, self.read()))
            self.clean_up()
        content, meaning = self._whole[0]
        return content, meaning


@dataclass(frozen=True)
class Case:
    """What became of one altered file.

    Attributes:
        number: of the case.
        outcome: one of `GOOD` or `BAD`.
        detail: the error, or what else there is to say.
        seconds: how long it took.
        content: the altered file.
    """

    number: int
    outcome: str
    detail: str
    seconds: float
    content: bytes


class Hang(BaseException):
    """Raised in a reader that takes too long."""


def altered(name: str, entry: Entry, seed: int, number: int) -> bytes:
    """The altered file of a case."""
    return entry.mutate(entry.whole[0], random.Random(f"{name} {seed} {number}"))


def run_case(name: str, entry: Entry, seed: int, number: int) -> Case:
    """Hands one altered file to a reader and judges what comes of it; the whole file is put back afterwards."""
    whole, meaning = entry.whole
    content = altered(name, entry, seed, number)
    entry.file.write_bytes(content)
    before, fired, started = _reset_memory_peak(), canary.fired, time.monotonic()
    try:
        with _limited():
            outcome, detail = _outcome(entry, content, meaning)
        grown = _memory_peak() - before
        if grown > MOST_BYTES:
            outcome, detail = "memory", f"{grown >> 20} MB; {outcome}: {detail}"
        if canary.fired != fired:
            outcome, detail = "code executed", detail
        return Case(number, outcome, detail, time.monotonic() - started, content)
    finally:
        entry.clean_up()
        entry.file.write_bytes(whole)


def _outcome(entry: Entry, content: bytes, meaning: Any) -> tuple[str, str]:
    try:
        met = entry.read()
    except PredictorNASError as error:
        left = entry.left_behind()
        return ("left behind", ", ".join(left)) if left else ("clean error", _shown(error))
    except Hang:
        return "hang", f"more than {HANG_SECONDS} s of the processor or {STILL_SECONDS} s by the clock"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # polars' panics derive from it
        return "other exception", _shown(error)
    if met == meaning:
        return "same meaning", ""
    return ("other meaning" if entry.must_notice(content) else "other file"), ""


def _shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


@contextmanager
def _limited() -> Iterator[None]:
    """Raises `Hang` in this thread after some seconds; what never comes back to Python is for who started us."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, HANG_SECONDS), (signal.ITIMER_REAL, signal.SIGALRM, STILL_SECONDS))
    before = [signal.signal(number, stop) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def _reset_memory_peak() -> int:
    with suppress(OSError):  # where Linux does not allow it, the peak is that of all cases so far
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory_peak()


def _memory_peak() -> int:
    """The most memory in use since the peak was reset, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
