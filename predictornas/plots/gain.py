"""Figures 3, 7 and 8 of Mauch et al. 2020: the sample-efficiency gain, and its split into sampler and predictor."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from predictornas.captions import gain_caption, split_caption
from predictornas.errors import UnknownNameError
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import (
    INK,
    MUTED,
    band_opacity,
    count_axis,
    counted,
    current_style,
    grid_shape,
    legend_beside,
    new_figure,
    points,
    runs_of,
    tidy_axes,
    words,
)
from predictornas.quantity import ERROR, Quantities, Quantity

_HITS = "architectures of the table that reach the target, $M_S$"
_NULL = "random search with a hit, mean (band: 95 %)"


def draw_gain(
    table: pl.DataFrame,
    *,
    estimator: str = "pooled",
    title: str | None = None,
    note: str = "",
    quantity: Quantity = ERROR,
) -> Figure:
    """The gain in dB against M_S on a logarithmic axis, J on the axis above, one line a method.

    Bands are 95 % over seeds. Hollow markers are unresolved targets, whose gain is only an upper bound. The dashed line
    on top is the cap of perfect proposals, the grey band what random search scores by chance.

    Args:
        table: from `predictornas.analysis.gain.gain_table`.
        estimator: which of its estimators.
        title: replaces the first part of the title; K and the number of runs are always stated.
        note: a sentence that the caption begins with, such as the setting of the runs.
        quantity: how costs of the signal are named and written.

    Raises:
        UnknownNameError: the table does not hold that estimator.
    """
    rows = _rows_of(table, estimator)
    figure = new_figure(
        9.0,
        5.4,
        title=f"{title or 'Sample-efficiency gain over random search'} ({_sizes(rows)})",
        caption=f"{note} {Quantities(quantity, quantity).told(_caption(rows, estimator))}",
    )
    axes = figure.add_subplot()
    _draw_bounds(axes, rows)
    styles = styles_of(rows["method"])
    for index, (method, style) in enumerate(styles.items()):
        own = rows.filter(pl.col("method") == method)
        _draw_line(axes, own, style, offset=index, band=band_opacity(len(styles)))
    axes.set_ylabel("gain, dB")
    axes.set_xlabel(_HITS)
    _target_axes(axes, rows, above=quantity)
    legend_beside(figure, axes)
    return figure


def draw_split(
    table: pl.DataFrame,
    *,
    estimator: str = "pooled",
    title: str | None = None,
    note: str = "",
    quantity: Quantity = ERROR,
) -> Figure:
    """The gain of sampler, predictor and both together, one panel a method.

    Args:
        table: from `predictornas.analysis.split.split_table`.
        estimator: which of its estimators.
        title: replaces the first part of the title; K and the number of runs are always stated.
        note: a sentence that the caption begins with, such as the setting of the runs.
        quantity: how costs of the signal are named.

    Raises:
        UnknownNameError: the table does not hold that estimator.
    """
    rows = _rows_of(table, estimator)
    methods = rows["method"].unique(maintain_order=True).to_list()
    lines, columns = grid_shape(len(methods), 3)
    figure = new_figure(
        2.6 + 3.6 * columns,
        1.9 + 3.0 * lines,
        title=f"{title or 'Gain of the sampler and of the predictor'} ({_sizes(rows)})",
        caption=f"{note} {Quantities(quantity, quantity).told(_caption(rows, estimator, split=True))}",
        grid=(lines, columns),
    )
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel in grid.flat[len(methods) :]:
        panel.set_visible(False)
    for panel, (method, style) in zip(grid.flat, styles_of(methods).items(), strict=False):
        _draw_panel(panel, rows.filter(pl.col("method") == method), style.color)
        panel.set_title(words(style.label), loc="left", fontsize=points(9.5), color=INK)
        _target_axes(panel, rows)
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("$M_S$")
    for panel in grid[:, 0]:
        panel.set_ylabel("gain, dB")
    legend_beside(figure, grid[0, 0])
    return figure


def _draw_panel(axes: Axes, rows: pl.DataFrame, color: str) -> None:
    _draw_bounds(axes, rows.filter(pl.col("part") == "total"))
    for index, (part, shade, marker) in enumerate((("sampler", "#D95F02", "^"), ("predictor", "#1497A8", "s"))):
        _draw_line(
            axes,
            rows.filter(pl.col("part") == part),
            MethodStyle(part, shade, marker),
            offset=index,
            band=band_opacity(2),
        )
    _draw_line(axes, rows.filter(pl.col("part") == "total"), MethodStyle("total", INK, "o"), offset=2, band=0.0)


def _draw_line(axes: Axes, rows: pl.DataFrame, style: MethodStyle, *, offset: int, band: float) -> None:
    """A line through the resolved targets with its band, hollow markers at the unresolved ones."""
    hits, gain = _numbers(rows, "table_hits"), _numbers(rows, "gain_db")
    resolved = rows["resolved"].to_numpy()
    every = max(1, len(hits) // 9)
    axes.plot(
        hits,
        np.where(resolved, gain, np.nan),
        color=style.color,
        marker=style.marker,
        markevery=(offset % every, every),
        markersize=5,
        linewidth=1.7,
        label=words(style.label),
        zorder=4,
    )
    low, high = _numbers(rows, "low"), _numbers(rows, "high")
    axes.fill_between(hits, low, high, color=style.color, alpha=band, linewidth=0, zorder=3)
    hollow = ~resolved & np.isfinite(gain)
    axes.plot(
        hits[hollow],
        gain[hollow],
        linestyle="none",
        marker=style.marker,
        markersize=5,
        markerfacecolor="white",
        markeredgecolor=style.color,
        markeredgewidth=1.1,
        zorder=5,
    )


def _draw_bounds(axes: Axes, rows: pl.DataFrame) -> None:
    """One null that covers the sizes of all methods' runs, and a cap for each number of proposals."""
    null = rows.group_by("table_hits").agg(
        pl.col("null_low").min(), pl.col("null_high").max(), pl.col("null_db").mean()
    )
    null = _widened(null.sort("table_hits"))
    hits, low, high = (_numbers(null, column) for column in ("table_hits", "null_low", "null_high"))
    axes.fill_between(hits, low, high, color=MUTED, alpha=0.22, linewidth=0, zorder=1)
    axes.plot(hits, _numbers(null, "null_db"), color=MUTED, linestyle=":", linewidth=1.3, label=_NULL, zorder=2)
    for group in rows.partition_by("proposals", maintain_order=True):
        own = _widened(group.filter(pl.col("method") == group["method"][0]))
        label = f"cap: perfect proposals, K = {group['proposals'][0]:,}"
        hits, cap = _numbers(own, "table_hits"), _numbers(own, "cap_db")
        axes.plot(hits, cap, color=INK, linestyle=(0, (5, 3)), linewidth=1.2, label=label, zorder=2)


