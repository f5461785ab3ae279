"""How figures look: titles, captions, axes and bands; how methods look is in `predictornas.looks`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter

INK = "#222222"
"""Colour of text and of lines that belong to no method."""

MUTED = "#767676"
"""Colour of captions, ticks and of random search."""


def new_figure(width: float, height: float, *, title: str, caption: str) -> Figure:
    """An empty figure with a title above and a caption below, sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    lines = textwrap.fill(title, int(width * 9.8))
    figure.suptitle(lines, x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
    wrapped = textwrap.fill(caption.strip(), int(width * 15.5))
    figure.supxlabel(wrapped, x=0.012, ha="left", fontsize=8, color=MUTED, linespacing=1.35)
    return figure


def tidy_axes(axes: Axes) -> None:
    """Light grid, no frame on the right, small ticks."""
    axes.grid(True, which="major", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(which="both", colors=MUTED, labelsize=8.5, labelcolor=INK)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, on its right."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8.5, frameon=False, labelcolor=INK)


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


def count_axis() -> Formatter:
    """Ticks of a count with separators: 1, 10, ..., 10,000, 100k."""
    return FuncFormatter(lambda value, _: f"{value:,.0f}" if value < 1e5 else f"{value / 1e3:,.0f}k")
