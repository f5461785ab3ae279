"""How well predictors rank against the number of architectures they were trained on."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from predictornas.captions import Quality, predictors_caption, qualities
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import (
    MUTED,
    count_axis,
    draw_band,
    grid_shape,
    in_lines,
    legend_beside,
    new_figure,
    tidy_axes,
    words,
)
from predictornas.quantity import ERROR, Quantity


def draw_predictors(table: pl.DataFrame, *, title: str, caption: str, judge: Quantity = ERROR) -> Figure:
    """One panel for each quantity, one line a predictor, with 95 % intervals over the draws.

    Args:
        table: columns `predictor`, `size`, `quantity`, `mean`, `low`, `high` and perhaps `random`, what random scores
            have; of the quantities those in `predictornas.captions.QUALITIES` are drawn.
        title: of the figure.
        caption: below it.
        judge: how costs of the column that ranks are compared with are read.
    """
    shown = {name: quality for name, quality in qualities(judge).items() if name in set(table["quantity"])}
    by_chance = "random" in table.columns and table["random"].null_count() < len(table)
    rows, columns = grid_shape(len(shown), 4 if len(shown) > 3 else 3)
    told = f"{caption} {predictors_caption(shown, by_chance=by_chance)}"
    figure = new_figure(4.4 * columns, 1.2 + 3.2 * rows, title=title, caption=told, grid=(rows, columns))
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    styles = styles_of(table["predictor"])
    for axes, (name, quality) in zip(panels, shown.items(), strict=False):
        _draw_panel(axes, table.filter(pl.col("quantity") == name), quality, styles, by_chance=by_chance)
    for unused in panels[len(shown) :]:
        unused.remove()
    legend_beside(figure, panels[0])  # every predictor has the first quantity, and not all know how unsure they are
    return figure


def _draw_panel(
    axes: Axes, table: pl.DataFrame, quality: Quality, styles: Mapping[str, MethodStyle], *, by_chance: bool
) -> None:
    scale = quality.scale
    for predictor, style in styles.items():
        rows = table.filter(pl.col("predictor") == predictor).sort("size")
        if rows.is_empty():
            continue
        axes.plot(
            rows["size"],
            rows["mean"].to_numpy() * scale,
            color=style.color,
            marker=style.marker,
            markersize=5,
            linewidth=1.6,
            label=words(style.label),
        )
        if len(rows) > 1:
            draw_band(axes, rows, "size", color=style.color, alpha=0.14, scale=scale)
        else:  # a band needs two sizes
            low, high = (rows[end].cast(pl.Float64).to_numpy() * scale for end in ("low", "high"))
            axes.vlines(rows["size"], low, high, color=style.color)
    if by_chance:
        # predictors see the same draws, so that one line is for all of them
        random = table.drop_nulls("random").unique("size").sort("size")
        across = random if len(random) > 1 else pl.concat([random, random])
        along = across["size"].to_numpy() if len(random) > 1 else across["size"].to_numpy() * [0.8, 1.25]
        axes.plot(along, across["random"] * scale, color=MUTED, linestyle=":", label="random scores")
    sizes = sorted(set(table["size"].to_list()))
    tidy_axes(axes)
    axes.set_xscale("log")
    if quality.logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(count_axis())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xlabel("training architectures")
    axes.set_ylabel(in_lines(quality.heading))
