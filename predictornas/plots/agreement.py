"""How far orders agree, every one with every other, as a triangle of shaded numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from predictornas.plots.style import INK, current_style, new_figure, over_both_columns, points

_INCHES = 0.42
_MOST = 8  # columns of a table that one column of a paper has room for
_DARK = 0.6
"""Shade from which numbers are white."""


def draw_agreement(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """The lower triangle of the matrix of correlations, with the numbers in it.

    Args:
        table: columns `first`, `second`, `tau`; every unordered pair once.
        title: of the figure.
        caption: below it.
    """
    labels = list(dict.fromkeys(table["first"].to_list()))
    place = {label: index for index, label in enumerate(labels)}
    matrix = np.full((len(labels), len(labels)), np.nan)
    for first, second, tau in table.select("first", "second", "tau").iter_rows():
        row, column = sorted((place[first], place[second]), reverse=True)
        matrix[row, column] = np.nan if tau is None or first == second else tau
    size = max(6.5, 3.2 + _INCHES * len(labels))
    figure = new_figure(size, size - 1.2, title=title, caption=caption, paper_height=current_style().width)
    if len(labels) > _MOST and current_style().is_paper:
        over_both_columns(figure)
        figure.set_figheight(figure.get_figwidth())
    axes = figure.subplots()
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(np.isfinite(matrix)), strict=True):
        value = matrix[row, column]
        color = "white" if value > _DARK else INK
        axes.text(
            column, row, f"{value:.2f}".replace("0.", "."), ha="center", va="center", fontsize=points(8.0), color=color
        )
    axes.set_xticks(range(len(labels) - 1), labels[:-1], rotation=45, ha="right", fontsize=points(8.0))
    axes.set_yticks(range(1, len(labels)), labels[1:], fontsize=points(8.0))
    axes.set_ylim(len(labels) - 0.5, 0.5)
    axes.set_xlim(-0.5, len(labels) - 1.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure
