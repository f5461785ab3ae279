"""Super-network searches in NAS-Bench-201: the accuracy of the cell that each would derive, epoch by epoch."""

from __future__ import annotations

import math

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from predictornas.plots.style import INK, MUTED, current_style, new_figure, points, tidy_axes

_COLUMNS = 5
_CURVE, _PERTURBED = "#0B4F9E", "#B3001B"
_TICKS = (0.1, 0.5, 0.7, 0.8, 0.9, 0.95)


def draw_trajectories(
    epochs: pl.DataFrame, ends: pl.DataFrame, *, median: float, best: float, title: str, caption: str
) -> Figure:
    """One panel a method: a thin line a seed, their mean, and the ends of the same method with perturbation selection.

    Args:
        epochs: columns `setting`, `seed`, `epoch`, `accuracy` (a fraction; null where it is not known).
        ends: columns `setting`, `selection` ("own" or "perturbation"), `accuracy`, `skip_share`; one row a seed.
        median: accuracy of the median cell of the table.
        best: that of its best cell.
        title: of the figure.
        caption: below it.
    """
    settings = epochs["setting"].unique(maintain_order=True).to_list()
    # small panels: in one column of a paper two of them stand side by side, in both columns four
    columns = min({1: 2, 3: 4}.get(current_style().columns, _COLUMNS), len(settings))
    rows = math.ceil(len(settings) / columns)
    figure = new_figure(max(2.3 * columns, 7.0), 2.0 * rows + 1.2, title=title, caption=caption, grid=(rows, columns))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel in panels.flat[len(settings) :]:
        panel.set_axis_off()
    for axes, setting in zip(panels.flat, settings, strict=False):
        own = ends.filter((pl.col("setting") == setting) & pl.col("accuracy").is_not_null())
        _draw_method(axes, epochs.filter((pl.col("setting") == setting) & pl.col("accuracy").is_not_null()), own)
        for value in (median, best):
            axes.axhline(1 - value, color=MUTED, linestyle=":", linewidth=1)
        axes.set_title(_headline(setting, own), loc="left", fontsize=points(8.0), color=INK)
        tidy_axes(axes)
    _scale_errors(panels[0, 0])
    for axes in panels[-1]:
        axes.set_xlabel("epoch", fontsize=points(8.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    figure.supylabel("accuracy of the derived cell, %", fontsize=points(9.0), color=INK)
    return figure


def _draw_method(axes: Axes, epochs: pl.DataFrame, ends: pl.DataFrame) -> None:
    for (_,), run in epochs.group_by("seed", maintain_order=True):
        axes.plot(run["epoch"], 1 - run["accuracy"], color=_CURVE, linewidth=0.7, alpha=0.35)
    means = epochs.group_by("epoch").agg(pl.col("accuracy").mean()).sort("epoch")
    axes.plot(means["epoch"], 1 - means["accuracy"], color=_CURVE, linewidth=1.7)
    perturbed = ends.filter(pl.col("selection") == "perturbation")["accuracy"].to_numpy()
    if len(perturbed) and len(means):
        place = 1.06 * means["epoch"].to_numpy().max()
        axes.plot([place] * len(perturbed), 1 - perturbed, "D", color=_PERTURBED, markersize=3, alpha=0.35)
        axes.plot([place], [1 - perturbed.mean()], "D", color=_PERTURBED, markersize=5.5)


def _headline(setting: str, ends: pl.DataFrame) -> str:
    """The name, and below it what the search ends with: accuracy in percent and share of skip connections."""
    names = {"own": "", "perturbation": "+pt: "}
    means = ends.group_by("selection").agg(pl.col("accuracy", "skip_share").mean()).sort("selection")
    shown = [
        f"{names[end['selection']]}{100 * end['accuracy']:.2f}, skips {100 * end['skip_share']:.0f} %"
        for end in means.iter_rows(named=True)
    ]
    return "\n".join([setting, *shown])


def _scale_errors(axes: Axes) -> None:
    """Logarithmic in the error, so that good cells are told apart and collapsed ones are on the picture too."""
    axes.set_yscale("log")
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(FixedLocator([1 - accuracy for accuracy in _TICKS]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{round(100 * (1 - error), 6):g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
