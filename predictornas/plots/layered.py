"""Where the boxes, the labels and the bends of a flow diagram stand, so that nothing lies on anything else.

Layers from left to right (Sugiyama et al. 1981): a box stands behind all that lead to it; an arrow gets a place of its
own in every layer that it passes, its label in the last one. An order with few crossings comes first, then heights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

GAP = 0.1
"""Inches that are kept free between neighbours in a layer."""

_BETWEEN_LAYERS = 0.3
_NARROWEST, _BEND = 0.02, 0.06  # width and height of the place of an arrow that passes by
_SWEEPS = 12
_POINTS_OF_A_LINE = 100
_STARTS = 8  # orders that the search for few crossings begins with
_PORTS = 0.9  # share of a box's height over which its arrows are spread


@dataclass(frozen=True)
class Item:
    """Something with a size in inches and a text: a box, or the label of an arrow."""

    text: str
    width: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """From one box to a later one.

    Attributes:
        source: index of the box where it begins.
        target: index of the box where it ends, > source.
        label: what stands on it; None for a plain arrow.
    """

    source: int
    target: int
    label: Item | None = None


@dataclass(frozen=True)
class Placement:
    """Places in inches, y upwards.

    Attributes:
        boxes: `(b, 2)`, centre of each box.
        labels: `(a, 2)`, centre of each arrow's label, NaN where it has none.
        lines: for each arrow points of a smooth line from the edge of a box to the edge of another, x ascending.
    """

    boxes: Float[np.ndarray, "b 2"]
    labels: Float[np.ndarray, "a 2"]
    lines: tuple[Float[np.ndarray, "_ 2"], ...]


@dataclass
class _Place:
    """One place in one layer, and the places in the layers beside it that it is joined with."""

    layer: int
    width: float
    height: float
    before: list[int]
    after: list[int]
    bend: bool = False


def arrange(boxes: Sequence[Item], arrows: Sequence[Arrow]) -> Placement:
    """Places for boxes in topological order and the arrows between them; the last box stands in the last layer."""
    places, ways = _places(boxes, arrows)
    layers = _ordered(places)
    heights = _heights(places, layers)
    widths = np.array([max((places[index].width for index in layer), default=_NARROWEST) for layer in layers])
    columns = np.cumsum(widths + _BETWEEN_LAYERS) - widths / 2
    layer_of = np.array([place.layer for place in places])
    centres = np.stack([columns[layer_of], heights], axis=1)
    starts = _ports(boxes, [arrow.source for arrow in arrows], heights[[way[0] for way in ways]])
    ends = _ports(boxes, [arrow.target for arrow in arrows], heights[[way[-1] for way in ways]])
    labels = np.full((len(arrows), 2), np.nan)
    lines = []
    for number, (arrow, way) in enumerate(zip(arrows, ways, strict=True)):
        if arrow.label is not None:
            labels[number] = centres[way[-1]]
        first = centres[arrow.source] + [boxes[arrow.source].width / 2, starts[number]]
        last = centres[arrow.target] + [-boxes[arrow.target].width / 2, ends[number]]
        line = _line(first, centres[way], last, np.array([places[index].width for index in way]))
        others = [index for index in range(len(places)) if index not in (arrow.source, arrow.target, *way)]
        if _cuts(line, places, centres, others):
            line = _line(first, centres[way], last, widths[layer_of[way]])
        lines.append(line)
    return Placement(centres[: len(boxes)], labels, tuple(lines))


def _line(
    first: Float[np.ndarray, "2"],
    passed: Float[np.ndarray, "m 2"],
    last: Float[np.ndarray, "2"],
    widths: Float[np.ndarray, " m"],
) -> Float[np.ndarray, "_ 2"]:
    """A smooth line through places, level as far as each is wide, that rises and falls only where they do."""
    reach = np.stack([widths / 2, np.zeros(len(widths))], axis=1)
    level = np.stack([passed - reach, passed + reach], axis=1).reshape(-1, 2)
    x, y = np.concatenate([first[None], level, last[None]]).T
    along = np.linspace(x[0], x[-1], _POINTS_OF_A_LINE)
    return np.stack([along, PchipInterpolator(x, y)(along)], axis=1)


def _cuts(
    line: Float[np.ndarray, "k 2"], places: list[_Place], centres: Float[np.ndarray, "p 2"], others: list[int]
) -> bool:
    """Whether a line runs through another box or label."""
    solid = [index for index in others if not places[index].bend]
    sizes = np.array([(places[index].width, places[index].height) for index in solid]).reshape(-1, 2)
    return bool((np.abs(line[:, None] - centres[solid]) < sizes / 2).all(axis=2).any())


def _places(boxes: Sequence[Item], arrows: Sequence[Arrow]) -> tuple[list[_Place], list[list[int]]]:
    """Boxes in even layers, then for each arrow a place in each layer that it passes: indices of those too."""
    rank = [0] * len(boxes)
    for arrow in sorted(arrows, key=lambda arrow: arrow.target):
        rank[arrow.target] = max(rank[arrow.target], rank[arrow.source] + 1)
    rank[-1] = max(rank[-1], *rank[:-1], 1)
    places = [_Place(2 * r, box.width, box.height, [], []) for r, box in zip(rank, boxes, strict=True)]
    ways = []
    for arrow in arrows:
        way = []
        previous = arrow.source
        last = 2 * rank[arrow.target] - 1
        for layer in range(2 * rank[arrow.source] + 1, last + 1):
            label = arrow.label if layer == last else None
            size = (label.width, label.height) if label else (_NARROWEST, _BEND)
            places.append(_Place(layer, *size, [previous], [], bend=label is None))
            places[previous].after.append(len(places) - 1)
            previous = len(places) - 1
            way.append(previous)
        places[previous].after.append(arrow.target)
        places[arrow.target].before.append(previous)
        ways.append(way)
    return places, ways


def _ordered(places: list[_Place]) -> list[list[int]]:
    """The places of each layer from the bottom up, with few crossings between layers: the best of several starts."""
    rng = np.random.default_rng(0)
    best: list[list[int]] = []
    fewest = np.inf
    for start in range(_STARTS):
        keys = rng.permutation(len(places)) if start else -np.arange(len(places))
        layers: list[list[int]] = [[] for _ in range(1 + max(place.layer for place in places))]
        for index in np.argsort(keys).tolist():
            layers[places[index].layer].append(index)
        for sweep in range(_SWEEPS):
            _sort_by_neighbours(places, layers, forwards=sweep % 2 == 0)
            crossings = _crossings(places, layers)
            if crossings < fewest:
                best, fewest = [list(layer) for layer in layers], crossings
            if fewest == 0:
                return best
    return best


def _sort_by_neighbours(places: list[_Place], layers: list[list[int]], *, forwards: bool) -> None:
    """Each layer in turn in the order of the mean places of what its members are joined with in the one before."""
    position = {index: place for layer in layers for place, index in enumerate(layer)}
    for layer in layers[1:] if forwards else layers[-2::-1]:
        means: dict[int, float] = {}
        for index in layer:
            joined = places[index].before if forwards else places[index].after
            means[index] = sum(position[other] for other in joined) / len(joined) if joined else position[index]
        layer.sort(key=means.__getitem__)
        position.update((index, place) for place, index in enumerate(layer))


def _crossings(places: list[_Place], layers: list[list[int]]) -> int:
    """How many pairs of joints between neighbouring layers cross."""
    total = 0
    position = {index: place for layer in layers for place, index in enumerate(layer)}
    for layer in layers:
        joints = np.array([(position[i], position[j]) for i in layer for j in places[i].after]).reshape(-1, 2)
        left, right = joints.T
        total += int(((left[:, None] < left) & (right[:, None] > right)).sum())
    return total


def _heights(places: list[_Place], layers: list[list[int]]) -> Float[np.ndarray, " p"]:
    """The height of each place: near the mean of what it is joined with, the order kept and neighbours apart."""
    weights = np.eye(len(places)) * 1e-9  # a place that is joined with nothing stays
    for index, place in enumerate(places):
        for other in place.after:
            weight = 4.0 if place.bend and places[other].bend else 1.0  # long arrows run straight
            weights[index, other] = weights[other, index] = weight
    weights /= weights.sum(axis=1, keepdims=True)
    stacks = [_stacked(places, layer) for layer in layers]
    heights = np.zeros(len(places))
    for layer, stack in zip(layers, stacks, strict=True):
        heights[layer] = stack - stack.mean()
    for sweep in range(6 * _SWEEPS):
        for number in range(len(layers))[:: 1 if sweep % 2 else -1]:
            wanted = weights[layers[number]] @ heights
            heights[layers[number]] = _never_falling(wanted - stacks[number]) + stacks[number]
    return heights


def _never_falling(values: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """The nearest values in the sense of least squares that never fall: isotonic regression, by its min-max formula.

    `scipy.optimize.isotonic_regression` is as good, from scipy 1.12 on.
    """
    sums = np.concatenate([[0.0], values.cumsum()])
    first, last = np.indices((len(values), len(values)))
    spans = np.maximum(last + 1 - first, 1)
    means = np.where(first <= last, (sums[last + 1] - sums[first]) / spans, np.inf)
    least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]  # over the ends that lie behind
    return np.asarray(np.where(first <= last, least, -np.inf).max(axis=0, initial=-np.inf))


def _stacked(places: list[_Place], layer: list[int]) -> Float[np.ndarray, " m"]:
    """Heights of a layer stacked as closely as allowed, the lowest at 0."""
    sizes = np.array([places[index].height for index in layer])
    return np.asarray(np.concatenate([[0.0], np.cumsum((sizes[1:] + sizes[:-1]) / 2 + GAP)]))


def _ports(boxes: Sequence[Item], ends: list[int], towards: Float[np.ndarray, " a"]) -> Float[np.ndarray, " a"]:
    """How far above the middle of its box each arrow ends: spread in the order of the heights that they go to."""
    ports = np.zeros(len(ends))
    for box, item in enumerate(boxes):
        own = np.flatnonzero(np.asarray(ends) == box)
        places = np.linspace(-0.5, 0.5, len(own) + 2)[1:-1] * _PORTS * item.height
        ports[own[np.argsort(towards[own], kind="stable")]] = places
    return ports
