"""Figures 4, 5, 9 and 10 of Mauch et al. 2020: the error of the incumbent against what the search has spent."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from predictornas.analysis.regret import TRACES, OracleErrors
from predictornas.captions import convergence_caption
from predictornas.errors import ConfigurationError
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import (
    INK,
    band_opacity,
    cost_axis,
    count_axis,
    counted,
    grid_shape,
    legend_beside,
    new_figure,
    points,
    runs_of,
    tidy_axes,
    words,
)
from predictornas.quantity import ERRORS, Quantities, Quantity

_PANELS = {
    "searched": "what the search saw\n(incumbent, signal column)",
    "chosen": "how good its choice is\n(same incumbent, evaluation column)",
    "recommended": "what it recommends\n(evaluation column)",
    "best": "the best it evaluated\n(evaluation column)",
}
_MARKS = 7
"""Markers on a line, about."""

_AXES = {
    "evaluations": ("evaluations", "evaluations"),
    "epochs": ("cost_epochs", "training epochs"),
    "seconds": ("cost_seconds", "simulated training time, s"),
}
_SPENT = {"evaluations": "evaluations", "epochs": "training epochs", "seconds": "seconds of training"}


def draw_convergence(
    table: pl.DataFrame,
    oracles: OracleErrors | None = None,
    *,
    axis: Literal["evaluations", "epochs", "seconds"] = "evaluations",
    band: Literal["interval", "std"] = "interval",
    title: str | None = None,
    note: str = "",
    quantities: Quantities = ERRORS,
) -> Figure:
    """Mean error over the runs against evaluations or cost, one panel for each trace, one line a method.

    Args:
        table: from `predictornas.analysis.regret.convergence_table`.
        oracles: draws the signal oracle and the evaluation oracle, each read on the panel's column.
        axis: what runs along the logarithmic axis; cost is the mean over runs at equal numbers of evaluations.
        band: "interval", 95 % of the mean, or "std", one standard deviation of the runs as in the paper.
        title: replaces the first part of the title; the number of runs is always stated.
        note: a sentence that the caption begins with, such as the setting of the runs.
        quantities: how the costs of both columns are named and written.

    Raises:
        ConfigurationError: the table has no cost of the kind that `axis` asks for.
    """
    column, label = _AXES[axis]
    if table[column].null_count() == len(table):
        raise ConfigurationError(f"This table has no {column}. Draw it against axis='evaluations'.")
    traces = [trace for trace in TRACES if trace in set(table["trace"])]
    caption = convergence_caption(traces, spent=_SPENT[axis], band=band, oracles=oracles is not None)
    grid = grid_shape(len(traces), len(traces))
    figure = new_figure(
        2.9 + 3.5 * len(traces),
        4.6,
        title=f"{title or 'Convergence'} ({runs_of(table['runs'].to_list())}, "
        f"up to {counted([int(table['evaluations'].max())])} evaluations)",  # type: ignore[arg-type]
        caption=f"{note} {quantities.told(caption)}",
        grid=grid,
    )
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    for panel in panels[len(traces) :]:
        panel.set_axis_off()
    styles = styles_of(table["method"])
    for panel, trace in zip(panels, traces, strict=False):
        rows = table.filter(pl.col("trace") == trace).drop_nulls(column)
        _draw_panel(panel, rows, styles, column, band)
        _draw_oracles(panel, trace, oracles)
        _frame(panel, rows, trace, column, oracles, quantities.of(trace))
        panel.set_xlabel(label)
        panel.set_title(_PANELS[trace], loc="left", fontsize=points(9.5), color=INK)
        if traces.index(trace) % grid[1] == 0 or quantities.signal != quantities.evaluation:
            panel.set_ylabel(quantities.of(trace).heading)
    legend_beside(figure, panels[0])
    return figure


def _draw_panel(
    axes: Axes, rows: pl.DataFrame, styles: dict[str, MethodStyle], column: str, band: Literal["interval", "std"]
) -> None:
    for place, (method, style) in enumerate(styles.items()):
        own = rows.filter(pl.col("method") == method).with_columns(pl.col("std", "low", "high").fill_null(np.nan))
        cost, mean = own[column].to_numpy(), own["mean"].to_numpy()
        low, high = (own["low"], own["high"]) if band == "interval" else (mean - own["std"], mean + own["std"])
        axes.step(
            cost,
            mean,
            where="post",
            color=style.color,
            marker=style.marker,
            markersize=4.5,
            markevery=_marked(cost, place, len(styles)),
            linewidth=1.6,
            label=words(style.label),
            zorder=3,
        )
        opacity = band_opacity(len(styles))
        axes.fill_between(cost, low, high, step="post", color=style.color, alpha=opacity, linewidth=0, zorder=2)


def _marked(cost: np.ndarray, place: int, lines: int) -> list[int]:
    """Points of a line that have a marker: evenly spread along the logarithmic axis, those of other lines between."""
    known = cost[np.isfinite(cost) & (cost > 0)]
    if not len(known):
        return []
    ends = np.log([max(float(known[0]), 0.03 * float(known[-1])), float(known[-1])])
    wanted = np.exp(ends[0] + (ends[1] - ends[0]) * (np.arange(_MARKS) + (place + 0.5) / lines) / _MARKS)
    return sorted({int(np.abs(cost - value).argmin()) for value in wanted})


def _draw_oracles(axes: Axes, trace: str, oracles: OracleErrors | None) -> None:
    """Both oracles on the column of the panel; on the signal column only the signal oracle bounds the search."""
    if oracles is None:
        return
    searched = trace == "searched"
    signal = oracles.signal_on_signal if searched else oracles.signal_on_evaluation
    evaluation = oracles.evaluation_on_signal if searched else oracles.evaluation_on_evaluation
    axes.axhline(signal, color=INK, linestyle=(0, (5, 3)), linewidth=1.1, label="signal oracle", zorder=1)
    axes.axhline(evaluation, color=INK, linestyle=":", linewidth=1.4, label="evaluation oracle", zorder=1)


def _frame(
    axes: Axes, rows: pl.DataFrame, trace: str, column: str, oracles: OracleErrors | None, quantity: Quantity
) -> None:
    """Leaves the first evaluations out of view: random architectures, whose error would flatten the rest."""
    tidy_axes(axes)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(count_axis())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(cost_axis(quantity))
    settled = rows.filter(pl.col("evaluations") >= 0.03 * pl.col("evaluations").max())
    levels = [float(settled["mean"].min()), float(settled["mean"].max())]  # type: ignore[arg-type]
    if oracles is not None:
        levels.append(oracles.best_possible(trace))
    margin = 0.06 * (max(levels) - min(levels)) + (1e-4 if quantity.percent else 1e-4 * max(map(abs, levels)))
    axes.set_ylim(min(levels) - margin, max(levels) + margin)
    if quantity.higher:
        axes.yaxis.set_inverted(True)  # costs are negated scores: up is better again
    axes.set_xlim(0.5 * float(settled[column].min()), 1.1 * float(rows[column].max()))  # type: ignore[arg-type]
