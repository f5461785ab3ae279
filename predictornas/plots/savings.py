"""What early stopping saves by the share that is promoted: expected, and measured."""

from __future__ import annotations

from itertools import cycle

import polars as pl
from matplotlib.figure import Figure

from predictornas.analysis.early_stopping import PAYS
from predictornas.plots.style import (
    COLORS,
    MARKERS,
    MUTED,
    grid_shape,
    legend_beside,
    new_figure,
    points,
    tidy_axes,
    words,
)


def draw_savings(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """A panel a group, a colour a ladder: lines are expected, markers measured; dashed is where it begins to pay.

    Args:
        table: `group`, `ladder`, `ratio`, `expected` and `measured`.
        title: of the figure.
        caption: below it.
    """
    groups = table["group"].unique(maintain_order=True).to_list()
    grid = grid_shape(len(groups), 2)
    figure = new_figure(2.8 + 4.4 * grid[1], 0.9 + 4.0 * grid[0], title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False, sharey=True).flatten().tolist()
    looks: dict[str, tuple[str, str]] = {}
    for group in groups:  # colours are told apart within a panel
        ladders = table.filter(group=group)["ladder"].unique(maintain_order=True)
        looks |= dict(zip(ladders, zip(cycle(COLORS), cycle(MARKERS), strict=False), strict=False))
    for axes, group in zip(panels, groups, strict=True):
        axes.axhline(PAYS, color=MUTED, linestyle="--", linewidth=1.0)
        for (ladder,), own in table.filter(group=group).sort("ratio").group_by("ladder", maintain_order=True):
            color, marker = looks[ladder]
            axes.plot(own["ratio"], own["expected"], color=color, linewidth=1.6)
            axes.plot(own["ratio"], own["measured"], color=color, marker=marker, markersize=5.5, linestyle="none")
        axes.set_yscale("log")
        axes.set_yticks([1, 1.5, 2, 3, 5, 8], labels=["1", "1.5", "2", "3", "5", "8"])
        axes.set_yticks([], minor=True)
        axes.set_title(str(group), loc="left", fontsize=points(9.5))
        axes.set_xlabel("share promoted, r")
        tidy_axes(axes)
    panels[0].set_ylabel("epochs saved, times")
    for name, (color, marker) in looks.items():
        panels[0].plot([], [], color=color, marker=marker, label=words(str(name)))
    legend_beside(figure, panels[0])
    return figure
