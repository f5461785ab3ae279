"""Tables as a terminal shows them: no number or interval is ever wrapped, and what is too wide continues below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.table import Table

PROSE = 40
"""Cells longer than this are sentences, lists or paths, which may be wrapped."""

NARROWEST = 28
"""Width of a column below which they are not wrapped further."""

GAP = 2
"""Columns between two columns of a table."""


@dataclass(frozen=True)
class _Column:
    """A column of a table.

    Attributes:
        name: its key in the rows.
        header: what stands above it, in one or two lines.
        width: the least that shows it.
        prose: whether its cells may be wrapped.
        number: whether its cells are numbers, which stand on the right.
    """

    name: str
    header: str
    width: int
    prose: bool
    number: bool


def printed_tables(rows: Sequence[dict[str, Any]], *, width: int, breaks: Sequence[str] = ()) -> list[Table]:
    """Rows with the same keys as tables that are at most `width` columns wide.

    The columns that name a row come first in each table; a single column that is wider than `width` is wrapped.

    Args:
        rows: what is shown; None is an empty cell.
        width: of the terminal, in columns.
        breaks: how the names of columns begin before which a table that is too wide is divided first; neighbours that
            begin alike stay together.
    """
    if not rows:
        return []
    columns = [_column(name, rows) for name in rows[0]]
    names = columns[: _naming(rows)]
    room = width - sum(column.width + GAP for column in names)
    blocks = _blocks(columns[len(names) :], breaks, room)
    return [_table(rows, [*names, *block], crowded=_taken(block) > room) for block in blocks]


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _column(name: str, rows: Sequence[dict[str, Any]]) -> _Column:
    longest = max(cell_len(line) for row in rows for line in _shown(row[name]).split("\n"))
    least = NARROWEST if longest > PROSE else longest
    header = _header(name, least)
    width = max(least, *map(cell_len, [*header.split("\n"), ""]))
    return _Column(name, header, width, longest > PROSE, isinstance(rows[0][name], int | float))


def _header(name: str, width: int) -> str:
    """In one line where the cells are as wide, else divided where that makes it narrowest; no line begins with a %."""
    words = name.split(" ")
    places = [place for place in range(1, len(words)) if words[place] != "%"]
    if cell_len(name) <= width or not places:
        return name
    halves = [(" ".join(words[:place]), " ".join(words[place:])) for place in places]
    return "\n".join(min(halves, key=lambda lines: max(map(cell_len, lines))))


def _naming(rows: Sequence[dict[str, Any]]) -> int:
    """How many of the first columns tell all rows apart, which are repeated in every table; one where none do."""
    names = list(rows[0])
    for count in range(1, len(names)):
        if len({tuple(_shown(row[name]) for name in names[:count]) for row in rows}) == len(rows):
            return count
    return 1


def _blocks(columns: Sequence[_Column], breaks: Sequence[str], room: int) -> list[list[_Column]]:
    """The columns of each table: as few tables as the wanted breaks allow, others where a part alone is too wide."""
    parts: list[list[_Column]] = [[]]
    before = ""
    for column in columns:
        begin = next((begin for begin in breaks if column.name.startswith(begin)), "")
        if begin and begin != before and parts[-1]:
            parts.append([])
        parts[-1].append(column)
        before = begin
    blocks: list[list[_Column]] = [[]]
    for part in parts:
        for piece in [part] if _taken(part) <= room else [[column] for column in part]:
            if not blocks[-1] or _taken([*blocks[-1], *piece]) <= room:
                blocks[-1] += piece
            else:
                blocks.append(list(piece))
    return blocks


def _taken(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[_Column], *, crowded: bool) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for column in columns:
        keeps_its_lines = not (column.prose or crowded)
        table.add_column(
            Text(column.header),
            overflow="fold",
            justify="right" if column.number else "left",
            no_wrap=keeps_its_lines,
            min_width=column.width if keeps_its_lines else None,
        )
    for row in rows:
        # as texts: rich would take "[one]" for a style and not show it
        table.add_row(*(Text(_shown(row[column.name])) for column in columns))
    return table
