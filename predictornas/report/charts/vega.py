"""What all charts share: Vega-Lite in a figure, colours and shapes of methods, a legend that wraps, thinned data."""

from __future__ import annotations

import colorsys
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from predictornas.looks import MethodStyle, styles_of
from predictornas.report.markup import Content, Markup, element, joined

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""

HEIGHT = 340
"""Of a chart, in pixels; its width is that of the page."""

_LIGHTEST_INK = 0.62
"""Lightness that a colour has at least on a dark page."""


def chart(name: str, caption: Content, spec: Spec, *, legend: Content = None) -> Markup:
    """A figure: legend, interactive chart, and a caption that explains every word on it.

    Args:
        name: of the figure within its page.
        caption: below the chart.
        spec: with `layer` or `mark`; width, height and how it fits are added.
        legend: above the chart.
    """
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"Interactive chart: {name.replace('-', ' ')}",
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        **spec,
    }
    data = json.dumps(whole, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return element(
        "figure",
        legend,
        element("div", class_="controls"),
        element("div", class_="canvas", id=f"chart-{name}"),
        element("script", Markup(data), type="application/json", class_="spec"),
        element("noscript", "This chart needs JavaScript; the picture files beside this page show the same."),
        element("figcaption", caption),
        class_="chart",
        id=f"figure-{name}",
    )


def on_screen(text: str) -> Markup:
    """A part of a caption that tells how to use the chart, which printed pages leave out."""
    return element("span", " ", text, class_="on-screen")


def method_legend(methods: Iterable[str], *others: tuple[str, str]) -> Markup:
    """Colour, shape and name of each method, then other marks as (SVG, label)."""
    return legend_of(styles_of(methods), *others)


def legend_of(styles: Mapping[str, MethodStyle], *others: tuple[str, str]) -> Markup:
    """The same for what is no method."""
    items = [element("li", _sample(style), style.label) for style in styles.values()]
    items += [element("li", Markup(drawn), label) for drawn, label in others]
    return joined(theme(styles), element("ul", items, class_="legend"))


def dashed(colour: str = "var(--ink)", dash: str = "6 4") -> str:
    """A sample of a dashed line, for a legend."""
    line = f'<line x1="0" y1="6" x2="26" y2="6" stroke="{colour}" stroke-width="1.6" stroke-dasharray="{dash}"/>'
    return f'<svg width="26" height="12" aria-hidden="true">{line}</svg>'


def block(colour: str = "var(--null)", opacity: float = 0.25) -> str:
    """A sample of a band, for a legend."""
    drawn = f'<rect width="26" height="12" fill="{colour}" fill-opacity="{opacity}"/>'
    return f'<svg width="26" height="12" aria-hidden="true">{drawn}</svg>'


def theme(styles: Mapping[str, MethodStyle]) -> Markup:
    """The colours of methods as CSS variables: their own on a light page, lighter ones on a dark one."""
    light = "".join(f"{variable_of(style)}:{style.color};" for style in styles.values())
    dark = "".join(f"{variable_of(style)}:{_lightened(style.color)};" for style in styles.values())
    return element("style", Markup(f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"))


def variable_of(style: MethodStyle) -> str:
    """The CSS variable that holds a method's colour: one for each colour."""
    return f"--c{style.color[1:].lower()}"


def coloured(methods: Iterable[str]) -> Spec:
    """The encoding of colour: by the field `method`, a label."""
    return colours_of(styles_of(methods), "method")


def colours_of(styles: Mapping[str, MethodStyle], field: str) -> Spec:
    """The same for what is no method: by a field that holds their labels."""
    domain = [style.label for style in styles.values()]
    scale = {"domain": domain, "range": [f"var({variable_of(style)})" for style in styles.values()]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def shaped(methods: Iterable[str]) -> Spec:
    """The encoding of shape: by the field `method`, a label."""
    return shapes_of(styles_of(methods), "method")


def shapes_of(styles: Mapping[str, MethodStyle], field: str) -> Spec:
    """The same for what is no method: by a field that holds their labels."""
    domain = [style.label for style in styles.values()]
    scale = {"domain": domain, "range": [_outline(style.marker) for style in styles.values()]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def labelled(table: pl.DataFrame) -> pl.DataFrame:
    """The table with labels in the place of the names of methods."""
    styles = styles_of(table["method"])
    return table.with_columns(pl.col("method").replace({name: style.label for name, style in styles.items()}))


def records(table: pl.DataFrame) -> Spec:
    """Rows as inline data, floats with six significant digits, without what is null."""
    rows = [{name: _short(value) for name, value in row.items() if _is_known(value)} for row in table.to_dicts()]
    return {"values": rows}


def with_data(*layers: tuple[bool, Spec]) -> list[Spec]:
    """The layers that have something to show: Vega finds no end of an axis in one that has nothing, and warns."""
    return [layer for shows, layer in layers if shows]


def thinned(counts: Sequence[int], most: int) -> list[int]:
    """At most so many of the counts, spread as a logarithmic axis spreads them, with the first and the last."""
    ordered = sorted(set(counts))
    if len(ordered) <= most:
        return ordered
    low, high = max(ordered[0], 1), ordered[-1]
    wanted = np.geomspace(low, high, most)
    places = np.clip(np.searchsorted(ordered, wanted), 0, len(ordered) - 1)
    return sorted({ordered[0], *(ordered[place] for place in places.tolist()), ordered[-1]})


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _lightened(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    changed = colorsys.hls_to_rgb(hue, max(lightness, _LIGHTEST_INK), saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in changed)


def _sample(style: MethodStyle) -> Markup:
    colour = f"var({variable_of(style)})"
    line = f'<line x1="-13" y1="0" x2="13" y2="0" stroke="{colour}" stroke-width="2"/>'
    shape = f'<path d="{_outline(style.marker)}" transform="scale(4.5)" fill="{colour}"/>'
    return Markup(f'<svg width="26" height="12" viewBox="-13 -6 26 12" aria-hidden="true">{line}{shape}</svg>')


def _outline(marker: str) -> str:
    """The outline of a matplotlib marker as an SVG path within [-1, 1]."""
    corners = {
        "s": (4, 45.0, 1.15), "D": (4, 0.0, 1.1), "d": (4, 0.0, 0.9), "^": (3, 0.0, 1.15), "v": (3, 180.0, 1.15),
        "<": (3, -90.0, 1.15), ">": (3, 90.0, 1.15), "p": (5, 0.0, 1.1), "h": (6, 0.0, 1.1), "H": (6, 30.0, 1.1),
        "8": (8, 22.5, 1.1),
    }  # fmt: skip
    if marker in corners:
        number, turn, size = corners[marker]
        return _polygon([(size, turn + 360 * step / number) for step in range(number)])
    if marker == "*":
        return _polygon([((1.2, 0.5)[step % 2], 36.0 * step) for step in range(10)])
    if marker in ("P", "X"):
        turn = 45.0 if marker == "X" else 0.0
        arm = math.degrees(math.atan2(1, 3))
        around = [(1.1, -arm), (1.1, arm), (0.5, 45.0)]
        return _polygon([(size, turn + 90 * side + angle) for side in range(4) for size, angle in around])
    return "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1Z"


def _polygon(points: Sequence[tuple[float, float]]) -> str:
    """A path through points that are given by distance and angle in degrees, clockwise from the top."""
    places = [(size * math.sin(math.radians(a)), -size * math.cos(math.radians(a))) for size, a in points]
    return "M" + "L".join(f"{round(x, 3) + 0.0:g},{round(y, 3) + 0.0:g}" for x, y in places) + "Z"
