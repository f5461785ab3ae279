"""One colour, marker and name for each method wherever it appears, with matplotlib or without."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from predictornas.predictors.registry import PREDICTORS
from predictornas.registry import Look, Registered
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.objectives.registry import OBJECTIVE_METHODS
from predictornas.search.registry import METHODS, known_methods


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
    "#14398F",
    "#E02972",
    "#38ACFA",
    "#F99C10",
    "#0A473B",
    "#9E2E93",
    "#C72C05",
    "#51CDCD",
    "#6B220F",
    "#D6B771",
    "#6060FB",
    "#1010F9",
)
"""Any two of them are at least 30 apart in CIELAB, also as somebody with deuteranopia sees them."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "h", "d")


def styles_of(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """The style of each method: those with a look of their own in a fixed order, then the others as they appear.

    What a registry gives a look always looks the same. Any other name takes a spare colour by a hash of its name, so it
    looks the same in every figure too, unless another of the same figure has that colour: one with a look of its own,
    or an earlier name (in alphabetical order).
    """
    shown = {name: _shown(name) for name in dict.fromkeys(methods)}
    places = {name: place for name, (_, _, place) in shown.items() if place is not None}
    own = {look.colour for _, look, _ in shown.values() if look}
    spare: dict[str, int] = {}
    for name in sorted(name for name in shown if name not in places):
        wanted = zlib.crc32(name.encode()) % len(_SPARE)
        free = [(wanted + step) % len(_SPARE) for step in range(len(_SPARE))]
        taken = {*spare.values(), *(index for index in free if _SPARE[index] in own)}
        spare[name] = next((index for index in free if index not in taken), wanted)
    styles: dict[str, MethodStyle] = {}
    for name in sorted(shown, key=lambda name: (name not in places, places.get(name, (0, 0)))):
        label, look, _ = shown[name]
        color, marker = (look.colour, look.marker) if look else _spare_look(spare[name])
        alike = {style.marker for style in styles.values() if style.color == color}
        # where colours are used up, and where two looks are one, another marker tells them apart
        marker = marker if marker not in alike else next((each for each in _MARKERS if each not in alike), marker)
        styles[name] = MethodStyle(label, color, marker)
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
    own = [other.name for other in (*known_methods(), *OBJECTIVE_METHODS.records, *PREDICTORS.records)]
    place = own.index(record.name) if record.name in own else len(own)
    return label, look, (place, number or 0) if look else None


def _found(name: str) -> tuple[Registered, int | None] | None:
    """What the registries know of a name, first those of this package, and a number at its end."""
    registries = (METHODS, SAMPLERS, SCHEDULERS, PREDICTORS, OBJECTIVE_METHODS)
    own = (registry.own(name) for registry in registries)
    for found in own:
        if found is not None and (found[1] is None or found[0].number != "none"):
            return found
    return next((found for registry in registries if (found := registry.shown(name))), None)
