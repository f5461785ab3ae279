"""The gain over random search as an interactive chart."""

from __future__ import annotations

from typing import Any

import polars as pl

from predictornas.captions import CAP, CHANCE, ESTIMATORS, GAIN, GAIN_BANDS, POOLS, TARGET_SHARE, hollow
from predictornas.quantity import ERROR, Quantities, Quantity
from predictornas.report.charts.vega import (
    Spec,
    block,
    chart,
    coloured,
    dashed,
    labelled,
    method_legend,
    on_screen,
    records,
    shaped,
    with_data,
)
from predictornas.report.markup import Markup, joined

_SHARE = {
    "field": "share",
    "type": "quantitative",
    "title": "target: the best … % of the table",
    "scale": {"type": "log", "nice": False, "padding": 8},
    "axis": {"format": "~g", "tickCount": 6, "labelFlush": True},
}

_DB: Spec = {"field": "gain_db", "type": "quantitative", "title": "gain over random search, dB"}


def gain_chart(gain: pl.DataFrame, *, estimator: str = "pooled", quantity: Quantity = ERROR) -> Markup:
    """Gain against target with intervals, cap and chance; nothing where no gain is defined.

    Args:
        gain: from `predictornas.analysis.gain.gain_table`.
        estimator: which of its estimators.
        quantity: how costs of the signal are named and written.
    """
    rows = gain.filter((pl.col("estimator") == estimator) & pl.col("gain_db").is_not_null())
    if rows.is_empty():
        return Markup()
    methods = rows["method"].unique(maintain_order=True).to_list()
    points = labelled(rows).select(
        "method",
        share=100 * pl.col("quantile"),
        error=quantity.shown(pl.col("target_error")),
        hits="table_hits",
        gain_db="gain_db",
        resolved_db=pl.when("resolved").then("gain_db"),
        low="low",
        high="high",
        resolved="resolved",
        interval=pl.when(pl.col("low").is_not_null()).then(pl.format("{} to {}", _text("low"), _text("high"))),
        gain_text=pl.concat_str(pl.when("resolved").then(pl.lit("")).otherwise(pl.lit("at most ")), _text("gain_db")),
    )
    spec = {
        "layer": [*_bounds(rows), *_method_layers(points, methods, quantity)],
        "datasets": {"points": records(points)["values"]},
    }
    legend = method_legend(methods, (dashed(), "cap"), (block(), "random search by chance"))
    words = Quantities(quantity, quantity).told(_caption(rows, estimator))
    caption = joined(words, on_screen(f"Hover a mark for its {quantity.name}."))
    return chart("gain", caption, spec, legend=legend)


def _caption(rows: pl.DataFrame, estimator: str) -> str:
    unresolved = len(rows) - int(rows["resolved"].sum())
    reached = hollow(unresolved, len(rows))
    return " ".join([GAIN, ESTIMATORS.get(estimator, ""), GAIN_BANDS, CAP, CHANCE, POOLS, reached, TARGET_SHARE])


def _bounds(rows: pl.DataFrame) -> list[Spec]:
    """Zero, what random search shows by chance, and the cap of each number of proposals."""
    null = rows.group_by("quantile").agg(pl.col("null_low").min(), pl.col("null_high").max()).sort("quantile")
    null = null.select(share=100 * pl.col("quantile"), low="null_low", high="null_high").drop_nulls()
    caps = rows.unique(["proposals", "quantile"], maintain_order=True).sort("proposals", "quantile")
    caps = caps.select("proposals", share=100 * pl.col("quantile"), gain_db="cap_db")
    band = {"x": _SHARE, "y": {**_DB, "field": "low"}, "y2": {"field": "high"}}
    line: dict[str, Any] = {"x": _SHARE, "y": _DB, "detail": {"field": "proposals"}}
    zero = {"mark": {"type": "rule", "color": "var(--muted)"}, "encoding": {"y": {"datum": 0}}}
    chance = {
        "data": records(null),
        "mark": {"type": "area", "color": "var(--null)", "opacity": 0.22},
        "encoding": band,
    }
    dashes = {"type": "line", "color": "var(--ink)", "strokeDash": [6, 4], "strokeWidth": 1.4}
    cap = {"data": records(caps), "mark": dashes, "encoding": line}
    return with_data((not null.is_empty(), chance), (True, zero), (not caps.is_empty(), cap))


def _method_layers(table: pl.DataFrame, methods: list[str], quantity: Quantity) -> list[Spec]:
    colour, shape = coloured(methods), shaped(methods)
    data = {"name": "points"}
    ends = {"y": {**_DB, "field": "low"}, "y2": {"field": "high"}}
    tooltip = [
        {"field": "method", "title": "method"},
        {"field": "gain_text", "title": "gain, dB"},
        {"field": "interval", "title": "95 % interval"},
        {"field": "error", "title": f"target {quantity.heading}", "format": quantity.digits_for_d3(2)},
        {"field": "share", "title": "best … % of the table", "format": ".3~g"},
        {"field": "hits", "title": "architectures that reach it", "format": ","},
    ]
    fill = {"condition": {"test": "datum.resolved", **colour}, "value": "var(--paper)"}
    points = {"x": _SHARE, "y": _DB, "stroke": colour, "fill": fill, "shape": shape, "tooltip": tooltip}
    opacity = 0.16 if len(methods) <= 6 else 0.07
    band: Spec = {
        "data": data,
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "area", "opacity": opacity},
        "encoding": {"x": _SHARE, **ends, "color": colour},
    }
    line: Spec = {
        "data": data,
        "transform": [{"filter": "datum.resolved"}],
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": _SHARE, "y": {**_DB, "field": "resolved_db"}, "color": colour},
    }
    mark = {"type": "point", "size": 55, "strokeWidth": 1.2, "opacity": 1}
    return with_data(
        (bool(table["low"].is_not_null().any()), band),
        (bool(table["resolved"].any()), line),
        (True, {"data": data, "mark": mark, "encoding": points}),
    )


def _text(column: str) -> pl.Expr:
    return pl.col(column).map_elements(lambda value: f"{round(value, 1) + 0.0:.1f}", return_dtype=pl.String)
