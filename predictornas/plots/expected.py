"""What was expected of searches beside what they showed."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from predictornas.plots.style import COLORS, MARKERS, MUTED, legend_beside, new_figure, points, tidy_axes, words

_COLORS = (*COLORS, "#3F7F3A")
"""Of predictors, as far as they go."""

NEAR = 1.0
"""dB between expected and measured that the band shows."""


def draw_expected(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """Measured against expected gain, a panel a target; a colour for each predictor, a marker for each sampler.

    Args:
        table: `target`, `predictor`, `sampler`, `expected_db` and `measured_db`, both resolved, with `measured_low` and
            `measured_high` (null where there is no interval).
        title: of the figure.
        caption: below it.
    """
    targets = table["target"].unique(maintain_order=True).to_list()
    figure = new_figure(2.6 + 4.0 * len(targets), 4.9, title=title, caption=caption, grid=(1, len(targets)))
    panels = figure.subplots(1, len(targets), squeeze=False)[0]
    colors = dict(zip(table["predictor"].unique(maintain_order=True), itertools.cycle(_COLORS), strict=False))
    markers = dict(zip(table["sampler"].unique(maintain_order=True), itertools.cycle(MARKERS), strict=False))
    for axes, target in zip(panels, targets, strict=True):
        own = table.filter(target=target)
        both = own.select("expected_db", "measured_db").to_numpy()
        line = np.array([min(both.min(), 0.0), both.max() + 1])
        axes.fill_between(line, line - NEAR, line + NEAR, color=MUTED, alpha=0.15, linewidth=0)
        axes.plot(line, line, color=MUTED, linewidth=1.0)
        for row in own.to_dicts():
            x, y, color = row["expected_db"], row["measured_db"], colors[row["predictor"]]
            if row["measured_low"] is not None:
                axes.plot([x, x], [row["measured_low"], row["measured_high"]], color=color, linewidth=0.8, alpha=0.6)
            axes.plot(x, y, marker=markers[row["sampler"]], color=color, markersize=5.5, linestyle="none", alpha=0.9)
        axes.set_title(str(target), loc="left", fontsize=points(9.5))
        axes.set_xlabel("expected, dB")
        axes.set_ylim(line[0] - 1, both[:, 1].max() + 3)
        tidy_axes(axes)
    panels[0].set_ylabel("measured, dB")
    for name, color in colors.items():
        panels[0].plot([], [], color=color, marker="o", linestyle="none", label=words(str(name)))
    for name, marker in markers.items():
        panels[0].plot([], [], color=MUTED, marker=marker, linestyle="none", label=words(str(name)))
    legend_beside(figure, panels[0])
    return figure
