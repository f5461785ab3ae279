"""Tables that a click on a header sorts, each with a glossary of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from predictornas.quantity import Quantity, number
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
    more = element("p", "Scroll sideways for more columns \N{RIGHTWARDS ARROW}", class_="more", aria_hidden="true")
    return joined(element("p", caption, class_="caption"), more, box, _glossary(headings))


def interval_text(
    value: float | None, low: float | None, high: float | None, *, scale: float = 1.0, digits: int = 2
) -> str:
    """A number and its interval, "6.11 [6.09, 6.13]"; the number alone where there is none; "-" without it."""
    if value is None:
        return "-"
    middle = number(scale * value, digits=digits)
    if low is None or high is None:
        return middle
    return f"{middle} [{number(scale * low, digits=digits)}, {number(scale * high, digits=digits)}]"


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
    return _interval_cell(interval_text(value, low, high, scale=scale, digits=digits), value, bound)


def cost_cell(quantity: Quantity, value: float | None, low: float | None, high: float | None, digits: int = 2) -> Cell:
    """A cost and its interval as its quantity is read.

    Args:
        quantity: of the cost.
        value: the cost.
        low: lower end; None where there is none.
        high: upper end.
        digits: behind the point of a percentage.
    """
    sorted_by = None if value is None else quantity.plain(value)
    return _interval_cell(quantity.interval_text(value, low, high, digits), sorted_by)


def _interval_cell(text: str, value: float | None, bound: str = "") -> Cell:
    middle, bracket, ends = text.partition(" [")
    interval = element("span", f"[{ends}", class_="interval") if bracket else None
    return Cell(joined("" if value is None else bound, middle, " " if interval else None, interval), value)


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
