"""Searches that rank the whole space and near pools: what they find, where they look, and what is bad there."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.analysis.whereabouts import BAD_THERE, FARTHEST, HITS, PLACES
from predictornas.plots.style import (
    COLORS,
    MARKERS,
    draw_band,
    every,
    grid_shape,
    in_lines,
    legend_beside,
    new_figure,
    percent_axis,
    tidy_axes,
)

_LINES = ("-", "--", ":")


def draw_near_pools(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """Hits by proposals for every training; by distance, where proposals lie and how many of the early ones are bad.

    Args:
        table: rows of `predictornas.analysis.whereabouts.whereabouts_table` with `pool` and `training`; the first
            training is drawn solid, and alone in the panels of distances.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(3, 3)
    figure = new_figure(13.2, 4.6, title=title, caption=caption, grid=grid, paper_height=2.1)
    left, middle, right = figure.subplots(*grid, squeeze=False).flatten().tolist()
    looks = dict(zip(table["pool"].unique(maintain_order=True), zip(COLORS, MARKERS, strict=True), strict=False))
    trainings = table["training"].unique(maintain_order=True).to_list()
    for training, line in zip(trainings, _LINES, strict=False):
        own = table.filter(pl.col("training") == training)
        _draw(left, own.filter(pl.col("quantity") == HITS), looks, line, f", {training}")
    first = table.filter(pl.col("training") == trainings[0])
    _draw(middle, first.filter(pl.col("quantity") == PLACES), looks, "-")
    _draw(right, first.filter(pl.col("quantity") == BAD_THERE), looks, "-")
    left.set_xlabel("proposals")
    left.set_ylabel(in_lines("hits (best 0.1 %)"))
    for axes, label in ((middle, "share of proposals, %"), (right, "bad early ones, %")):
        axes.set_xlabel(in_lines("edits from the nearest of the ten best"))
        axes.set_ylabel(in_lines(label))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(percent_axis())
        axes.set_xlim(0.5, FARTHEST + 0.5)
        axes.set_ylim(0, None)
    for axes in (left, middle, right):
        tidy_axes(axes)
    legend_beside(figure, left)
    return figure


def _draw(axes: Axes, rows: pl.DataFrame, looks: dict[str, tuple[str, str]], line: str, suffix: str = "") -> None:
    for place, pool in enumerate(rows["pool"].unique(maintain_order=True)):
        color, marker = looks[pool]
        own = rows.filter(pl.col("pool") == pool).sort("at")
        marks = every(len(own), place)
        axes.plot(
            own["at"],
            own["value"],
            line,
            color=color,
            marker=marker,
            markersize=4.5,
            markevery=marks,
            linewidth=1.6,
            label=f"{pool}{suffix}",
        )
        if line == "-":
            draw_band(axes, own, "at", color=color, alpha=0.14)
