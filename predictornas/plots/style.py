"""How figures look: for the screen or for a paper, titles, captions, axes, bands; methods: `predictornas.looks`."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter

from predictornas.errors import UnknownNameError
from predictornas.quantity import Quantity

INK = "#222222"
"""Colour of text and of lines that belong to no method."""

MUTED = "#767676"
"""Colour of captions, ticks and of random search."""

COLORS = ("#B3001B", "#0B4F9E", "#E0A000", "#4A1060", "#7CCBE0")
"""Colours of what is no method; with deuteranopia they and `MUTED` are apart too."""

MARKERS = ("o", "s", "^", "D", "v")
"""One for each of them, for print without colour."""

SMALLEST, LARGEST = 6.5, 8.0
"""Points of letters in a paper: journals ask for 6 at least, and captions have 8 or 9."""


@dataclass(frozen=True)
class FigureStyle:
    """What a figure is drawn for.

    Attributes:
        name: as on the command line.
        width: in inches; None where each figure has its own.
        columns: panels side by side at most.
    """

    name: str
    width: float | None
    columns: int

    @property
    def is_paper(self) -> bool:
        """Whether title and caption are left to the paper that the figure goes into."""
        return self.width is not None


STYLES = {
    style.name: style
    for style in (
        FigureStyle("screen", None, 6),
        FigureStyle("paper", 3.3, 1),
        FigureStyle("paper-wide", 6.9, 3),
    )
}
"""For the screen, with title and caption; for one column of a paper of two; for both of its columns."""

LONG = 24
"""Letters of a name beside which one column of a paper has no room for an axis."""

_LABEL = 26  # letters in a line of the label of an axis
_PAGE = 8.0  # inches that panels may cover on a page, legend and caption left out

_SETTINGS = {
    "font.size": LARGEST,
    "axes.labelsize": LARGEST - 0.5,
    "axes.linewidth": 0.6,
    "xtick.labelsize": SMALLEST + 0.5,
    "ytick.labelsize": SMALLEST + 0.5,
    "legend.fontsize": SMALLEST + 0.5,
}

_FILES = {"svg.fonttype": "none", "svg.hashsalt": "predictornas", "pdf.fonttype": 42, "ps.fonttype": 42}
"""Text stays text that can be searched and edited, and nothing random is in a file."""

_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}

_style: ContextVar[FigureStyle] = ContextVar("figure_style", default=STYLES["screen"])


@contextmanager
def drawing(style: str) -> Iterator[None]:
    """Everything that is drawn within has this style.

    Args:
        style: a key of `STYLES`.

    Raises:
        UnknownNameError: there is no such style.

    Example:
        >>> with drawing("paper"):
        ...     figure = new_figure(9.0, 5.0, title="Gain", caption="What it shows.")
        >>> float(figure.get_figwidth()), figure.caption
        (3.3, 'What it shows.')
    """
    if style not in STYLES:
        raise UnknownNameError("figure style", style, STYLES)
    before = _style.set(STYLES[style])
    try:
        with matplotlib.rc_context(_SETTINGS if STYLES[style].is_paper else {}):  # type: ignore[arg-type]
            yield
    finally:
        _style.reset(before)


def current_style() -> FigureStyle:
    """The style that figures are drawn in now."""
    return _style.get()


def points(size: float) -> float:
    """A size of letters in points, as the current style has it: in a paper between `SMALLEST` and `LARGEST`."""
    return min(max(0.86 * size, SMALLEST), LARGEST) if current_style().is_paper else size


def words(name: str) -> str:
    """A name that somebody else has given, as it is written.

    Matplotlib takes what stands between dollar signs for mathematics, and leaves out of legends what begins with _.
    """
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


def in_lines(label: str) -> str:
    """The label of an axis, in several lines where panels are as small as in a paper."""
    return textwrap.fill(label, _LABEL) if current_style().is_paper else label


class CaptionedFigure(Figure):
    """A figure that knows its words, and whose files hold text as text and no date.

    Attributes:
        heading: its title.
        caption: what every word on it means.
    """

    heading: str = ""
    caption: str = ""

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """As in matplotlib; equal figures give equal files."""
        ending = kwargs.get("format") or PurePath(str(fname)).suffix.removeprefix(".")
        if ending in _UNDATED:
            kwargs.setdefault("metadata", _UNDATED[ending])
        with matplotlib.rc_context(_FILES):  # type: ignore[arg-type]
            super().savefig(fname, transparent=transparent, **kwargs)

    def _repr_png_(self) -> bytes:
        """What a notebook shows, also where matplotlib's own support of notebooks was never asked for."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=80)
        return stream.getvalue()


