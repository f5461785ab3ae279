"""Curvature of the validation loss along a search, and a lower bound on what it is expected to be."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.plots.style import INK, MUTED, draw_band, grid_shape, new_figure, points, tidy_axes

_METHODS = {"darts-1": ("DARTS, 1st order", "#0B4F9E", "s"), "drnas": ("DrNAS", "#B3001B", "o")}
_CURVATURES = {"spectral_radius": "modulus of the dominant eigenvalue", "trace": "trace of the Hessian"}
_LOSSES = {
    "expected_loss": ("expected loss", "#B3001B", "-"),
    "second_order": ("its second-order estimate", "#E0A000", "-."),
    "bound": ("lower bound (eq. 3.4)", "#0B4F9E", "--"),
    "loss": ("loss at mu", MUTED, ":"),
}


def draw_hessians(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """Dominant eigenvalue and trace of both methods, and both sides of the bound for DrNAS, against epochs.

    Args:
        table: columns `quantity`, `setting` ("darts-1" or "drnas"), `epoch`, `mean`, `low`, `high`.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(3, 3)
    figure = new_figure(11.4, 4.2, title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    for axes, (quantity, name) in zip(panels, _CURVATURES.items(), strict=False):
        for setting, (label, color, marker) in _METHODS.items():
            rows = table.filter((pl.col("quantity") == quantity) & (pl.col("setting") == setting))
            _draw(axes, rows, label, color, "-", marker=marker, band=True)
        axes.set_title(name, loc="left", fontsize=points(9.5), color=INK)
    for quantity, (label, color, line) in _LOSSES.items():
        rows = table.filter((pl.col("quantity") == quantity) & (pl.col("setting") == "drnas"))
        _draw(panels[2], rows, label, color, line, band=False)
    panels[2].set_title("validation loss, DrNAS (nats)", loc="left", fontsize=points(9.5), color=INK)
    panels[0].set_ylim(bottom=0)  # bands of few seeds would go below
    for axes in panels:
        tidy_axes(axes)
        axes.set_xlabel("epoch", fontsize=points(8.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=points(7.5), frameon=False, labelcolor=INK)
    return figure


def _draw(axes: Axes, rows: pl.DataFrame, label: str, color: str, line: str, *, marker: str = ".", band: bool) -> None:
    rows = rows.sort("epoch")
    axes.plot(rows["epoch"], rows["mean"], line, color=color, marker=marker, markersize=4, linewidth=1.5, label=label)
    if band:
        draw_band(axes, rows, "epoch", color=color, alpha=0.1)
