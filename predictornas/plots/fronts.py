"""Several objectives: what runs attain beside the front of the table, and how much of its volume they lack."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, ScalarFormatter

from predictornas.analysis.objectives.hypervolumes import TRACES
from predictornas.analysis.objectives.measure import HypervolumeScale, is_logarithmic
from predictornas.analysis.objectives.surfaces import SHARES
from predictornas.captions import FRONT_TRACES, FRONTS, HYPERVOLUME
from predictornas.looks import styles_of
from predictornas.plots.style import (
    INK,
    MUTED,
    band_opacity,
    draw_band,
    every,
    grid_shape,
    legend_beside,
    new_figure,
    percent_axis,
    points,
    runs_of,
    tidy_axes,
    words,
)

_PANELS = {"chosen": "of what it chose", "best": "of all it evaluated"}


def draw_hypervolume(table: pl.DataFrame, *, note: str = "") -> Figure:
    """Mean hypervolume regret against evaluations, a panel for each trace, a line for each method.

    Args:
        table: from `predictornas.analysis.objectives.hypervolumes.hypervolume_table`.
        note: what the caption begins with: the setting and the scale of the hypervolume.
    """
    grid = grid_shape(len(TRACES), len(TRACES))
    figure = new_figure(
        9.4,
        4.8,
        title=f"Hypervolume regret ({runs_of(table['runs'].to_list())})",
        caption=f"{note} {HYPERVOLUME} {' '.join(FRONT_TRACES.values())}",
        grid=grid,
    )
    panels = figure.subplots(*grid, squeeze=False, sharey=True).flatten().tolist()
    styles = styles_of(table["method"])
    for axes, trace in zip(panels, TRACES, strict=False):
        for place, (method, style) in enumerate(styles.items()):
            rows = table.filter((pl.col("trace") == trace) & (pl.col("method") == method))
            axes.plot(
                rows["evaluations"],
                rows["mean"],
                color=style.color,
                marker=style.marker,
                markersize=4.5,
                markevery=every(len(rows), place),
                linewidth=1.6,
                label=words(style.label),
            )
            draw_band(axes, rows, "evaluations", color=style.color, alpha=band_opacity(len(styles)))
        tidy_axes(axes)
        axes.yaxis.set_major_formatter(percent_axis())
        axes.set_ylim(0, 1)
        axes.set_xlabel("evaluations")
        axes.set_title(_PANELS[trace], loc="left", fontsize=points(9.5), color=INK)
    panels[0].set_ylabel("hypervolume regret, %")
    legend_beside(figure, panels[0])
    return figure


def draw_fronts(front: pl.DataFrame, attainment: pl.DataFrame, measure: HypervolumeScale, *, note: str = "") -> Figure:
    """What a quarter, half and three quarters of the runs attain in two objectives, beside the front of the table.

    Args:
        front: columns `method` and the objectives; the rows of "whole table" are drawn.
        attainment: from `predictornas.analysis.objectives.surfaces.attainment_table`.
        measure: its ideal and reference points frame the figure.
        note: what the caption begins with.
    """
    one, other = measure.names
    runs = runs_of(attainment["runs"].to_list())
    figure = new_figure(7.6, 5.2, title=f"Fronts: {one} and {other} ({runs})", caption=f"{note} {FRONTS}")
    axes = figure.subplots()
    own = front.filter(pl.col("method") == "whole table").sort(one)
    axes.plot(own[one], own[other], "o", color=MUTED, markersize=5, label="front of the table", zorder=2)
    styles = styles_of(attainment["method"])
    limits = tuple(zip(measure.ideal.tolist(), measure.reference.tolist(), strict=True))
    for method, style in styles.items():
        surfaces = [
            _surface(attainment.filter((pl.col("method") == method) & (pl.col("share") == share)), one, other)
            for share in SHARES
        ]
        along = np.unique(np.concatenate([surface[0] for surface in surfaces] + [np.array([limits[0][1]])]))
        low, middle, high = (_at(along, *surface) for surface in surfaces)
        axes.step(along, middle, where="post", color=style.color, linewidth=1.8, label=words(style.label), zorder=3)
        roof = np.minimum(high, 10 * limits[1][1])  # fewer than three quarters have anything there
        alpha = band_opacity(len(styles))
        axes.fill_between(along, low, roof, step="post", color=style.color, alpha=alpha, linewidth=0)
    for set_limits, (low_end, high_end), scale in (
        (axes.set_xlim, limits[0], axes.set_xscale),
        (axes.set_ylim, limits[1], axes.set_yscale),
    ):
        if is_logarithmic(low_end, high_end):
            scale("log")
            set_limits(low_end / 1.15, high_end)
        else:
            set_limits(low_end - 0.04 * (high_end - low_end), high_end)
    tidy_axes(axes)
    _name(axes, one, other)
    legend_beside(figure, axes)
    return figure


def _surface(rows: pl.DataFrame, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    return rows[one].to_numpy(), rows[other].to_numpy()


def _at(along: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The height of a staircase at each place; infinite before it begins."""
    place = np.searchsorted(x, along, side="right") - 1
    return np.append(y, np.inf)[place]


def _name(axes: Axes, one: str, other: str) -> None:
    for axis, name in ((axes.xaxis, one), (axes.yaxis, other)):
        if name == "error":
            axis.set_major_formatter(percent_axis())
            axis.set_label_text("error, %")
        elif name in ("parameters", "flops"):
            axis.set_major_formatter(_short_counts())
            axis.set_minor_formatter(NullFormatter())
            axis.set_label_text(name)
        else:
            if axis.get_scale() != "log":
                axis.set_major_formatter(ScalarFormatter(useMathText=True))
            axis.set_label_text(name.replace("_seconds", ", s").replace("_", " "))


def _short_counts() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g}k")