def new_figure(
    width: float,
    height: float,
    *,
    title: str,
    caption: str,
    grid: tuple[int, int] = (1, 1),
    paper_height: float | None = None,
) -> CaptionedFigure:
    """An empty figure with a title above and a caption below, sizes in inches.

    In a paper it has the width of a column or two, and neither title nor caption: they are its attributes.

    Args:
        width: on a screen.
        height: on a screen, title and caption included.
        title: of the figure.
        caption: what every word on it means.
        grid: rows and columns of panels, from which follows how high it is in a paper.
        paper_height: how high it is there instead.
    """
    style, (rows, columns) = current_style(), grid
    if style.width is not None:
        width = style.width
        panel = min(max(0.74 * width / columns, 1.9), 3.0, _PAGE / rows)
        height = rows * panel if paper_height is None else paper_height
    figure = CaptionedFigure(figsize=(width, height), layout="constrained")
    figure.heading, figure.caption = title, " ".join(caption.split())
    if not style.is_paper:
        lines = words(textwrap.fill(title, int(width * 9.8)))
        figure.suptitle(lines, x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
        wrapped = words(textwrap.fill(figure.caption, int(width * 15.5)))
        figure.supxlabel(wrapped, x=0.012, ha="left", fontsize=8, color=MUTED, linespacing=1.35)
        # what a caption of more than two lines needs is not taken from the panels
        figure.set_figheight(height + 0.15 * max(0, wrapped.count("\n") - 1))
    return figure


def over_both_columns(figure: Figure) -> None:
    """Makes a figure for a paper as wide as both columns, for what could not be read in one."""
    width = STYLES["paper-wide"].width
    if current_style().is_paper and width is not None:
        figure.set_figwidth(width)


def grid_shape(panels: int, columns: int) -> tuple[int, int]:
    """Rows and columns of panels: as many columns as are wanted and the current style has room for."""
    columns = max(1, min(panels, columns, current_style().columns))
    return math.ceil(panels / columns), columns


def tidy_axes(axes: Axes) -> None:
    """Light grid, no frame on the right, small ticks."""
    axes.grid(True, which="major", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(which="both", colors=MUTED, labelsize=points(8.5), labelcolor=INK)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure: on its right, in a paper below it, where the figure grows by its lines."""
    handles, labels = axes.get_legend_handles_labels()
    size, style = points(8.5), current_style()
    if style.width is None:
        figure.legend(handles, labels, loc="outside right center", fontsize=size, frameon=False, labelcolor=INK)
        return
    widest = (0.58 * max(map(len, labels)) + 4.5) * size / 72  # a letter is a bit more than half as wide as it is high
    columns = max(1, min(len(labels), int(style.width / widest)))
    figure.set_figheight(figure.get_figheight() + math.ceil(len(labels) / columns) * 1.35 * size / 72 + 0.05)
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=columns,
        fontsize=size,
        frameon=False,
        labelcolor=INK,
        columnspacing=1.2,
        handlelength=2.4,
        labelspacing=0.3,
    )


def counted(numbers: Sequence[int]) -> str:
    """A count as people read it, "1,396", or the range of several, "146 to 1,396"."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def runs_of(numbers: Sequence[int]) -> str:
    """How many runs stand behind a figure, "20 runs"."""
    return f"{counted(numbers)} {'run' if max(numbers) == 1 else 'runs'}"


def band_opacity(methods: int) -> float:
    """Bands grow fainter where many overlap."""
    return 0.16 if methods <= 6 else 0.07


def every(length: int, place: int, marks: int = 8) -> tuple[int, int]:
    """Which points of a line have a marker: about so many, those of the lines of one panel not below each other.

    Args:
        length: points of the line.
        place: of the line among those of its panel.
        marks: how many.
    """
    step = max(1, length // marks)
    return place * max(1, step // 4) % step, step


def draw_band(axes: Axes, rows: pl.DataFrame, over: str, *, color: str, alpha: float, scale: float = 1.0) -> None:
    """The band from `low` to `high`, with a gap where there is no interval.

    Args:
        axes: to draw on.
        rows: columns `low`, `high` and that of the horizontal axis, in its order.
        over: the column of the horizontal axis.
        color: of the band.
        alpha: its opacity.
        scale: multiplies both ends.
    """
    low, high = (scale * rows[end].cast(pl.Float64).to_numpy() for end in ("low", "high"))
    if not np.isnan(low).all():
        axes.fill_between(rows[over], low, high, color=color, alpha=alpha, linewidth=0)


def percent_axis() -> Formatter:
    """Ticks of a fraction in percent, without the sign (the axis label has it)."""
    return FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}")


def cost_axis(quantity: Quantity) -> Formatter:
    """Ticks of costs as they are read, in the metric of their column: errors in percent, a loss as it is."""
    return FuncFormatter(lambda cost, _: f"{float(f'{quantity.shown(cost):.6g}') + 0.0:g}")


def count_axis() -> Formatter:
    """Ticks of a count with separators: 1, 10, ..., 10,000, 100k."""
    return FuncFormatter(lambda value, _: f"{value:,.0f}" if value < 1e5 else f"{value / 1e3:,.0f}k")
