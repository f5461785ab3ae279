"""Convergence as an interactive chart: mean errors with bands, and the runs behind them as single lines on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import polars as pl

from predictornas.analysis.regret import OracleErrors
from predictornas.captions import convergence_caption
from predictornas.looks import styles_of
from predictornas.quantity import ERRORS, Quantities, Quantity
from predictornas.report.charts.vega import (
    Spec,
    chart,
    coloured,
    dashed,
    labelled,
    method_legend,
    on_screen,
    records,
    shaped,
    thinned,
    with_data,
)
from predictornas.report.markup import Markup, joined

Axis = Literal["evaluations", "cost_epochs"]

SHOWN = {
    "chosen": "of its choice (the best by the signal)",
    "recommended": "of its recommendation",
    "best": "of the best it evaluated",
    "searched": "that the search saw (signal column)",
}
"""The errors that can be shown, in the order of the menu."""

_CAPTION = "{words} {dashes}The first evaluations, random ones, are out of view."

_USE = "The menu chooses whose {name}. The box draws every run as a line of its own{limit}."

_POINTS, _RUN_POINTS = 6000, 5000

_MARKS = 8
"""Marks along a line, which tell methods apart where colours do not."""


def convergence_chart(
    table: pl.DataFrame,
    curves: pl.DataFrame,
    oracles: OracleErrors | None = None,
    *,
    axis: Axis = "evaluations",
    quantities: Quantities = ERRORS,
) -> Markup:
    """Error against evaluations, or epochs, with a menu of errors and a box for single runs.

    Args:
        table: from `predictornas.analysis.regret.convergence_table`, or `epochs_table`.
        curves: from `predictornas.analysis.regret.incumbent_curves`.
        oracles: draws the lowest error that is possible.
        axis: the column that runs along the chart.
        quantities: how costs of both columns are named and written.
    """
    traces = [trace for trace in SHOWN if trace in set(table["trace"])]
    if not traces:
        return Markup()
    methods = list(styles_of(table["method"]))
    means = _means(table, traces, axis, quantities)
    runs, limit = _runs(curves, traces, axis, quantities)
    best = pl.DataFrame(
        [{"trace": trace, "error": quantities.of(trace).shown(oracles.best_possible(trace))} for trace in traces]
        if oracles
        else [],
        schema={"trace": pl.String, "error": pl.Float64},
    )
    spec = {
        "params": _params(traces, _limits(table, traces, axis, oracles, quantities), quantities),
        "datasets": {"means": records(means)["values"], "runs": records(runs)["values"]},
        "layer": _layers(methods, axis, records(best), table, quantities),
    }
    lowest = f"{quantities.evaluation.best} {quantities.name} in the table"
    dashes = f"Dashed: the {lowest}. " if oracles else ""
    words = convergence_caption(traces, spent=_title(axis), band="interval", oracles=False, marks=True)
    caption = joined(
        _CAPTION.format(words=quantities.told(words), dashes=dashes),
        on_screen(_USE.format(name=quantities.name, limit=limit)),
    )
    extra = [(dashed(), lowest)] if oracles else []
    return chart("convergence", caption, spec, legend=method_legend(methods, *extra))


def _means(table: pl.DataFrame, traces: list[str], axis: Axis, quantities: Quantities) -> pl.DataFrame:
    methods = table["method"].n_unique()
    kept = thinned(table[axis].drop_nulls().cast(pl.Int64).to_list(), max(30, _POINTS // (methods * len(traces))))
    rows = table.filter(pl.col("trace").is_in(traces) & pl.col(axis).cast(pl.Int64).is_in(kept))
    marked = thinned([value for value in kept if value >= _first(table, axis)] or kept, _MARKS)
    return labelled(rows).select(
        "method",
        "trace",
        "runs",
        marked=pl.when(pl.col(axis).cast(pl.Int64).is_in(marked)).then(True),
        spent=axis,
        error=_shown("mean", quantities),
        low=_shown("low", quantities),
        high=_shown("high", quantities),
        regret=by_trace(quantities, lambda quantity: quantity.factor * pl.col("regret")),
    )


def _shown(column: str, quantities: Quantities) -> pl.Expr:
    """A cost as it is read."""
    return by_trace(quantities, lambda quantity: quantity.shown(pl.col(column)))


def by_trace(quantities: Quantities, of: Callable[[Quantity], pl.Expr]) -> pl.Expr:
    """What the quantity of the row's trace makes of it."""
    return pl.when(pl.col("trace") == "searched").then(of(quantities.signal)).otherwise(of(quantities.evaluation))


