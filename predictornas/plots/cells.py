"""Pictures of cells as papers print them: boxes for nodes, labelled arrows for operations, from left to right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from predictornas.errors import ConfigurationError
from predictornas.plots.layered import Arrow, Item, Placement, arrange
from predictornas.plots.style import INK, MUTED, current_style, new_figure, over_both_columns, points, words
from predictornas.spaces import nasbench101, nasbench201
from predictornas.spaces.base import SearchSpace, lists_too
from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import Cell, Genotype
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import EDGES, NASBench201
from predictornas.spaces.restricted import RestrictedSpace

_FAMILIES = {
    "sep_conv": "#0B4F9E",
    "nor_conv": "#0B4F9E",
    "dil_conv": "#00757F",
    "max_pool": "#A34400",
    "avg_pool": "#A34400",
    "skip": "#333333",
}
"""Colours of operations by what their names begin with."""

_PLAIN = "#B5B5B5"  # arrows without an operation where others have one

_INPUT, _NODE, _OUTPUT = "#DCEFE6", "#DCE7F5", "#F7EBC8"
_BOX_HEIGHT, _LABEL_HEIGHT = 0.34, 0.17
_LETTER, _POINTS = 0.072, 8.0  # inches that a letter takes at most, and the size of the letters
_LEAST = 5.5  # points of the letters in a paper, below which one column is too narrow for a cell

_Arranged = tuple["Diagram", list[Item], list[Arrow], Placement, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Diagram:
    """A cell to be drawn.

    Attributes:
        name: stands above it.
        boxes: in topological order: text and colour of the background.
        arrows: (from, to, operation), indices of boxes; None for a plain arrow.
    """

    name: str
    boxes: tuple[tuple[str, str], ...]
    arrows: tuple[tuple[int, int, str | None], ...]


@lists_too
def draw_cells(
    space: SearchSpace,
    genes: Int8[np.ndarray, " g"],
    *,
    title: str | None = None,
    note: str = "",
    stacked: bool = False,
) -> Figure:
    """The cell of an architecture, or its normal and its reduction cell side by side.

    Args:
        space: NAS-Bench-101, NAS-Bench-201, a DARTS space, or a restriction of one.
        genes: one valid row.
        title: replaces the name of the space.
        note: the caption; what the arrows mean by default.
        stacked: draws the reduction cell below the normal one, as papers do.

    Raises:
        ConfigurationError: how the cells of this space look is not known.
    """
    base = space
    while isinstance(base, RestrictedSpace):
        base = base.base
    if isinstance(base, DARTS):
        return draw_genotype(base.genotype(genes), title=title or base.name, note=note, stacked=stacked)
    if isinstance(base, NASBench201):
        note = note or "Nodes add up what arrives. Edges with none are left out."
        return _draw([_nasbench201(genes)], title or "NAS-Bench-201", note)
    if isinstance(base, NASBench101):
        return _draw([_nasbench101(base, genes)], title or "NAS-Bench-101", note or "Vertices add up what arrives.")
    raise ConfigurationError(
        f"Cells of space {space.name!r} cannot be drawn, only those of nasbench101, nasbench201 and the DARTS spaces."
    )


def draw_genotype(genotype: Genotype, *, title: str | None = None, note: str = "", stacked: bool = False) -> Figure:
    """The normal and the reduction cell of a genotype of the DARTS space side by side.

    Args:
        genotype: what is drawn.
        title: replaces "Cells".
        note: the caption; what the boxes mean by default.
        stacked: draws the reduction cell below the normal one, as papers do.
    """
    note = note or "Nodes add up what arrives; the output is all nodes, concatenated. Edges with none are left out."
    cells = [_darts("normal cell", genotype.normal), _darts("reduction cell", genotype.reduce)]
    return _draw(cells, title or "Cells", note, stacked=stacked)


def _darts(name: str, cell: Cell) -> Diagram:
    boxes = [("$c_{k-2}$", _INPUT), ("$c_{k-1}$", _INPUT)]
    boxes += [(str(node), _NODE) for node in range(len(cell) // 2)]
    arrows: list[tuple[int, int, str | None]] = []
    for number, (operation, source) in enumerate(cell):
        if operation != "none":
            arrows.append((source, 2 + number // 2, operation))
    arrows += [(node, len(boxes), None) for node in range(2, len(boxes))]
    return Diagram(name, (*boxes, ("$c_{k}$", _OUTPUT)), tuple(arrows))


def _nasbench201(genes: Int8[np.ndarray, " g"]) -> Diagram:
    boxes = (("input", _INPUT), ("1", _NODE), ("2", _NODE), ("output", _OUTPUT))
    kept = [(edge, gene) for edge, gene in zip(EDGES, genes.tolist(), strict=True) if gene != nasbench201.NONE]
    arrows = tuple((source, target, nasbench201.OPERATIONS[gene]) for (source, target), gene in kept)
    return Diagram("", boxes, arrows)


def _nasbench101(space: NASBench101, genes: Int8[np.ndarray, " g"]) -> Diagram:
    graph = space.graphs(genes[None])
    codes = graph.operations[0][graph.operations[0] >= 0]
    names = [name.removesuffix("-bn-relu") for name in nasbench101.OPERATIONS]
    inner = tuple((names[code], _NODE) for code in codes[1:-1].tolist())
    edges = np.argwhere(graph.adjacency[0]).tolist()
    arrows: tuple[tuple[int, int, str | None], ...] = tuple((source, target, None) for source, target in edges)
    return Diagram("", (("input", _INPUT), *inner, ("output", _OUTPUT)), arrows)


def _draw(diagrams: list[Diagram], title: str, note: str, *, stacked: bool = False) -> Figure:
    """Diagrams side by side at a scale of one, so that texts fit into what was kept free for them.

    In a paper one below the other, and all smaller where its column is narrower; where letters would be too small to
    be read, as wide as both columns.
    """
    parts = [_arranged(diagram) for diagram in diagrams]
    sizes = np.array([high - low for *_, (low, high) in parts])
    is_paper = current_style().is_paper
    below = is_paper or stacked
    height = float(sizes[:, 1].sum() if below else sizes[:, 1].max())
    width = float(sizes[:, 0].max()) if below else max(float(sizes[:, 0].sum()) + 0.3 * len(sizes), 5.0)
    figure = new_figure(width, height + 0.95, title=title, caption=note)
    scale = _fitted(figure, width + 0.1, height + 0.25 * len(parts)) if is_paper else 1.0
    if below:
        grid = figure.subplots(len(parts), 1, squeeze=False, height_ratios=sizes[:, 1].tolist())[:, 0]
    else:
        grid = figure.subplots(1, len(parts), squeeze=False, width_ratios=sizes[:, 0].tolist())[0]
    for axes, (diagram, boxes, arrows, layout, (low, high)) in zip(grid, parts, strict=True):
        span = high - low if below else np.array([high[0] - low[0], height])
        middle = (low + high) / 2
        wide = width if below else span[0]  # all at one scale, also where one is narrower
        axes.set(xlim=(middle[0] - wide / 2, middle[0] + wide / 2), aspect="equal")
        axes.set_ylim(middle[1] - span[1] / 2, middle[1] + span[1] / 2)
        axes.set_axis_off()
        axes.set_title(words(diagram.name), loc="left", fontsize=points(9.5), color=INK)
        _draw_diagram(axes, diagram, boxes, arrows, layout, scale)
    return figure


def _arranged(diagram: Diagram) -> _Arranged:
    """A diagram with its boxes, arrows, their places, and the corners of what it covers, in inches."""
    boxes = [Item(text, _box_width(text), _BOX_HEIGHT) for text, _ in diagram.boxes]
    arrows = [
        Arrow(source, target, Item(label, _LETTER * len(label) + 0.06, _LABEL_HEIGHT) if label else None)
        for source, target, label in diagram.arrows
    ]
    layout = arrange(boxes, arrows)
    reached = np.concatenate([layout.boxes, *layout.lines])
    margin = np.array([max(box.width for box in boxes) / 2 + 0.12, _BOX_HEIGHT / 2 + 0.1])
    return diagram, boxes, arrows, layout, (reached.min(axis=0) - margin, reached.max(axis=0) + margin)


def _fitted(figure: Figure, width: float, height: float) -> float:
    """Gives a figure for a paper the size of its drawing, and tells the scale of the drawing."""
    if figure.get_figwidth() / width * _POINTS < _LEAST:
        over_both_columns(figure)
    scale = min(1.0, figure.get_figwidth() / width)
    figure.set_figheight(height * scale)
    return scale


def _draw_diagram(
    axes: Axes, diagram: Diagram, boxes: list[Item], arrows: list[Arrow], layout: Placement, scale: float
) -> None:
    plain = _PLAIN if any(arrow.label for arrow in arrows) else MUTED
    for arrow, line, place in zip(arrows, layout.lines, layout.labels, strict=True):
        color = _color_of(arrow.label.text) if arrow.label else plain
        _draw_arrow(axes, line, color, scale)
        if arrow.label:
            _draw_label(axes, arrow.label.text, place, color, scale)
    for (text, color), box, centre in zip(diagram.boxes, boxes, layout.boxes, strict=True):
        _draw_box(axes, text, color, box, centre, scale)


def _box_width(text: str) -> float:
    return 0.46 if text.startswith("$") else max(0.34, _LETTER * len(text) + 0.16)


def _draw_box(axes: Axes, text: str, color: str, box: Item, centre: np.ndarray, scale: float) -> None:
    x, y = centre.tolist()
    rounded = "round,pad=0,rounding_size=0.06"
    axes.add_artist(
        FancyBboxPatch(
            (x - box.width / 2, y - box.height / 2),
            box.width,
            box.height,
            boxstyle=rounded,
            facecolor=color,
            edgecolor=MUTED,
            linewidth=0.8,
        )
    )
    axes.text(x, y, text, ha="center", va="center_baseline", fontsize=scale * (_POINTS + 0.5), color=INK)


def _draw_arrow(axes: Axes, line: np.ndarray, color: str, scale: float) -> None:
    style = f"-|>,head_length={4 * scale:g},head_width={1.8 * scale:g}"
    axes.add_artist(FancyArrowPatch(path=Path(line), arrowstyle=style, color=color, linewidth=1.0, fill=None, zorder=1))


def _draw_label(axes: Axes, text: str, place: np.ndarray, color: str, scale: float) -> None:
    backing = {"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none"}
    axes.text(
        place[0],
        place[1],
        text,
        ha="center",
        va="center",
        fontsize=scale * _POINTS,
        color=color,
        bbox=backing,
        zorder=2,
    )


def _color_of(operation: str) -> str:
    return next((color for family, color in _FAMILIES.items() if operation.startswith(family)), INK)
