"""Learning curves of a search that trains its networks: who was stopped where."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from predictornas.looks import styles_of
from predictornas.plots.style import MUTED, new_figure, percent_axis, tidy_axes


def draw_learning_curves(table: pl.DataFrame, *, recommended: int, title: str, caption: str) -> Figure:
    """Validation accuracy against epochs, one line an architecture; the recommended one stands out.

    Args:
        table: columns `key`, `epochs`, `validation`; one row for each architecture and level.
        recommended: key of the architecture to stress.
        title: of the figure.
        caption: below it.
    """
    figure = new_figure(7.2, 4.6, title=title, caption=caption)
    axes = figure.subplots()
    stressed = styles_of(["rank-nosh"])["rank-nosh"].color
    longest = int(table["epochs"].max())  # type: ignore[arg-type]
    for (key,), rows in table.sort("epochs").partition_by("key", as_dict=True).items():
        chosen, stopped = key == recommended, int(rows["epochs"][-1]) < longest
        axes.plot(
            rows["epochs"],
            rows["validation"],
            color=stressed if chosen else MUTED,
            alpha=1.0 if chosen else 0.35 if stopped else 0.75,
            linewidth=2.4 if chosen else 1.0,
            marker="o",
            markersize=5 if chosen else 3,
            zorder=4 if chosen else 2,
            label="recommended" if chosen else None,
        )
    tidy_axes(axes)
    levels = sorted(set(table["epochs"].to_list()))
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(levels, [str(level) for level in levels])
    axes.yaxis.set_major_formatter(percent_axis())
    axes.set_xlabel("epochs trained")
    axes.set_ylabel("validation accuracy, %")
    axes.legend(frameon=False, loc="lower right")
    return figure
