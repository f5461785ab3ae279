"""How figures look: one colour, marker and name for each method wherever it appears, titles, captions and axes."""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter

from predictornas.predictors.registry import PREDICTORS
from predictornas.registry import Look, Registered
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.registry import METHODS, known_methods

INK = "#222222"
"""Colour of text and of lines that belong to no method."""

MUTED = "#767676"
"""Colour of captions, ticks and of random search."""


@dataclass(frozen=True)
class MethodStyle:
    """How one method is drawn.

    Attributes:
        label: the name that a person reads.
        color: hexadecimal colour; families share a hue and grow darker with the size of their pool.
        marker: a matplotlib marker that can be filled, so that methods differ without colour too.
    """

    label: str
    color: str
    marker: str


_SPARE = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#AA7722",
    "#66CCEE",
    "#AA3377",
    "#DD7733",
    "#332288",
    "#88AA22",
    "#882255",
    "#117777",
    "#CC99BB",
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "h", "d")


def styles_of(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """The style of each method: those with a look of their own in a fixed order, then the others as they appear.

    What a registry gives a look always looks the same. Any other name takes a spare colour by a hash of its name, so it
    looks the same in every figure too, unless an earlier name (in alphabetical order) of the same figure has taken that
    colour.
    """
    shown = {name: _shown(name) for name in dict.fromkeys(methods)}
    places = {name: place for name, (_, _, place) in shown.items() if place is not None}
    spare: dict[str, int] = {}
    for name in sorted(name for name in shown if name not in places):
        wanted = zlib.crc32(name.encode()) % len(_SPARE)
        free = [(wanted + step) % len(_SPARE) for step in range(len(_SPARE))]
        spare[name] = next((index for index in free if index not in spare.values()), wanted)
    styles = {}
    for name in sorted(shown, key=lambda name: (name not in places, places.get(name, (0, 0)))):
        label, look, _ = shown[name]
        styles[name] = MethodStyle(label, *((look.colour, look.marker) if look else _spare_look(spare[name])))
    return styles


def _spare_look(index: int) -> tuple[str, str]:
    return _SPARE[index], _MARKERS[index]


def _shown(name: str) -> tuple[str, Look | None, tuple[int, int] | None]:
    """Label, look and place in a legend; no look and no place where it has none of its own."""
    if name == "whole table":
        return name, Look("#B5B5B5", "o"), (-1, 0)
    found = _found(name)
    if found is None:
        return name, None, None
    record, number = found
    label = record.label or record.name
    if number is not None:
        label = f"{label}, {record.number_label.format(number)}" if record.label and record.number_label else name
    look = record.look if number is None else record.looks.get(number)
    own = [other.name for other in (*known_methods(), *PREDICTORS.records)]
    place = own.index(record.name) if record.name in own else len(own)
    return label, look, (place, number or 0) if look else None


def _found(name: str) -> tuple[Registered, int | None] | None:
    """What the registries know of a name, first those of this package, and a number at its end."""
    registries = (METHODS, SAMPLERS, SCHEDULERS, PREDICTORS)
    own = (registry.own(name) for registry in registries)
    for found in own:
        if found is not None and (found[1] is None or found[0].number != "none"):
            return found
    return next((found for registry in registries if (found := registry.shown(name))), None)


def new_figure(width: float, height: float, *, title: str, caption: str) -> Figure:
    """An empty figure with a title above and a caption below, sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    lines = textwrap.fill(title, int(width * 9.8))
    figure.suptitle(lines, x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
    wrapped = textwrap.fill(caption.strip(), int(width * 15.5))
    figure.supxlabel(wrapped, x=0.012, ha="left", fontsize=8, color=MUTED, linespacing=1.35)
    return figure


def tidy_axes(axes: Axes) -> None:
    """Light grid, no frame on the right, small ticks."""
    axes.grid(True, which="major", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(which="both", colors=MUTED, labelsize=8.5, labelcolor=INK)


def legend_beside(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, on its right."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8.5, frameon=False, labelcolor=INK)


def counted(numbers: Sequence[int]) -> str:
    """A count as people read it, "1,396", or the range of several, "146 to 1,396"."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def runs_of(numbers: Sequence[int]) -> str:
    """How many runs stand behind a figure, "20 runs"."""
    return f"{counted(numbers)} {'run' if max(numbers) == 1 else 'runs'}"


def band_opacity(methods: int) -> float:
    """Bands grow fainter where many overlap."""
    return 0.16 if methods <= 6 else 0.07


def draw_band(axes: Axes, rows: pl.DataFrame, over: str, *, color: str, alpha: float, scale: float = 1.0) -> None:
    """The band from `low` to `high`, with a gap where there is no interval.

    Args:
        axes: to draw on.
        rows: columns `low`, `high` and that of the horizontal axis, in its order.
        over: the column of the horizontal axis.
        color: of the band.
        alpha: its opacity.
        scale: multiplies both ends.
    """
    low, high = (scale * rows[end].cast(pl.Float64).to_numpy() for end in ("low", "high"))
    if not np.isnan(low).all():
        axes.fill_between(rows[over], low, high, color=color, alpha=alpha, linewidth=0)


def percent_axis() -> Formatter:
    """Ticks of a fraction in percent, without the sign (the axis label has it)."""
    return FuncFormatter(lambda value, _: f"{round(100 * value, 6):g}")


def count_axis() -> Formatter:
    """Ticks of a count with separators: 1, 10, ..., 10,000, 100k."""
    return FuncFormatter(lambda value, _: f"{value:,.0f}" if value < 1e5 else f"{value / 1e3:,.0f}k")