def _runs(curves: pl.DataFrame, traces: list[str], axis: Axis, quantities: Quantities) -> tuple[pl.DataFrame, str]:
    """The evaluations at which an error of a run changes, and its last; of the first seeds where there are many."""
    long = curves.unpivot(
        on=traces, index=["method", "seed", "run_id", axis], variable_name="trace", value_name="error"
    ).drop_nulls(["error", axis])
    line = ["run_id", "trace"]
    long = long.sort("method", "seed", *line, axis, maintain_order=True)
    changes = (pl.col("error") != pl.col("error").shift(1)).fill_null(True).over(line)
    last = (pl.col(axis) == pl.col(axis).max()).over(line)
    kept = long.filter(changes | last).unique([*line, axis], keep="last", maintain_order=True)
    limit, total = "", len(kept)
    if total > _RUN_POINTS:
        share = max(1, int(kept["seed"].n_unique() * _RUN_POINTS / total))
        kept = kept.filter(pl.col("seed").rank("dense").over("method") <= share)
        limit = f" (the first {share} seeds of each method)"
    run, error = pl.col("run_id").rank("dense").alias("run"), _shown("error", quantities)
    shown = labelled(kept).select("method", "seed", "trace", run, spent=axis, error=error)
    return shown, limit


def _limits(
    table: pl.DataFrame, traces: list[str], axis: Axis, oracles: OracleErrors | None, quantities: Quantities
) -> dict[str, tuple[float, float]]:
    """The errors in view for each trace: those after the first few evaluations, which are random."""
    limits = {}
    for trace in traces:
        rows = table.filter(pl.col("trace") == trace)
        settled = rows.filter(pl.col(axis) >= _first(table, axis))
        values = [float(value) for value in settled["mean"].to_list()]
        values += [] if oracles is None else [oracles.best_possible(trace)]
        quantity = quantities.of(trace)
        margin = 0.06 * (max(values) - min(values)) + (1e-4 if quantity.percent else 1e-4 * max(map(abs, values)))
        ends = sorted(quantity.shown(end) for end in (min(values) - margin, max(values) + margin))
        limits[trace] = (round(ends[0], 4), round(ends[1], 4)) if quantity.percent else (ends[0], ends[1])
    return limits


def _first(table: pl.DataFrame, axis: Axis) -> float:
    return 0.04 * float(table[axis].max())  # type: ignore[arg-type]


def _params(traces: list[str], limits: dict[str, tuple[float, float]], quantities: Quantities) -> list[Spec]:
    labels = [SHOWN[trace] for trace in traces]
    menu = {"input": "select", "options": traces, "labels": labels, "name": f"{quantities.name} "}
    return [
        {"name": "trace", "value": traces[0], "bind": menu},
        {"name": "single", "value": False, "bind": {"input": "checkbox", "name": "every run as a line "}},
        {"name": "limits", "value": {trace: list(ends) for trace, ends in limits.items()}},
    ]


