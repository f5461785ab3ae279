"""Figures of perturbation selection: importance against strength, skip connections, swapped layers, selected cells."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from predictornas.looks import styles_of
from predictornas.plots.style import (
    INK,
    MUTED,
    draw_band,
    grid_shape,
    in_lines,
    new_figure,
    over_both_columns,
    percent_axis,
    points,
    tidy_axes,
)

_IMPORTANCE, _STRENGTH = "#0B4F9E", "#D95F02"
_PARAMETERISED, _PARAMETER_FREE = "#C4372B", "#B5B5B5"
_SELECTIONS = {"magnitude": ("#0B4F9E", "o"), "perturbation": ("#D95F02", "D")}
_STATES = {"before": ("as trained", "#0B4F9E", ""), "after": ("two swapped", "#D95F02", "///")}


def draw_strengths(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """For every edge the importance of its operations, and below it their strength, as in figure 2.1.

    Args:
        table: columns `cell`, `edge`, `ends`, `operation`, `seed`, `importance`, `accuracy`; fractions.
        title: of the figure.
        caption: below it.
    """
    edges = table.select("cell", "edge", "ends").unique(maintain_order=True).rows()
    figure = new_figure(3.4 * len(edges) + 0.6, 5.4, title=title, caption=caption, paper_height=3.6)
    over_both_columns(figure)
    panels = figure.subplots(2, len(edges), squeeze=False, sharey="row")
    for column, (cell, edge, ends) in enumerate(edges):
        own = table.filter(pl.col("cell") == cell, pl.col("edge") == edge)
        name = f"edge {ends}" if cell == "cell" else f"{cell} cell, edge {ends}"
        panels[0, column].set_title(name, loc="left", fontsize=points(9.5), color=INK)
        _draw_means(panels[0, column], own, "importance", _IMPORTANCE)
        _draw_means(panels[1, column], own, "accuracy", _STRENGTH)
        panels[0, column].set_xticklabels([])
    panels[0, 0].set_ylabel("importance, %", fontsize=points(9.0), color=INK)
    panels[1, 0].set_ylabel("strength: accuracy, %", fontsize=points(9.0), color=INK)
    return figure


def draw_chosen_operations(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """For each seed two rows of squares, one square an edge: the most important and the strongest operation.

    Args:
        table: columns `seed`, `ends`, `operation`, and booleans `most_important` and `strongest`, true once an edge.
        title: of the figure.
        caption: below it.
    """
    seeds = table["seed"].unique(maintain_order=True).to_list()
    height = 0.85 * len(seeds) + 0.4
    figure = new_figure(9.2, 1.15 * len(seeds) + 1.7, title=title, caption=caption, paper_height=height)
    over_both_columns(figure)
    for axes, seed in zip(figure.subplots(len(seeds), 1, squeeze=False)[:, 0], seeds, strict=True):
        own = table.filter(pl.col("seed") == seed)
        ends = own["ends"].unique(maintain_order=True).to_list()
        for height, column in enumerate(("strongest", "most_important")):
            chosen = dict(own.filter(pl.col(column)).select("ends", "operation").rows())
            for place, edge in enumerate(ends):
                color = _PARAMETERISED if "conv" in chosen[edge] else _PARAMETER_FREE
                axes.add_patch(Rectangle((place - 0.44, height - 0.4), 0.88, 0.8, color=color))
        axes.set(xlim=(-0.6, len(ends) - 0.4), ylim=(-0.55, 1.55))
        axes.set_xticks(range(len(ends)), ends)
        axes.set_yticks([0, 1], ["strongest", "most important"])
        axes.set_title(f"seed {seed}", loc="left", fontsize=points(9.0), color=INK)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=points(8.0), labelcolor=INK)
    marks = [Patch(color=_PARAMETERISED, label="convolution"), Patch(color=_PARAMETER_FREE, label="skip_connect")]
    figure.legend(handles=marks, loc="outside upper right", ncols=2, fontsize=points(8.0), frameon=False)
    return figure


def draw_skip_gaps(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """The lead of skip connections and the accuracy over epochs, and one against the other.

    Args:
        table: columns `seed`, `epoch`, `lead`, `accuracy`.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(3, 3)
    figure = new_figure(10.8, 3.9, title=title, caption=caption, grid=grid)
    first, second, third = figure.subplots(*grid, squeeze=False).flatten().tolist()
    names = {"lead": "lead of skip_connect, %", "accuracy": "validation accuracy, %"}
    for axes, column, color in ((first, "lead", _STRENGTH), (second, "accuracy", _IMPORTANCE)):
        for _, own in table.group_by("seed", maintain_order=True):
            axes.plot(own["epoch"], own[column], color=color, linewidth=0.8, alpha=0.45)
        means = table.group_by("epoch").agg(pl.col(column).mean()).sort("epoch")
        axes.plot(means["epoch"], means[column], color=color, linewidth=2)
        axes.set_xlabel("epoch", fontsize=points(9.0))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _frame(axes, names[column])
    colors = styles_of([f"seed {seed}" for seed in table["seed"].unique()])
    for (seed,), own in table.group_by("seed", maintain_order=True):
        style = colors[f"seed {seed}"]
        third.plot(own["accuracy"], own["lead"], style.marker, color=style.color, markersize=4, label=f"seed {seed}")
    third.set_xlabel(in_lines(names["accuracy"]), fontsize=points(9.0))
    third.xaxis.set_major_formatter(percent_axis())
    third.legend(fontsize=points(7.5), frameon=False, labelcolor=INK)
    _frame(third, names["lead"])
    for axes in (first, third):
        axes.axhline(0, color=MUTED, linewidth=0.8)
    return figure