def _widened(rows: pl.DataFrame) -> pl.DataFrame:
    """Gives the bounds of a single target some width, without which they could not be seen."""
    if rows["table_hits"].n_unique() != 1:
        return rows
    first = rows.head(1).with_columns(pl.col("table_hits").cast(pl.Float64))
    return pl.concat([first.with_columns(pl.col("table_hits") * factor) for factor in (0.8, 1.25)])


def _target_axes(axes: Axes, rows: pl.DataFrame, *, above: Quantity | None = None) -> None:
    tidy_axes(axes)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(count_axis())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
    reached = rows.unique("table_hits").sort("table_hits")
    if reached.is_empty():
        return
    axes.set_xlim(0.7 * reached["table_hits"][0], 1.4 * reached["table_hits"][-1])
    if above is not None:
        _error_axis(axes, _numbers(reached, "table_hits"), _numbers(reached, "target_error"), above)


def _error_axis(axes: Axes, hits: Float[np.ndarray, " j"], errors: Float[np.ndarray, " j"], quantity: Quantity) -> None:
    """J above the plot: round errors stand where the table reaches them, far enough from each other to be read."""
    above = axes.twiny()
    above.set_xscale("log")
    above.set_xlim(axes.get_xlim())
    places: list[tuple[float, str]] = []
    most = 4 if current_style().columns == 1 else 14  # labels that stand beside each other without touching
    apart = np.log(axes.get_xlim()[1] / axes.get_xlim()[0]) / most
    for position in np.geomspace(hits[0], hits[-1], 9) if len(hits) > 0 else []:
        nearest = int(np.abs(np.log(hits / position)).argmin())
        if all(abs(np.log(hits[nearest] / other)) > apart for other, _ in places):
            places.append((hits[nearest], quantity.text(errors[nearest])))
    above.xaxis.set_major_locator(FixedLocator([place for place, _ in places]))
    above.xaxis.set_minor_locator(NullLocator())
    above.set_xticks([place for place, _ in places], [label for _, label in places])
    above.set_xlabel(quantity.with_unit(f"target {quantity.name} J"), color=INK)
    above.spines[["right", "left"]].set_visible(False)
    above.spines["top"].set_color(MUTED)
    above.tick_params(colors=MUTED, labelsize=points(8.5), labelcolor=INK)


def _rows_of(table: pl.DataFrame, estimator: str) -> pl.DataFrame:
    known = table["estimator"].unique(maintain_order=True).to_list()
    if estimator not in known:
        raise UnknownNameError("estimator in this table", estimator, known)
    # A target that no architecture of the table reaches has no place on a logarithmic axis: no line, as defined.
    return table.filter((pl.col("estimator") == estimator) & (pl.col("table_hits") > 0))


def _sizes(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "the table reaches no target"
    counts = " with T0" if _with_initial(rows) else ""
    return f"K = {counted(rows['proposals'].to_list())} proposals a run{counts}, {runs_of(rows['runs'].to_list())}"


def _with_initial(rows: pl.DataFrame) -> bool:
    return bool(rows["with_initial"].any())


def _caption(rows: pl.DataFrame, estimator: str, *, split: bool = False) -> str:
    """What the words mean, and how many points are hollow."""
    defined = rows.filter(pl.col("gain_db").is_not_null())
    unresolved = len(defined) - int(defined["resolved"].sum())
    caption = split_caption if split else gain_caption
    return caption(estimator, unresolved=unresolved, defined=len(defined), with_initial=_with_initial(rows))


def _numbers(rows: pl.DataFrame, column: str) -> Float[np.ndarray, " j"]:
    return rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
