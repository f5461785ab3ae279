"""The errors of what each method proposed, as an interactive chart."""

from __future__ import annotations

import polars as pl

from predictornas.captions import DISTRIBUTION
from predictornas.looks import styles_of
from predictornas.report.charts.vega import Spec, chart, coloured, labelled, method_legend, records
from predictornas.report.markup import Markup

_CAPTION = (
    f"{DISTRIBUTION} Lines: the share of a method's proposals in each bin; upright dashes: medians. Architectures with "
    "larger errors are not shown; hover a line for their share."
)

_HOVER = [
    {"field": "method", "title": "method"},
    {"field": "error", "title": "error from, %", "format": ".2f"},
    {"field": "until", "title": "error to, %", "format": ".2f"},
    {"field": "share", "title": "of its proposals, %", "format": ".1f"},
    {"field": "median", "title": "median, %", "format": ".2f"},
    {"field": "beyond", "title": "beyond this chart, %", "format": ".1f"},
    {"field": "proposals", "title": "proposals", "format": ","},
]


def distribution_chart(table: pl.DataFrame) -> Markup:
    """Histograms as stepped lines, with medians.

    Args:
        table: from `predictornas.analysis.distribution.distribution_table`.
    """
    if table.is_empty():
        return Markup()
    methods = list(styles_of(table["method"]))
    end = float(table["error_high"].max())  # type: ignore[arg-type]
    rows = labelled(table).select(
        "method",
        error=100 * pl.col("error_low"),
        until=100 * pl.col("error_high"),
        share=100 * pl.col("density") * (pl.col("error_high") - pl.col("error_low")),
        beyond=100 * pl.col("clipped_share"),
        median=100 * pl.col("median"),
        proposals="proposals_total",
    )
    medians = rows.unique("method", keep="first", maintain_order=True).filter(pl.col("median") <= 100 * end)
    spec = {"datasets": {"bins": records(rows)["values"]}, "layer": _layers(methods, records(medians))}
    return chart("distribution", _CAPTION, spec, legend=method_legend(methods))


def _layers(methods: list[str], medians: Spec) -> list[Spec]:
    x: Spec = {
        "field": "error",
        "type": "quantitative",
        "title": "error, %",
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
            "encoding": {"x": {**x, "field": "median"}, "color": colour, "tooltip": [_HOVER[0], _HOVER[4]]},
        },
        {
            "data": bins,
            "mark": {"type": "circle", "size": 70, "opacity": 0},
            "encoding": {"x": x, "y": y, "color": colour, "tooltip": _HOVER},
        },
    ]