def draw_selections(
    means: pl.DataFrame, runs: pl.DataFrame, *, best: Mapping[str, float], title: str, caption: str
) -> Figure:
    """The accuracy of the selected cell over the epochs of the search, for each way to select; one panel a table.

    Args:
        means: columns `table`, `selection`, `epoch`, `mean`, `low`, `high`; fractions.
        runs: columns `table`, `selection`, `epoch`, `accuracy`, one row a seed.
        best: accuracy of the best cell, by table.
        title: of the figure.
        caption: below it.
    """
    grid = grid_shape(len(best), len(best))
    figure = new_figure(max(3.6 * len(best), 7.2), 4.3, title=title, caption=caption, grid=grid)
    panels = figure.subplots(*grid, squeeze=False).flatten().tolist()
    for axes, (table, most) in zip(panels, best.items(), strict=False):
        axes.axhline(most, color=MUTED, linestyle="--", linewidth=1)
        for selection, (color, marker) in _SELECTIONS.items():
            own = means.filter(table=table, selection=selection).sort("epoch")
            seeds = runs.filter(table=table, selection=selection)
            axes.plot(seeds["epoch"], seeds["accuracy"], marker, color=color, markersize=3.5, alpha=0.4, linewidth=0)
            axes.plot(
                own["epoch"], own["mean"], color=color, marker=marker, markersize=5, linewidth=1.6, label=selection
            )
            draw_band(axes, own, "epoch", color=color, alpha=0.1)
        low = float(runs.filter(table=table)["accuracy"].drop_nulls().to_numpy().min())
        axes.set_ylim(low - 0.05 * (most - low), most + 0.05 * (most - low))
        axes.set_title(table, loc="left", fontsize=points(9.0), color=INK)
        axes.set_xlabel("epoch of the search", fontsize=points(9.0))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _frame(axes, "accuracy of the selected cell, %" if axes in panels[:: grid[1]] else "")
    named = panels[0].get_legend_handles_labels()  # beside the title: seeds lie everywhere in the panels
    figure.legend(*named, loc="outside upper right", ncols=2, fontsize=points(8.5), frameon=False, labelcolor=INK)
    return figure


