"""The errors of what each method proposed, as an interactive chart."""

from __future__ import annotations

import polars as pl

from predictornas.captions import DISTRIBUTION
from predictornas.looks import styles_of
from predictornas.quantity import ERROR, Quantities, Quantity
from predictornas.report.charts.vega import Spec, chart, coloured, labelled, method_legend, on_screen, records
from predictornas.report.markup import Markup, joined

_CAPTION = (
    "{words} Lines: the share of a method's proposals in each bin; upright dashes: medians. {worse} ones are not shown."
)


def distribution_chart(table: pl.DataFrame, quantity: Quantity = ERROR) -> Markup:
    """Histograms as stepped lines, with medians.

    Args:
        table: from `predictornas.analysis.distribution.distribution_table`.
        quantity: how costs of the signal are named and written.
    """
    if table.is_empty():
        return Markup()
    methods = list(styles_of(table["method"]))
    end = float(table["error_high"].max())  # type: ignore[arg-type]
    rows = labelled(table).select(
        "method",
        error=quantity.shown(pl.col("error_low")),
        until=quantity.shown(pl.col("error_high")),
        share=100 * pl.col("density") * (pl.col("error_high") - pl.col("error_low")),
        beyond=100 * pl.col("clipped_share"),
        median=quantity.shown(pl.col("median")),
        inside=pl.col("median") <= end,
        proposals="proposals_total",
    )
    medians = rows.unique("method", keep="first", maintain_order=True).filter("inside")
    rows, medians = rows.drop("inside"), medians.drop("inside")
    spec = {"datasets": {"bins": records(rows)["values"]}, "layer": _layers(methods, records(medians), quantity)}
    words = _CAPTION.format(
        words=Quantities(quantity, quantity).told(DISTRIBUTION), worse="Lower" if quantity.higher else "Higher"
    )
    caption = joined(words, on_screen("Hover a line for their share."))
    return chart("distribution", caption, spec, legend=method_legend(methods))


def _hover(quantity: Quantity) -> list[Spec]:
    shown = quantity.digits_for_d3(2)
    return [
        {"field": "method", "title": "method"},
        {"field": "error", "title": quantity.with_unit(f"{quantity.name} from"), "format": shown},
        {"field": "until", "title": quantity.with_unit(f"{quantity.name} to"), "format": shown},
        {"field": "share", "title": "of its proposals, %", "format": ".1f"},
        {"field": "median", "title": quantity.with_unit("median"), "format": shown},
        {"field": "beyond", "title": "beyond this chart, %", "format": ".1f"},
        {"field": "proposals", "title": "proposals", "format": ","},
    ]


def _layers(methods: list[str], medians: Spec, quantity: Quantity) -> list[Spec]:
    hover = _hover(quantity)
    x: Spec = {
        "field": "error",
        "type": "quantitative",
        "title": quantity.heading,
        "scale": {"zero": False, "nice": False},
        "axis": {"tickCount": 8, "labelOverlap": "greedy"},
    }
    y = {"field": "share", "type": "quantitative", "title": "share of the proposals, %"}
    colour, bins = coloured(methods), {"name": "bins"}
    step = {"interpolate": "step-after"}
    return [
        {
            "data": bins,
            "mark": {"type": "area", **step, "opacity": 0.12},
            "encoding": {"x": x, "y": {**y, "stack": None}, "color": colour},
        },
        {
            "data": bins,
            "mark": {"type": "line", **step, "strokeWidth": 1.8},
            "encoding": {"x": x, "y": y, "color": colour},
        },
        {
            "data": medians,
            "mark": {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.6},
            "encoding": {"x": {**x, "field": "median"}, "color": colour, "tooltip": [hover[0], hover[4]]},
        },
        {
            "data": bins,
            "mark": {"type": "circle", "size": 70, "opacity": 0},
            "encoding": {"x": x, "y": y, "color": colour, "tooltip": hover},
        },
    ]
