"""The gain of sampler, predictor and both together as an interactive chart, method by method."""

from __future__ import annotations

import polars as pl

from predictornas.captions import GAIN_BANDS, SPLIT, TARGET_SHARE, hollow
from predictornas.looks import MethodStyle, styles_of
from predictornas.quantity import ERROR, Quantity
from predictornas.report.charts.vega import Spec, chart, colours_of, labelled, legend_of, on_screen, records, shapes_of
from predictornas.report.markup import Markup, joined

PARTS = {
    "sampler": MethodStyle("sampler", "#D95F02", "^"),
    "predictor": MethodStyle("predictor", "#1497A8", "s"),
    "total": MethodStyle("total", "#222222", "o"),
}
"""As in the picture."""

_SHARE: Spec = {
    "field": "share",
    "type": "quantitative",
    "title": "target: the best … % of the table",
    "scale": {"type": "log", "nice": False, "padding": 8},
    "axis": {"format": "~g", "tickCount": 6, "labelFlush": True},
}

_DB: Spec = {"field": "gain_db", "type": "quantitative", "title": "gain, dB"}


def split_chart(split: pl.DataFrame, *, estimator: str = "pooled", quantity: Quantity = ERROR) -> Markup:
    """Gain of each part against target, with a menu of methods; nothing where no method ranks a pool.

    Args:
        split: from `predictornas.analysis.split.split_table`; may be empty.
        estimator: which of its estimators.
        quantity: how costs of the signal are named and written.
    """
    if split.is_empty():
        return Markup()
    rows = split.filter((pl.col("estimator") == estimator) & pl.col("gain_db").is_not_null())
    if rows.is_empty():
        return Markup()
    labels = [style.label for style in styles_of(rows["method"]).values()]
    points = labelled(rows).select(
        "method",
        "part",
        "resolved",
        "gain_db",
        share=100 * pl.col("quantile"),
        resolved_db=pl.when("resolved").then("gain_db"),
        low="low",
        high="high",
        error=quantity.shown(pl.col("target_error")),
    )
    menu = {"input": "select", "options": labels, "name": "method "}
    spec: Spec = {
        "params": [{"name": "chosen", "value": labels[-1], "bind": menu}],
        "datasets": {"points": records(points)["values"]},
        "layer": _layers(quantity),
    }
    unresolved = len(rows) - int(rows["resolved"].sum())
    words = f"{SPLIT} {GAIN_BANDS} {hollow(unresolved, len(rows))} {TARGET_SHARE}"
    caption = joined(words, on_screen(f"Hover a mark for its {quantity.name}. The menu chooses the method."))
    return chart("split", caption, spec, legend=legend_of(PARTS))


def _layers(quantity: Quantity) -> list[Spec]:
    colour, shape = colours_of(PARTS, "part"), shapes_of(PARTS, "part")
    data, chosen = {"name": "points"}, {"filter": "datum.method == chosen"}
    hover = [
        {"field": "part", "title": "part"},
        {"field": "gain_db", "title": "gain, dB", "format": ".1f"},
        {"field": "low", "title": "95 % from", "format": ".1f"},
        {"field": "high", "title": "95 % to", "format": ".1f"},
        {"field": "error", "title": f"target {quantity.heading}", "format": quantity.digits_for_d3(2)},
        {"field": "share", "title": "best … % of the table", "format": ".3~g"},
    ]
    fill = {"condition": {"test": "datum.resolved", **colour}, "value": "var(--paper)"}
    band = {"x": _SHARE, "y": {**_DB, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    line = {"x": _SHARE, "y": {**_DB, "field": "resolved_db"}, "color": colour}
    points = {"x": _SHARE, "y": _DB, "stroke": colour, "fill": fill, "shape": shape, "tooltip": hover}
    known = [chosen, {"filter": "isValid(datum.low)"}]
    resolved = [chosen, {"filter": "datum.resolved"}]
    return [
        {"mark": {"type": "rule", "color": "var(--muted)"}, "encoding": {"y": {"datum": 0}}},
        {"data": data, "transform": known, "mark": {"type": "area", "opacity": 0.14}, "encoding": band},
        {"data": data, "transform": resolved, "mark": {"type": "line", "strokeWidth": 2}, "encoding": line},
        {
            "data": data,
            "transform": [chosen],
            "mark": {"type": "point", "size": 50, "strokeWidth": 1.2, "opacity": 1},
            "encoding": points,
        },
    ]
