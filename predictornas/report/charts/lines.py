"""Lines with bands against a number: one line a series, hover for the values."""

from __future__ import annotations

from typing import Any

import polars as pl

from predictornas.report.charts.vega import Spec, chart, coloured, labelled, method_legend, records, shaped
from predictornas.report.markup import Markup


def line_chart(
    name: str,
    caption: str,
    table: pl.DataFrame,
    *,
    x: str,
    y: str,
    logarithmic: bool = False,
    from_zero: bool = False,
    frame: tuple[Spec, Spec] | None = None,
) -> Markup:
    """A chart of the mean of each series with its interval.

    Args:
        name: of the figure within its page.
        caption: explains every word on it.
        table: columns `method` (the series), `x`, `mean`, perhaps `low` and `high`, and perhaps `line` where a series
            has several lines.
        x: title of the horizontal axis.
        y: title of the vertical axis.
        logarithmic: whether the horizontal axis is.
        from_zero: whether the vertical axis begins at zero.
        frame: scales of both axes that take the place of these; lines are then stairs, cut at the frame.
    """
    if table.is_empty():
        return Markup()
    methods = table["method"].unique(maintain_order=True).to_list()
    scale: Spec = {"type": "log", "nice": False, "padding": 12} if logarithmic else {"zero": False, "nice": False}
    along: dict[str, Any] = {"field": "x", "type": "quantitative", "title": x, "scale": scale}
    along["axis"] = {"format": ",~f", "tickCount": 7, "tickMinStep": 1, "labelOverlap": "greedy"}
    up = {"field": "mean", "type": "quantitative", "title": y, "scale": {"zero": from_zero}}
    stairs: Spec = {}
    if frame is not None:
        along["scale"], up["scale"] = frame
        stairs = {"interpolate": "step-after", "clip": True}
        along["axis"] = {"format": ".4~g", "tickCount": 7, "labelOverlap": "greedy"}
    colour = coloured(methods)
    hover = [{"field": "method", "title": "line"}, {"field": "x", "title": x, "format": ",~f"}]
    hover += [{"field": "mean", "title": y, "format": ".4~g"}]
    hover += [
        {"field": end, "title": title, "format": ".4~g"}
        for end, title in (("low", "95 % from"), ("high", "95 % to"))
        if end in table.columns
    ]
    several = {"detail": {"field": "line"}} if "line" in table.columns else {}
    drawn = {"x": along, "y": up, "color": colour, **several}
    layers: list[Spec] = [
        {"mark": {"type": "line", "strokeWidth": 2, **stairs}, "encoding": drawn},
        {
            "mark": {"type": "point", "size": 55, "filled": True, "opacity": 1, "clip": frame is not None},
            "encoding": {**drawn, "shape": shaped(methods), "tooltip": hover},
        },
    ]
    if "low" in table.columns and table["low"].null_count() < len(table):
        band = {"x": along, "y": {**up, "field": "low"}, "y2": {"field": "high"}, "color": colour}
        known = [{"filter": "isValid(datum.low)"}]
        layers.insert(0, {"mark": {"type": "area", "opacity": 0.16}, "transform": known, "encoding": band})
    spec = {"data": records(labelled(table)), "layer": layers}
    return chart(name, caption, spec, legend=method_legend(methods))
