"""Figures of mixed-level optimisation: curves over epochs beside one row a setting, and accuracies by size of cell."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from predictornas.plots.limits import limits_of_means
from predictornas.plots.style import (
    INK,
    MUTED,
    draw_band,
    every,
    grid_shape,
    in_lines,
    new_figure,
    percent_axis,
    points,
    tidy_axes,
)

_LOOKS = {
    "single-level": ("single-level", MUTED, "s"),
    "mixed-0.1": ("mixed-level, λ = 0.1", "#F2C14E", "^"),
    "mixed-1": ("mixed-level, λ = 1", "#E07B00", "D"),
    "mixed-999": ("mixed-level, λ = 999", "#8E1B00", "v"),
    "darts-2": ("bilevel, 2nd order", "#0B4F9E", "o"),
    "bilevel-to-mixed": ("bilevel, then λ = 1", "#38ACFA", "P"),
    "gdas": ("GDAS", "#0B4F9E", "o"),
    "gdas-mixed": ("GDAS, mixed-level", "#F2C14E", "^"),
    "milenas-gumbel": ("MiLeNAS (Gumbel)", "#B3001B", "D"),
    "whole table": ("best of all cells", "#B5B5B5", "_"),
}
"""Label, colour and marker of each setting, the lambdas from light to dark."""


def draw_curves_and_rows(
    curves: pl.DataFrame,
    rows: pl.DataFrame,
    *,
    quantity: str,
    rows_quantity: str,
    title: str,
    caption: str,
    percent_rows: bool = True,
) -> Figure:
    """Means over epochs with their 95 % bands, and beside them one row a setting: a mean with its 95 % interval.

    Args:
        curves: columns `setting`, `epoch`, `mean`, `low`, `high`; fractions, drawn in percent.
        rows: columns `setting`, `mean`, `low`, `high`, topmost first; without rows there are only curves.
        quantity: what the curves show.
        rows_quantity: what the rows show.
        title: of the figure.
        caption: below it.
        percent_rows: whether the rows are fractions, drawn in percent; otherwise plain numbers.
    """
    grid = grid_shape(2 if len(rows) else 1, 2)
    figure = new_figure(9.6 if len(rows) else 6.4, 4.2, title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False, width_ratios=[3, 2][: grid[1]]).flatten().tolist()
    axes = panels[0]
    for place, setting in enumerate(curves["setting"].unique(maintain_order=True)):
        own = curves.filter(pl.col("setting") == setting).sort("epoch")
        label, color, marker = _LOOKS[setting]
        marks = every(len(own), place)
        axes.plot(
            own["epoch"],
            own["mean"],
            color=color,
            marker=marker,
            markersize=4,
            markevery=marks,
            linewidth=1.5,
            label=label,
        )
        draw_band(axes, own, "epoch", color=color, alpha=0.09)
    _frame(axes, quantity)
    axes.yaxis.set_major_formatter(percent_axis())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", fontsize=points(9.0))
    axes.legend(fontsize=points(7.5), frameon=False, labelcolor=INK)
    if len(rows):
        _draw_rows(panels[1], rows, rows_quantity, percent=percent_rows)
    return figure


def draw_sizes(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """One panel a quantity: means with their 95 % intervals against the number of convolutions.

    Args:
        table: columns `quantity`, `setting`, `convolutions`, `mean`, `low`, `high`; fractions, drawn in percent.
        title: of the figure.
        caption: below it.
    """
    quantities = table["quantity"].unique(maintain_order=True).to_list()
    grid = grid_shape(len(quantities), len(quantities))
    figure = new_figure(4.8 * len(quantities), 4.2, title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    shown_as: dict[str, Line2D] = {}
    for axes, quantity in zip(panels, quantities, strict=False):
        shown = table.filter(pl.col("quantity") == quantity)
        settings = shown["setting"].unique(maintain_order=True).to_list()
        for place, setting in enumerate(settings):
            own = shown.filter(pl.col("setting") == setting).sort("convolutions")
            shown_as[_LOOKS[setting][0]] = _draw_sizes(axes, own, setting, 0.16 * (place - (len(settings) - 1) / 2))
        _frame(axes, f"{quantity}, %")
        low, high = limits_of_means(shown)
        axes.set_ylim(low, min(high, 1.0))
        axes.yaxis.set_major_formatter(percent_axis())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("convolutions in the derived cell", fontsize=points(9.0))
    last = panels[len(quantities) - 1]
    last.legend(list(shown_as.values()), list(shown_as), fontsize=points(7.5), frameon=False, labelcolor=INK)
    return figure


def _draw_sizes(axes: Axes, own: pl.DataFrame, setting: str, offset: float) -> Line2D:
    """The points of one setting, moved a little sideways so that intervals do not lie on each other."""
    _, color, marker = _LOOKS[setting]
    places = own["convolutions"] + offset
    known = own["low"].is_not_null()
    axes.vlines(places.filter(known), own["low"].filter(known), own["high"].filter(known), color=color, linewidth=1.2)
    (drawn,) = axes.plot(places, own["mean"], linestyle=":", marker=marker, color=color, markersize=6, linewidth=1)
    return drawn


def _draw_rows(axes: Axes, rows: pl.DataFrame, quantity: str, *, percent: bool) -> None:
    for place, row in enumerate(rows.reverse().iter_rows(named=True)):
        _, color, marker = _LOOKS[row["setting"]]
        if row["low"] is not None:
            axes.hlines(place, row["low"], row["high"], color=color, linewidth=1.6)
        axes.plot([row["mean"]], [place], marker, color=color, markersize=6)
        text = f"{100 * row['mean']:.2f}" if percent else f"{row['mean']:.2f}"
        axes.annotate(
            text, (row["mean"], place), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=points(8.0)
        )
    _frame(axes, "")
    axes.grid(False, axis="y")
    axes.set_xlim(limits_of_means(rows))
    axes.set_ylim(-0.6, len(rows) - 0.2)
    axes.set_yticks(range(len(rows)), [_LOOKS[setting][0] for setting in rows["setting"].reverse()])
    if percent:
        axes.xaxis.set_major_formatter(percent_axis())
    axes.set_xlabel(in_lines(quantity), fontsize=points(9.0))


def _frame(axes: Axes, quantity: str) -> None:
    tidy_axes(axes)
    axes.set_ylabel(in_lines(quantity), fontsize=points(9.0), color=INK)
