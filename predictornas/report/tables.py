"""Tables that a click on a header sorts, each with a glossary of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from predictornas.report.markup import Content, Markup, element, joined


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and by what it is sorted.

    Attributes:
        shown: what is read.
        value: a number to sort by; None for the text itself.
    """

    shown: Content
    value: float | int | None = None


@dataclass(frozen=True)
class Heading:
    """A column.

    Attributes:
        label: its header.
        meaning: what it is, a sentence for the glossary; none where empty.
        numbers: whether its cells stand on the right.
    """

    label: str
    meaning: str = ""
    numbers: bool = True


def sortable_table(caption: str, headings: Sequence[Heading], rows: Sequence[Sequence[Cell]]) -> Markup:
    """A table in a box that scrolls where it is too wide; nothing where there are no rows.

    Args:
        caption: what the table is, read first.
        headings: of the columns; the first column names the rows.
        rows: a cell for each heading.
    """
    if not rows:
        return Markup()
    head = element("tr", [_header(heading) for heading in headings])
    body = [element("tr", [_cell(number, cell, headings[number]) for number, cell in enumerate(row)]) for row in rows]
    table = element("table", element("thead", head), element("tbody", body), aria_label=caption)
    box = element("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)
    return joined(element("p", caption, class_="caption"), box, _glossary(headings))


def interval_text(
    value: float | None, low: float | None, high: float | None, *, scale: float = 1.0, digits: int = 2
) -> str:
    """A number and its interval, "6.11 [6.09, 6.13]"; the number alone where there is none; "-" without it."""
    if value is None:
        return "-"
    middle = _rounded(scale * value, digits)
    if low is None or high is None:
        return middle
    return f"{middle} [{_rounded(scale * low, digits)}, {_rounded(scale * high, digits)}]"


def interval_cell(
    value: float | None, low: float | None, high: float | None, *, scale: float = 1.0, digits: int = 2, bound: str = ""
) -> Cell:
    """The same as a cell, the interval below the number.

    Args:
        value: what is sorted by.
        low: lower end; None where there is none.
        high: upper end.
        scale: multiplies all of them.
        digits: behind the point.
        bound: stands before the number, "≤ " where it is no more than that.
    """
    number, bracket, ends = interval_text(value, low, high, scale=scale, digits=digits).partition(" [")
    interval = element("span", f"[{ends}", class_="interval") if bracket else None
    return Cell(joined("" if value is None else bound, number, " " if interval else None, interval), value)


def _rounded(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero takes the sign from what was rounded to -0


def _header(heading: Heading) -> Markup:
    button = element("button", heading.label, type="button")
    return element("th", button, scope="col", aria_sort="none", class_="number" if heading.numbers else None)


def _cell(number: int, cell: Cell, heading: Heading) -> Markup:
    value = None if cell.value is None else f"{cell.value:.9g}"
    if number == 0:
        return element("th", cell.shown, scope="row", data_value=value)
    return element("td", cell.shown, data_value=value, class_="number" if heading.numbers else None)


def _glossary(headings: Sequence[Heading]) -> Markup:
    explained = [heading for heading in headings if heading.meaning]
    if not explained:
        return Markup()
    entries = [(element("dt", heading.label), element("dd", heading.meaning)) for heading in explained]
    return element("details", element("summary", "What the columns mean"), element("dl", entries), class_="glossary")