def _layers(methods: list[str], axis: Axis, best: Spec, table: pl.DataFrame, quantities: Quantities) -> list[Spec]:
    x, y, colour = _spent(axis, table), _error(quantities), coloured(methods)
    chosen, means = {"filter": "datum.trace == trace"}, {"name": "means"}
    line = {"type": "line", "interpolate": "step-after", "clip": True}
    xy = {"x": x, "y": y, "color": colour}
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    area = {"type": "area", "interpolate": "step-after", "clip": True, "opacity": 0.16 if len(methods) <= 6 else 0.07}
    known = {"filter": "isValid(datum.low)"}
    bands: Spec = {"data": means, "transform": [chosen, known], "mark": area, "encoding": band}
    return [
        *with_data((table["low"].null_count() < len(table), bands)),
        {
            "data": best,
            "transform": [chosen],
            "mark": {"type": "rule", "color": "var(--ink)", "strokeDash": [6, 4], "strokeWidth": 1.2},
            "encoding": {"y": y},
        },
        {
            "data": {"name": "runs"},
            "transform": [chosen, {"filter": "single"}],
            "mark": {**line, "strokeWidth": 1, "opacity": 0.45, "tooltip": True},
            "encoding": {**xy, "detail": {"field": "run"}, "tooltip": _hover_run(axis, quantities)},
        },
        {"data": means, "transform": [chosen], "mark": {**line, "strokeWidth": 2}, "encoding": xy},
        {
            "data": means,
            "transform": [chosen, {"filter": "datum.marked"}],
            "mark": {"type": "point", "size": 45, "filled": True, "opacity": 1, "clip": True},
            "encoding": {**xy, "shape": shaped(methods)},
        },
        _nearest({"data": means, "transform": [chosen], "encoding": xy}, _hover_mean(axis, quantities)),
    ]


def _nearest(layer: Spec, hover: list[Spec]) -> Spec:
    """A mark that shows itself, and what it stands for, where the pointer is near."""
    select = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}
    seen = {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0}
    return {
        **layer,
        "params": [{"name": "near", "select": select}],
        "mark": {"type": "circle", "size": 60, "clip": True},
        "encoding": {**layer["encoding"], "opacity": seen, "tooltip": hover},
    }


def _title(axis: Axis) -> str:
    return "evaluations" if axis == "evaluations" else "training epochs"


def _spent(axis: Axis, table: pl.DataFrame) -> Spec:
    low, high = max(_first(table, axis), 1.0), float(table[axis].max())  # type: ignore[arg-type]
    return {
        "field": "spent",
        "type": "quantitative",
        "title": _title(axis),
        "scale": {"type": "log", "domain": [low, max(high, low * 1.01)], "nice": False},
        "axis": {"format": ",~f", "tickCount": 6, "labelFlush": True, "labelOverlap": "greedy"},
    }


def _error(quantities: Quantities) -> Spec:
    """The axis of errors; its ends are those of the chosen trace."""
    ends = [{"expr": "limits[trace][0]"}, {"expr": "limits[trace][1]"}]
    scale = {"zero": False, "nice": False, "domain": ends}
    return {"field": "error", "type": "quantitative", "title": quantities.heading, "scale": scale}


def _hover_mean(axis: Axis, quantities: Quantities) -> list[Spec]:
    judge, shown = quantities.evaluation, quantities.digits_for_d3(3)
    return [
        *_hover_place(axis),
        {"field": "error", "title": f"mean {quantities.heading}", "format": shown},
        {"field": "low", "title": "95 % from", "format": shown},
        {"field": "high", "title": "95 % to", "format": shown},
        {"field": "regret", "title": judge.with_unit(f"{judge.from_best} possible"), "format": shown},
        {"field": "runs", "title": "runs"},
    ]


def _hover_run(axis: Axis, quantities: Quantities) -> list[Spec]:
    error = {"field": "error", "title": quantities.heading, "format": quantities.digits_for_d3(3)}
    return [*_hover_place(axis), error, {"field": "seed", "title": "seed"}]


def _hover_place(axis: Axis) -> list[Spec]:
    return [{"field": "method", "title": "method"}, {"field": "spent", "title": _title(axis), "format": ","}]
