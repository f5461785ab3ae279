"""What the verbs write: tables and JSON on standard output, progress, remarks and errors on standard error."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]


FIRST_SECONDS = 15.0
"""Until the first line about the progress where standard error is no terminal, for commands of a minute."""

LINE_SECONDS = 60.0
"""Between two lines about the progress where standard error is no terminal."""


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """Gives a function that takes the total and returns what is told of progress, and shows it on standard error.

    A bar on a terminal; elsewhere, as in the log of a job, a line after 15 seconds and then one a minute.
    """
    if not sys.stderr.isatty():
        yield lambda total: _Lines(label, total).advance
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)

    def started(total: int) -> Callable[[int], None]:
        bar.start()
        task = bar.add_task(label, total=total)
        return lambda count: bar.advance(task, count)

    try:
        yield started
    finally:
        if bar.live.is_started:
            bar.stop()


class _Lines:
    """Tells of progress in lines: how much of how much, and how long the rest takes at the pace since the first tell.

    What was there already is told at once and does not count for the pace.
    """

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total = label, total
        self._done, self._found = 0, None if total else 0
        self._begin = time.monotonic()
        self._next = self._begin + FIRST_SECONDS

    def advance(self, count: int) -> None:
        self._done += count
        self._found = self._done if self._found is None else self._found
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_SECONDS
        share = self._done / max(self._total, 1)
        remark(f"{self._label}: {self._done:,} of {self._total:,} ({share:.0%}){self._rest(now - self._begin)}")

    def _rest(self, seconds: float) -> str:
        new = self._done - (self._found or 0)
        if new <= 0:
            return ""
        left = timedelta(seconds=round(seconds * max(self._total - self._done, 0) / new))
        return f", {left} to go"


def show(frame: pl.DataFrame, title: str, *, as_json: bool) -> None:
    """A tidy table, as `show_rows` shows it."""
    show_rows(frame.to_dicts(), title, as_json=as_json)


def show_rows(rows: list[dict[str, Any]], title: str, *, as_json: bool, breaks: Sequence[str] = ()) -> None:
    """Rows with the same keys, as a table under a title or as JSON, on standard output.

    What is wider than the terminal becomes several tables, divided before the columns that begin with one of `breaks`.
    """
    if as_json:
        show_json(rows)
        return
    from predictornas.cli.printed_tables import printed_tables

    shown = console()
    if title:
        shown.print(title, style="italic", highlight=False, markup=False)
    for table in printed_tables(rows, width=shown.width, breaks=breaks):
        shown.print()
        shown.print(table)
    shown.print()


def show_json(value: Any) -> None:
    """A value as JSON on standard output; what JSON has no number for is null."""
    sys.stdout.write(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def speak_utf8() -> None:
    """Both streams speak UTF-8 whatever the locale; bytes of file names that are none go out as they came in."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def console() -> Console:
    """Standard output; where it is not a terminal 120 columns, or as many as the variable COLUMNS says."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120)


def say(message: str) -> None:
    """A line on standard output, exactly as given: a path or an architecture can be copied from it."""
    sys.stdout.write(f"{message}\n")


def remark(message: str) -> None:
    """One line on standard error, exactly as given."""
    sys.stderr.write(f"{message}\n")


def say_where(folder: Path, tell: Callable[[str], None] = say) -> None:
    """The last lines of a verb that writes a folder: where its files are, and the page that has all of it."""
    from predictornas.studies.pages import REPORT

    tell(f"Tables and figures: {folder}/")
    tell(f"All of it on one page: {folder / REPORT}")


def shown_in_browser(folder: Path, *, wanted: bool) -> None:
    """Opens the report of a folder where that is wanted; where no browser can, the path on standard error will do."""
    if not wanted:
        return
    from predictornas.studies.pages import REPORT, open_page

    if not open_page(folder):
        remark(f"No browser opened {folder / REPORT}. Open the file in one.")
