"""How alike the accuracies of two architectures are by their edit distance, and what is near the best ones."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.analysis.smoothness import AGAIN, DISTANCE, GOOD, GOOD_NEIGHBOURS, RANKS
from predictornas.plots.style import (
    COLORS,
    MARKERS,
    MUTED,
    draw_band,
    grid_shape,
    in_lines,
    legend_beside,
    new_figure,
    percent_axis,
    tidy_axes,
)

_PANELS = {
    RANKS: ("rank correlation of accuracies", 0.0),
    GOOD_NEIGHBOURS: ("among the best 1 % of the table, %", GOOD),
}
"""Label of each panel, and what random pairs have there."""


def draw_smoothness(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """A panel for rank correlations and one for neighbours of the best, one line a table.

    At distance 0 stands a hollow marker: the same architectures trained again. The dashed line is of random pairs.

    Args:
        table: rows of `predictornas.analysis.smoothness.smoothness_table` with a column `benchmark`.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(len(_PANELS), 2)
    figure = new_figure(10.4, 4.4, title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    for axes, (quantity, (label, chance)) in zip(panels, _PANELS.items(), strict=True):
        axes.axhline(chance, color=MUTED, linestyle="--", linewidth=1.0, label="random pairs")
        _draw_lines(axes, table.filter(pl.col("quantity") == quantity))
        tidy_axes(axes)
        axes.set_xlabel("edit distance" if quantity == RANKS else in_lines("edit distance from one of the best 0.1 %"))
        axes.set_ylabel(in_lines(label))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[1].yaxis.set_major_formatter(percent_axis())
    legend_beside(figure, panels[0])
    return figure


def _draw_lines(axes: Axes, rows: pl.DataFrame) -> None:
    looks = zip(COLORS, MARKERS, strict=True)
    for name, (color, marker) in zip(rows["benchmark"].unique(maintain_order=True), looks, strict=False):
        own = rows.filter(pl.col("benchmark") == name)
        line = own.filter(pl.col("of") == DISTANCE).sort("distance")
        axes.plot(
            line["distance"], line["value"], color=color, marker=marker, markersize=4.5, linewidth=1.5, label=name
        )
        draw_band(axes, line, "distance", color=color, alpha=0.16)
        again = own.filter(pl.col("of") == AGAIN)["value"]
        axes.plot([0.0] * len(again), again, color=color, marker=marker, markersize=6, markerfacecolor="none")
