"""How figures look: one colour, marker and name for each method wherever it appears, titles, captions and axes."""

from __future__ import annotations

import re
import textwrap
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter

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


_KNOWN = {
    "whole table": ("whole table", "#B5B5B5", "o"),
    "random": ("random search", MUTED, "o"),
    "exhaustive": ("exhaustive pool", "#0B4F9E", "s"),
    "uniform": ("uniform pool", "#3DA88A", "^"),
    "uniform-100": ("uniform pool", "#6CC5AB", "^"),
    "uniform-1000": ("uniform pool", "#1B9E77", "v"),
    "uniform-10000": ("uniform pool", "#0A5C43", "D"),
    "evolutionary": ("evolutionary pool", "#D95F02", "P"),
    "evolutionary-100": ("evolutionary pool", "#F5994A", "P"),
    "evolutionary-1000": ("evolutionary pool", "#C44E00", "X"),
    "likelihood": ("likelihood pool", "#7B3294", "p"),
    "likelihood-100": ("likelihood pool", "#B57EC9", "p"),
    "likelihood-1000": ("likelihood pool", "#6A2386", "h"),
    "pvll": ("PVLL", "#D6286E", "d"),
    "rank-full": ("predictor, full trainings", "#0B4F9E", "s"),
    "rank-nosh": ("RANK-NOSH", "#8C5A2B", "<"),
    "rank-nosh-30": ("RANK-NOSH, r = 30 %", "#B8763A", "<"),
    "rank-nosh-50": ("RANK-NOSH, r = 50 %", "#8C5A2B", "v"),
    "rank-nosh-70": ("RANK-NOSH, r = 70 %", "#5C3A1A", "^"),
    "rank-nosh-level-30": ("RANK-NOSH by level, r = 30 %", "#6CC5AB", "<"),
    "rank-nosh-level-50": ("RANK-NOSH by level, r = 50 %", "#1B9E77", "v"),
    "rank-nosh-level-70": ("RANK-NOSH by level, r = 70 %", "#0A5C43", "^"),
    "nosh-30": ("NOSH, random newcomers, r = 30 %", "#B57EC9", "D"),
    "successive-halving-30": ("successive halving, r = 30 %", "#D6286E", "p"),
    "asha-30": ("ASHA-like, r = 30 %", "#E0B000", "h"),
    "regularised-evolution": ("regularised evolution", "#4FB3E8", ">"),
    "local-search": ("local search", "#9A9A00", "H"),
    "bananas": ("BANANAS", "#E0B000", "8"),
    "one-shot": ("one-shot (Wen et al.)", "#111111", "*"),
    "bayesian-optimisation": ("Bayesian optimisation", "#C2185B", "d"),
    "neural-predictor": ("Neural Predictor (Wen et al.)", "#111111", "*"),
    "gp": ("Gaussian process", "#C2185B", "d"),
    "gcn": ("GCN (Mauch et al.)", "#0B4F9E", "s"),
    "flow": ("flow network (GATES)", "#1B9E77", "^"),
    "rnn": ("RNN", "#9A9A00", "H"),
    "paths": ("path networks (BANANAS)", "#E0B000", "8"),
}

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
    """The style of each method: known ones in a fixed order, then the others in order of appearance.

    A known method always looks the same. An unknown one takes a spare colour by a hash of its name, so it looks the
    same in every figure too, unless an earlier name (in alphabetical order) of the same figure has taken that colour.
    """
    order = {name: place for place, name in enumerate(_KNOWN)}
    names = sorted(dict.fromkeys(methods), key=lambda name: order.get(name, len(order)))
    spare: dict[str, int] = {}
    for name in sorted(name for name in names if name not in _KNOWN):
        wanted = zlib.crc32(name.encode()) % len(_SPARE)
        free = [(wanted + step) % len(_SPARE) for step in range(len(_SPARE))]
        spare[name] = next((index for index in free if index not in spare.values()), wanted)
    return {name: _style(name, spare.get(name, 0)) for name in names}


def _style(name: str, spare: int) -> MethodStyle:
    label, color, marker = _KNOWN.get(name, (name, _SPARE[spare], _MARKERS[spare]))
    size = re.fullmatch(r"(uniform|evolutionary|likelihood)-(\d+)", name)
    if size:
        family = _KNOWN[size[1]][0]
        label = f"{family}, N' = {int(size[2]):,}"
    return MethodStyle(label, color, marker)


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
