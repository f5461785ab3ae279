"""Figures of an estimator and of ablations: learning curves, and rows of a table as points with intervals."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from predictornas.analysis.statistics import POSITIVE, Bounds, over_seeds
from predictornas.plots.limits import limits_of_means
from predictornas.plots.style import (
    COLORS,
    INK,
    MARKERS,
    MUTED,
    draw_band,
    every,
    in_lines,
    legend_beside,
    new_figure,
    points,
    tidy_axes,
)

WIDE = 20.0
"""From this ratio of the largest to the smallest value on, positive values are shown by their magnitude."""


def draw_curves(table: pl.DataFrame, *, quantity: str, title: str, caption: str) -> Figure:
    """Mean curves with their 95 % intervals; solid on the test set, dashed on the training set.

    Args:
        table: columns `curve`, `split` ("test" or "training"), `evaluations`, `mean`, `low`, `high`, `runs`.
        quantity: label of the vertical axis, which is logarithmic.
        title: of the figure.
        caption: below it.
    """

    figure = new_figure(8.4, 4.2, title=title, caption=caption)
    axes = figure.add_subplot()
    splits = set(table["split"])
    tests = table.filter(pl.col("split") == "test")
    marked = zip(COLORS, MARKERS, strict=True)
    for (color, marker), curve in zip(marked, tests["curve"].unique(maintain_order=True), strict=False):
        for split, line in (("test", "-"), ("training", "--")):
            rows = table.filter((pl.col("curve") == curve) & (pl.col("split") == split)).sort("evaluations")
            if rows.is_empty():
                continue
            label = f"{curve}, {split}" if "training" in splits else curve
            axes.plot(
                rows["evaluations"],
                rows["mean"],
                line,
                color=color,
                marker=marker,
                markersize=4,
                markevery=every(len(rows), MARKERS.index(marker)),
                linewidth=1.6,
                label=label,
            )
            if split == "test":
                draw_band(axes, rows, "evaluations", color=color, alpha=0.14)
    tidy_axes(axes)
    axes.set_yscale("log")
    axes.set_xlabel("evaluated architectures")
    axes.set_ylabel(in_lines(quantity))
    legend_beside(figure, axes)
    return figure


def draw_rows(
    table: pl.DataFrame, *, quantity: str, title: str, caption: str, bounds: Bounds, scale: float = 1.0
) -> Figure:
    """One row a setting: each run as a faint point, the mean with its 95 % interval, cut at the edge where it is wide.

    Positive values that span more than a factor of `WIDE` stand on a logarithmic axis: the small ones would all be 0.

    Args:
        table: columns `setting`, `value` (one row a run), in the order in which the rows stand, topmost first.
        quantity: label of the horizontal axis.
        title: of the figure.
        caption: below it.
        bounds: of the values, which their intervals do not leave.
        scale: multiplies every value, e.g. 100 for percent.
    """

    settings = table["setting"].unique(maintain_order=True).to_list()
    height = 0.6 + 0.34 * len(settings)
    figure = new_figure(8.4, 1.7 + 0.42 * len(settings), title=title, caption=caption, paper_height=height)
    axes = figure.add_subplot()
    means = over_seeds(table, ["setting"], "value", bounds=bounds)
    for place, setting in enumerate(reversed(settings)):
        runs = table.filter((pl.col("setting") == setting) & pl.col("value").is_not_null())["value"] * scale
        axes.plot(runs, [place] * len(runs), "o", color=MUTED, alpha=0.35, markersize=4, markeredgewidth=0)
        for row in means.filter(pl.col("setting") == setting).iter_rows(named=True):
            mean = row["mean"] * scale
            if row["low"] is not None:
                axes.plot([row["low"] * scale, row["high"] * scale], [place, place], color=INK, linewidth=1.6)
            axes.plot([mean], [place], "D", color=COLORS[0], markersize=6)
            axes.annotate(
                f"{mean:.3g}",
                (mean, place),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=points(8.0),
            )
    tidy_axes(axes)
    axes.grid(False, axis="y")
    axes.set_ylim(-0.6, len(settings) - 0.2)
    axes.set_yticks(range(len(settings)), list(reversed(settings)))
    low, high = limits_of_means(means)
    values = table["value"].drop_nulls().to_numpy()
    first, last = float(values.min()), float(values.max())
    if bounds == POSITIVE and last > WIDE * first > 0:
        axes.set_xscale("log")
        axes.set_xlim(first * scale / 1.2, max(high, last) * scale * 1.2)
    else:
        margin = 0.03 * (high - low)
        axes.set_xlim(min(low, first - margin) * scale, max(high, last + margin) * scale)
    axes.set_xlabel(quantity)
    return figure