def draw_shuffling(by_seed: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """Accuracies of every network as trained and after swaps.

    Args:
        by_seed: columns `network`, `seed`, `state` ("before" or "after"), `value`, a fraction.
        title: of the figure.
        caption: below it.
    """
    figure = new_figure(6.4, 4.3, title=title, caption=caption)
    axes = figure.subplots()
    networks = by_seed["network"].unique(maintain_order=True).to_list()
    for offset, (state, (label, color, hatch)) in zip((-0.19, 0.19), _STATES.items(), strict=True):
        own = by_seed.filter(pl.col("state") == state)
        for place, network in enumerate(networks):
            values = own.filter(pl.col("network") == network)["value"]
            mean = values.to_numpy().mean()
            axes.bar(
                place + offset,
                mean,
                0.36,
                color=color,
                alpha=0.75,
                hatch=hatch,
                edgecolor="white",
                label=label if place == 0 else None,
            )
            axes.plot([place + offset] * len(values), values, "o", color=INK, markersize=3, alpha=0.6)
            top = (place + offset, values.to_numpy().max())
            axes.annotate(
                f"{100 * mean:.1f}", top, xytext=(0, 4), textcoords="offset points", ha="center", fontsize=points(8.0)
            )
    axes.set_xticks(range(len(networks)), networks)
    axes.legend(
        fontsize=points(8.5), frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(0, 1.12), ncols=2
    )
    _frame(axes, "accuracy, %")
    axes.grid(False, axis="x")
    return figure


def draw_proposition(table: pl.DataFrame, *, title: str, caption: str) -> Figure:
    """The learnt share of the skip connection against the predicted one.

    Args:
        table: columns `operation`, `predicted`, `learnt`; shares.
        title: of the figure.
        caption: below it.
    """
    figure = new_figure(6.2, 4.9, title=title, caption=caption)
    axes = figure.subplots()
    operations = table["operation"].unique(maintain_order=True).to_list()
    styles = styles_of(operations)
    for operation in operations:
        own, style = table.filter(pl.col("operation") == operation), styles[operation]
        axes.plot(own["predicted"], own["learnt"], style.marker, color=style.color, markersize=5, label=operation)
    limits = []
    for column in ("predicted", "learnt"):
        values = [*table[column].to_list(), 0.5]
        margin = max(0.08 * (max(values) - min(values)), 0.005)
        limits.append((min(values) - margin, max(values) + margin))
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.add_patch(Rectangle((0.5, 0.5), 0.5, 0.5, color="#3DA88A", alpha=0.1, linewidth=0))
    axes.add_patch(Rectangle((0, 0), 0.5, 0.5, color="#3DA88A", alpha=0.1, linewidth=0))
    axes.set_xlabel(in_lines("share of skip_connect predicted from the variances, %"), fontsize=points(9.0))
    axes.xaxis.set_major_formatter(percent_axis())
    axes.legend(fontsize=points(8.0), frameon=False, labelcolor=INK)
    _frame(axes, "share of skip_connect as learnt, %")
    return figure


def _draw_means(axes: Axes, own: pl.DataFrame, column: str, color: str) -> None:
    operations = own["operation"].unique(maintain_order=True).to_list()
    for place, operation in enumerate(operations):
        values = own.filter(pl.col("operation") == operation)[column]
        axes.hlines(values.to_numpy().mean(), place - 0.32, place + 0.32, color=color, linewidth=3.5)
        axes.plot([place] * len(values), values, "o", color=INK, markersize=3, alpha=0.6)
    axes.set_xlim(-0.6, len(operations) - 0.4)
    axes.set_xticks(range(len(operations)), operations, rotation=35, ha="right", rotation_mode="anchor")
    _frame(axes, "")
    axes.grid(False, axis="x")


def _frame(axes: Axes, quantity: str) -> None:
    tidy_axes(axes)
    axes.set_ylabel(in_lines(quantity), fontsize=points(9.0), color=INK)
    axes.yaxis.set_major_formatter(percent_axis())
