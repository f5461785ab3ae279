"""What the verbs write: tables and JSON on standard output, progress, remarks and errors on standard error."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

if TYPE_CHECKING:
    import polars as pl
    from rich.console import JustifyMethod

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """Gives a function that takes the total, starts a bar on standard error and returns what advances it."""
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


def show(frame: pl.DataFrame, title: str, *, as_json: bool) -> None:
    """A tidy table, as `show_rows` shows it."""
    show_rows(frame.to_dicts(), title, as_json=as_json)


def show_rows(rows: list[dict[str, Any]], title: str, *, as_json: bool) -> None:
    """Rows with the same keys, as a table under a title or as JSON, on standard output."""
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0] if rows else []:
        justify: JustifyMethod = "right" if isinstance(rows[0][name], int | float) else "left"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=not table.columns)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console().print(table)


def speak_utf8() -> None:
    """Both streams speak UTF-8 whatever the locale; bytes of file names that are none go out as they came in."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def console() -> Console:
    """Standard output; 120 columns where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 120)


def remark(message: str) -> None:
    """One line on standard error, exactly as given."""
    sys.stderr.write(f"{message}\n")
