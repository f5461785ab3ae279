"""How well predictors rank against the number of architectures they were trained on."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from predictornas.captions import predictors_caption
from predictornas.looks import styles_of
from predictornas.plots.style import draw_band, grid_shape, in_lines, legend_beside, new_figure, tidy_axes
from predictornas.quantity import ERROR, Quantity

_PANELS = {
    "tau": ("Kendall's tau", 1.0),
    "hits": ("share of the best 1 % found, %", 100.0),
    "regret": ("regret of the top pick, points", 100.0),
}


def draw_predictors(table: pl.DataFrame, *, title: str, caption: str, judge: Quantity = ERROR) -> Figure:
    """One panel for each quantity, one line a predictor, with 95 % intervals over the draws.

    Args:
        table: columns `predictor`, `size`, `quantity`, `mean`, `low`, `high`; quantities `tau`, `hits` (a share) and
            `regret` (a fraction) are drawn.
        title: of the figure.
        caption: below it.
        judge: how costs of the column that ranks are compared with are read.
    """
    names = _PANELS if judge.percent else _PANELS | {"regret": (judge.with_unit("regret of the top pick"), 1.0)}
    grid = grid_shape(len(_PANELS), 3)
    figure = new_figure(13.2, 4.4, title=title, caption=f"{caption} {predictors_caption()}", grid=grid)
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    styles = styles_of(table["predictor"])
    sizes = sorted(set(table["size"].to_list()))
    for axes, (quantity, (label, scale)) in zip(panels, names.items(), strict=True):
        of_quantity = table.filter(pl.col("quantity") == quantity)
        for predictor, style in styles.items():
            rows = of_quantity.filter(pl.col("predictor") == predictor).sort("size")
            mean = rows["mean"].to_numpy() * scale
            axes.plot(
                rows["size"],
                mean,
                color=style.color,
                marker=style.marker,
                markersize=5,
                linewidth=1.6,
                label=style.label,
            )
            draw_band(axes, rows, "size", color=style.color, alpha=0.14, scale=scale)
        tidy_axes(axes)
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.set_xlabel("training architectures")
        axes.set_ylabel(in_lines(label))
    legend_beside(figure, panels[-1])
    return figure
