"""The course of one training: loss, and accuracies on the images it saw and on those it did not."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.plots.style import INK, MUTED, grid_shape, new_figure, percent_axis, tidy_axes

_LINES = {
    "train_accuracy": ("training", MUTED, ":"),
    "validation_accuracy": ("validation", "#0B4F9E", "--"),
    "test_accuracy": ("test", "#C44E00", "-"),
}


def draw_training(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """Two panels: training loss and accuracies after each epoch.

    Args:
        table: columns `epoch`, `train_loss`, `train_accuracy`, `validation_accuracy`, `test_accuracy`.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(2, 2)
    figure = new_figure(9.6, 4.2, title=title, caption=caption, grid=grid)
    loss, accuracy = figure.subplots(*grid, squeeze=False).flatten().tolist()
    loss.plot(table["epoch"], table["train_loss"], color=INK, linewidth=1.6)
    loss.set_ylabel("training loss")
    for column, (label, color, dashes) in _LINES.items():
        rows = table.filter(pl.col(column).is_finite())
        if rows.is_empty():  # no image was set aside to validate with
            continue
        accuracy.plot(rows["epoch"], rows[column], color=color, linestyle=dashes, linewidth=1.6, label=label)
    accuracy.set_ylabel("accuracy, %")
    accuracy.yaxis.set_major_formatter(percent_axis())
    accuracy.legend(frameon=False, loc="lower right")
    for axes in (loss, accuracy):
        tidy_axes(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
    return figure
