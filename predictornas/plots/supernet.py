"""How a super-network search went: accuracies, importance of operations, entropy, skip connections, curvature."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.captions import search_caption
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import INK, MUTED, every, grid_shape, new_figure, percent_axis, points, tidy_axes

_CELLS = {"normal": ("#0B4F9E", "o"), "reduction": ("#C44E00", "s"), "cell": ("#0B4F9E", "o")}
_HALVES = {
    "train_accuracy": ("training half", MUTED, "s"),
    "validation_accuracy": ("validation half", "#0B4F9E", "o"),
}


def draw_search(
    epochs: pl.DataFrame, cells: pl.DataFrame, operations: pl.DataFrame, *, title: str, note: str = ""
) -> Figure:
    """Everything that is known of a search against its epochs; dotted lines stand where a phase begins.

    Args:
        epochs: columns `epoch`, `phase`, `train_accuracy`, `validation_accuracy` and `eigenvalue`; a panel for the last
            one is drawn where it has values.
        cells: columns `epoch`, `cell`, `entropy` and `skip_share`.
        operations: columns `epoch`, `cell`, `operation` and `importance`; means over edges are drawn.
        title: begins the title; the number of epochs is always stated.
        note: a sentence that the caption begins with.
    """
    types = cells["cell"].unique(maintain_order=True).to_list()
    curvature = epochs["eigenvalue"].null_count() < len(epochs)
    count = 3 + len(types) + curvature
    rows, columns = grid_shape(count, 2 if count == 4 else 3)
    begins = epochs.filter((pl.col("phase") != pl.col("phase").shift(1)).fill_null(False))["epoch"].to_list()
    figure = new_figure(
        3.7 * columns,
        2.9 * rows + 0.7,
        title=f"{title} ({len(epochs)} {'epoch' if len(epochs) == 1 else 'epochs'})",
        caption=f"{note} {search_caption(curvature=curvature, phases=bool(begins))}",
        grid=(rows, columns),
    )
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for panel in panels[count:]:
        panel.set_axis_off()
    remaining = iter(panels)
    _draw_accuracies(next(remaining), epochs)
    styles = styles_of(sorted(operations["operation"].unique().to_list()))
    for cell in types:
        _draw_importance(next(remaining), operations.filter(pl.col("cell") == cell), cell, styles)
    _draw_by_cell(next(remaining), cells, "entropy", "entropy, share of the largest")
    _draw_by_cell(next(remaining), cells, "skip_share", "skip connections, % of edges")
    if curvature:
        _draw_curvature(next(remaining), epochs)
    for panel in panels[:count]:
        _frame(panel, begins)
    return figure


def _draw_accuracies(axes: Axes, epochs: pl.DataFrame) -> None:
    for column, (label, color, marker) in _HALVES.items():
        known = epochs.drop_nulls(column)
        axes.plot(
            known["epoch"],
            known[column],
            color=color,
            marker=marker,
            markersize=4,
            markevery=every(len(known), 0),
            linewidth=1.5,
            label=label,
        )
    axes.yaxis.set_major_formatter(percent_axis())
    axes.set_title("accuracy of the super-network, %", loc="left", fontsize=points(9.5), color=INK)
    axes.legend(fontsize=points(7.5), frameon=False, labelcolor=INK)


def _draw_importance(axes: Axes, operations: pl.DataFrame, cell: str, styles: dict[str, MethodStyle]) -> None:
    means = operations.group_by("epoch", "operation").agg(pl.col("importance").mean()).sort("epoch")
    for place, (name, style) in enumerate(styles.items()):
        own = means.filter(pl.col("operation") == name)
        if len(own):
            axes.plot(
                own["epoch"],
                own["importance"],
                color=style.color,
                marker=style.marker,
                markersize=3.5,
                markevery=every(len(own), place),
                linewidth=1.3,
                label=name,
            )
    axes.set_ylim(0, 1.08 * max(float(value) for value in means["importance"]))
    title = "mean importance" if cell == "cell" else f"mean importance, {cell} cell"
    axes.set_title(title, loc="left", fontsize=points(9.5), color=INK)
    axes.legend(fontsize=points(6.5), frameon=False, labelcolor=INK, ncols=2)


def _draw_by_cell(axes: Axes, cells: pl.DataFrame, column: str, title: str) -> None:
    for cell in cells["cell"].unique(maintain_order=True):
        own = cells.filter(pl.col("cell") == cell)
        color, marker = _CELLS.get(cell, (INK, "^"))
        marks = every(len(own), 0)
        axes.plot(
            own["epoch"],
            own[column],
            color=color,
            marker=marker,
            markersize=4,
            markevery=marks,
            linewidth=1.5,
            label=cell,
        )
    axes.set_ylim(-0.03, 1.03)
    axes.set_title(title, loc="left", fontsize=points(9.5), color=INK)
    if column == "skip_share":
        axes.yaxis.set_major_formatter(percent_axis())
    axes.legend(fontsize=points(7.5), frameon=False, labelcolor=INK)


def _draw_curvature(axes: Axes, epochs: pl.DataFrame) -> None:
    known = epochs.drop_nulls("eigenvalue")
    axes.plot(known["epoch"], known["eigenvalue"], color="#7B3294", marker=".", linewidth=1.5)
    axes.set_title("largest eigenvalue of the Hessian", loc="left", fontsize=points(9.5), color=INK)


def _frame(axes: Axes, begins: list[int]) -> None:
    tidy_axes(axes)
    axes.set_xlabel("epoch", fontsize=points(8.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    for epoch in begins:
        axes.axvline(epoch - 0.5, color=MUTED, linestyle=":", linewidth=1)
