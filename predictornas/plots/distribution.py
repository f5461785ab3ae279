"""Figures 2 and 6 of Mauch et al. 2020: the distribution of the error, by the signal, of what each method proposed."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from predictornas.captions import POOLS, distribution_caption
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import (
    INK,
    LONG,
    MUTED,
    cost_axis,
    new_figure,
    over_both_columns,
    points,
    runs_of,
    tidy_axes,
    words,
)
from predictornas.quantity import ERROR, Quantities, Quantity

_OVERLAP = 1.25


def draw_distribution(
    table: pl.DataFrame, *, title: str | None = None, note: str = "", quantity: Quantity = ERROR
) -> Figure:
    """One density a method on a row of its own, all on one axis of errors and one scale, the median marked.

    The axis ends where the table's bins end; the share of proposals beyond it is written at the end of each row.

    Args:
        table: from `predictornas.analysis.distribution.distribution_table`.
        title: replaces the title.
        note: a sentence that the caption begins with, such as the setting of the runs.
        quantity: how costs of the signal are named and written.
    """
    methods = list(styles_of(table["method"]))
    figure = new_figure(
        8.4,
        1.9 + 0.55 * len(methods),
        title=title or f"{quantity.name[:1].upper()}{quantity.name[1:]} of the proposals (signal)",
        caption=f"{note} {Quantities(quantity, quantity).told(distribution_caption())} {POOLS}",
        paper_height=0.55 + 0.36 * len(methods),
    )
    if max(len(style.label) for style in styles_of(methods).values()) > LONG:
        over_both_columns(figure)
    axes = figure.add_subplot()
    tallest = float(table["density"].max())  # type: ignore[arg-type]
    end = float(table["error_high"].max())  # type: ignore[arg-type]
    for row, (method, style) in enumerate(styles_of(methods).items()):
        own = table.filter(pl.col("method") == method).sort("error_low")
        _draw_row(axes, own, style, base=float(len(methods) - 1 - row), scale=_OVERLAP / tallest, end=end)
    tidy_axes(axes)
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlim(float(table["error_low"].min()), end)  # type: ignore[arg-type]
    axes.set_ylim(-0.15, None)
    axes.set_yticks(range(len(methods)), [_label(table, method) for method in reversed(methods)], va="bottom")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(cost_axis(quantity))
    axes.set_xlabel(quantity.heading)
    return figure


def _draw_row(axes: Axes, rows: pl.DataFrame, style: MethodStyle, *, base: float, scale: float, end: float) -> None:
    height = base + scale * rows["density"].to_numpy()
    edges = [*rows["error_low"].to_list(), rows["error_high"][-1]]
    front = len(edges) - base  # lower rows stand in front of the rows above them
    axes.stairs(height, edges, baseline=base, fill=True, color=style.color, alpha=0.55, zorder=front)
    axes.stairs(height, edges, baseline=None, color=style.color, linewidth=1.1, zorder=front)
    median = rows["median"][0]
    if median <= end:
        axes.plot([median, median], [base - 0.1, base + 0.1], color=INK, linewidth=1.8, zorder=front)
    share = rows["clipped_share"][0]
    beyond = f" {share:.1%} beyond" if share > 0 else " all shown"
    axes.annotate(
        beyond,
        (1.0, base),
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=points(8.0),
        color=MUTED,
        annotation_clip=False,
    )


def _label(table: pl.DataFrame, method: str) -> str:
    first = table.filter(pl.col("method") == method).row(0, named=True)
    name = words(styles_of([method])[method].label)
    if first["runs"] == 0:
        return f"{name}\n{first['proposals_total']:,} cells"
    return f"{name}\nΣK = {first['proposals_total']:,}, {runs_of([first['runs']])}"
