"""Critical-difference diagrams: average ranks on a line, a bar over the methods that cannot be told apart."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from predictornas.captions import ranks_caption
from predictornas.looks import MethodStyle, styles_of
from predictornas.plots.style import (
    INK,
    LONG,
    MUTED,
    counted,
    current_style,
    new_figure,
    over_both_columns,
    points,
    words,
)

_PANELS = {
    ("final", "searched"): "final error that the search saw",
    ("final", "chosen"): "final error of its choice",
    ("final", "recommended"): "final error of its recommendation",
    ("final", "best"): "final error of the best it evaluated",
    ("regret", "searched"): "anytime regret that the search saw",
    ("regret", "chosen"): "anytime regret of its choice",
    ("regret", "recommended"): "anytime regret of its recommendation",
    ("regret", "best"): "anytime regret of the best it evaluated",
}

_INCHES_A_LINE = 0.24


def draw_ranks(table: pl.DataFrame, *, title: str | None = None, note: str = "") -> Figure:
    """One diagram for each quantity and trace, in the manner of Demsar 2006 (JMLR 7, figure 1), best rank on the left.

    Where the critical difference is wider than all ranks can be apart, as with two blocks and many methods, nothing can
    be told apart: there is no bar, and no line as wide as the axis to measure with.

    Args:
        table: `ranks` of `predictornas.studies.comparison.Comparison`.
        title: replaces the first part of the title; the number of blocks is always stated.
        note: a sentence that the caption begins with, such as the setting of the runs.
    """
    panels = table.partition_by("quantity", "trace", maintain_order=True)
    inches = _INCHES_A_LINE if current_style().width is None else 0.17
    heights = [inches * (_lines(rows) + 3.5) for rows in panels]
    blocks = [int(count) for count in table["blocks"].unique()]
    block = table["block"][0]
    words = ranks_caption(max(blocks), block, shows_nothing=all(map(_shows_nothing, panels)))
    figure = new_figure(
        9.0,
        1.3 + sum(heights) + 0.15 * len(panels),
        title=f"{title or 'Average ranks'} ({counted(blocks)} {block}s, 1 is best)",
        caption=f"{note} {words}",
        paper_height=sum(heights) + 0.2 * len(panels),
    )
    styles = styles_of(table["method"])
    if max(len(style.label) for style in styles.values()) > LONG:
        over_both_columns(figure)
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, rows in zip(grid[:, 0], panels, strict=True):
        _draw_panel(axes, rows.sort("rank", maintain_order=True), styles)
    return figure


def _on_left(methods: int) -> int:
    """How many are named on the left: the better half; in one column of a paper all, to leave room for the axis."""
    return methods if current_style().columns == 1 else -(-methods // 2)


def _lines(rows: pl.DataFrame) -> float:
    """Lines of text below the axis, below the bars."""
    return _on_left(len(rows)) + 0.7 * len(_bars(rows)) + 0.3


def _shows_nothing(rows: pl.DataFrame) -> bool:
    """Whether no two methods could be told apart, whatever their ranks."""
    return float(rows["critical_difference"][0]) >= len(rows) - 1


def _bars(rows: pl.DataFrame) -> list[tuple[float, float]]:
    """Lowest and highest rank of every group of two or more."""
    if _shows_nothing(rows):
        return []
    members = rows.select("rank", pl.col("groups").str.split(" ").alias("group")).explode("group")
    spans = members.group_by("group", maintain_order=True).agg(
        low=pl.col("rank").min(), high=pl.col("rank").max(), size=pl.len()
    )
    return [(low, high) for _, low, high, size in spans.iter_rows() if size > 1]


def _draw_panel(axes: Axes, rows: pl.DataFrame, styles: dict[str, MethodStyle]) -> None:
    """Heights count lines below the axis, which is at 0."""
    quantity, trace, p = rows.select("quantity", "trace", "chi_square_p").row(0)
    heading = _PANELS.get((quantity, trace), f"{quantity} {trace}")
    side: Literal["left", "right"] = "right" if current_style().columns == 1 else "left"  # above the names is room
    axes.set_title(f"{heading}, p = {p:.2g}", loc=side, fontsize=points(9.5), color=INK, pad=9)
    axes.set_xlim(0.98, len(rows) + 0.02)
    axes.set_ylim(_lines(rows) + 0.5, -1.6)
    axes.xaxis.tick_top()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.spines[["left", "right", "bottom"]].set_visible(False)
    axes.spines["top"].set(position=("data", 0.0), color=MUTED)
    axes.tick_params(colors=MUTED, labelsize=points(8.5), labelcolor=INK)
    axes.set_yticks([])
    _draw_critical_difference(axes, float(rows["critical_difference"][0]), len(rows))
    bars = _bars(rows)
    for place, (low, high) in enumerate(bars, start=1):
        axes.plot([low - 0.02, high + 0.02], [0.7 * place] * 2, color=INK, linewidth=3.5, solid_capstyle="butt")
    _draw_methods(axes, rows, styles, first=0.7 * len(bars) + 1)


def _draw_critical_difference(axes: Axes, critical: float, methods: int) -> None:
    """Above the right end of the axis; words alone where it is wider than the axis."""
    if critical >= methods - 1:
        words = f"CD = {critical:.2f}, wider than the axis: nothing can be told apart"
        axes.annotate(words, (methods, -1.45), xytext=(0, 0), ha="right", **_words())
        return
    axes.plot(
        [methods - critical, methods], [-1.45] * 2, color=INK, linewidth=1.2, marker="|", markersize=6, clip_on=False
    )
    axes.annotate(f"CD = {critical:.2f}", (methods - critical, -1.45), xytext=(-6, 0), ha="right", **_words())


def _draw_methods(axes: Axes, rows: pl.DataFrame, styles: dict[str, MethodStyle], *, first: float) -> None:
    """The better half named on the left, the other on the right; a line leads from each name to its rank."""
    left = _on_left(len(rows))
    for place, (method, rank) in enumerate(rows.select("method", "rank").iter_rows()):
        on_left = place < left
        height = first + (place if on_left else len(rows) - 1 - place)
        end = 1.0 if on_left else float(len(rows))
        style = styles[method]
        axes.plot([rank, rank, end], [0, height, height], color=style.color, linewidth=1.3, zorder=1)
        axes.plot([rank], [0], color=style.color, marker=style.marker, markersize=6, clip_on=False, zorder=4)
        axes.annotate(
            f"{words(style.label)}  {rank:.2f}" if on_left else f"{rank:.2f}  {words(style.label)}",
            (end, height),
            xytext=(-5 if on_left else 5, 0),
            ha="right" if on_left else "left",
            **_words(),
        )


def _words() -> dict[str, Any]:
    """How words beside the axis are set."""
    words = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
    return {**words, "fontsize": points(8.5), "color": INK}
