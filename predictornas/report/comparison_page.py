"""The report of a comparison of result folders: errors, regret, paired differences, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.quantity import ERRORS, Quantities, Quantity
from predictornas.report.cautions import FEW_SEEDS
from predictornas.report.charts.convergence import by_trace
from predictornas.report.charts.vega import (
    Spec,
    chart,
    coloured,
    labelled,
    method_legend,
    on_screen,
    records,
    with_data,
)
from predictornas.report.citations import how_to_cite
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import repeated_by
from predictornas.report.tables import Cell, Heading, cost_cell, sortable_table
from predictornas.report.verdicts import UNDECIDED

_TRACES = {
    "searched": "what the search saw",
    "chosen": "its choice",
    "recommended": "its recommendation",
    "best": "the best it evaluated",
}

_TABLE = Heading("table", "The table and its columns.", numbers=False)
_TRACE = Heading(
    "of",
    "Whose error: what the search saw (signal column), its choice, its recommendation, or the best that it evaluated "
    "(evaluation column).",
    numbers=False,
)


@dataclass(frozen=True)
class ComparisonTables:
    """The tidy tables of a comparison, as `predictornas.studies.comparison.Comparison` has them.

    Attributes:
        errors: final errors.
        regret: anytime regret.
        pairs: paired differences.
        ranks: average ranks; may be empty.
        quantities: by table, how its costs are named and written; as errors where a table is not named.
        notes: what a reader has to know of the published runs among them.
        against: which published runs are among them; None where there are none.
    """

    errors: pl.DataFrame
    regret: pl.DataFrame
    pairs: pl.DataFrame
    ranks: pl.DataFrame
    quantities: Mapping[str, Quantities] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    against: str | None = None

    def of(self, table: str) -> Quantities:
        """How costs on a table are read."""
        return self.quantities.get(table, ERRORS)


def comparison_page(
    tables: ComparisonTables, made_with: Mapping[str, Any] | None = None, *, out: str = "comparison"
) -> Page:
    """The page of a comparison.

    Args:
        tables: of the comparison.
        made_with: as `predictornas.studies.provenance.surroundings`.
        out: the folder of the page.
    """
    folders = tables.errors["folder"].unique(maintain_order=True).to_list() if "folder" in tables.errors.columns else []
    if tables.against is not None:
        folders = [folder for folder in folders if not str(folder).startswith("published:")]
    command = ["predictornas", "compare", *map(str, folders)] if folders else []
    command += ["--against", tables.against] if tables.against is not None else []
    remarks = ["Each folder has a report of its own, with the command that made its runs."] if folders else []
    if tables.against is not None:
        remarks.append("predictornas.runs.studies() has the commands that made the published runs.")
    methods = [name.partition(" [")[0] for name in tables.errors["method"].unique(maintain_order=True).to_list()]
    names = tables.errors["table"].unique(maintain_order=True).to_list()
    charts = [_chart(tables.errors, name, place, tables.of(name)) for place, name in enumerate(names)]
    return Page(
        title=f"Comparison on {', '.join(names)}",
        kind="predictornas · comparison",
        lead=paragraphs(*(ahead_on(name, tables.errors, tables.pairs, tables.of(name)) for name in names)),
        sections=(
            Section("Warnings", bullets(*_warnings(tables), *tables.notes, class_="warnings")),
            Section("Final errors", [charts, _errors(tables)]),
            Section("Anytime regret", _regret(tables)),
            Section("Paired differences", _pairs(tables)),
            Section("Average ranks", _ranks(tables.ranks)),
            Section("How to cite", how_to_cite(methods, *_spaces(names), gain=False)),
            Section("How to repeat", repeated_by(command, made_with or {}, {}, remarks, out=out)),
        ),
    )


def _spaces(tables: Sequence[str]) -> list[str]:
    """The search spaces that tables are named after."""
    known = ("nasbench101", "nasbench201")
    return [space for space in known if any(name.startswith(space) for name in tables)]


def ahead_on(table: str, errors: pl.DataFrame, pairs: pl.DataFrame, read: Quantities = ERRORS) -> Content:
    """Which method chose best on a table, and whom it is ahead of by the paired differences."""
    traces = set(errors.filter(table=table)["trace"])
    trace = next((trace for trace in ("chosen", "searched") if trace in traces), None)
    rows = errors.filter(table=table, trace=trace).sort("mean") if trace else errors.clear()
    if rows.is_empty():
        return f"{table}: nothing was measured."
    best, quantity = rows["method"][0], read.of(str(trace))
    shown = f"{quantity.text(rows['mean'][0])} {quantity.unit}".rstrip()
    lead = joined(
        f"On {table}, ",
        element(
            "strong",
            f"{_label(best)} has the {quantity.best} mean {quantity.name} of {_TRACES[str(trace)]}, {shown}",
        ),
        ".",
    )
    others = rows["method"].to_list()[1:]
    mine = pairs.filter(table=table, trace=trace, quantity="final").to_dicts()
    behind = [one for one in others if _is_behind(best, one, mine)]
    near = [one for one in others if one not in behind]
    said = [
        f" It is ahead of {_listed(behind)} over shared seeds." if behind else "",
        f" Whether it is ahead of {_listed(near)} {UNDECIDED}." if near else "",
    ]
    return joined(lead, *said)


def _is_behind(best: str, other: str, pairs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the 95 % interval of their difference lies on the side of the best, with enough seeds that differ."""
    for row in pairs:
        if {row["a"], row["b"]} != {best, other} or row["low"] is None or row["nonzero"] < FEWEST_DIFFERENCES:
            continue
        return bool(row["high"] < 0 if row["a"] == best else row["low"] > 0)
    return False


def _warnings(tables: ComparisonTables) -> list[str]:
    found = []
    few = tables.errors.filter(pl.col("runs") < FEW_SEEDS)["method"].unique(maintain_order=True).to_list()
    if few:
        found.append(f"Fewer than {FEW_SEEDS} runs: {_listed(few)}. Intervals are wide, and there is none over one.")
    if not tables.pairs.is_empty() and tables.pairs["a"].n_unique() > 1:
        found.append("Intervals of differences are not corrected for the number of pairs: one in twenty errs.")
    if tables.regret.is_empty() or tables.regret["best_possible"].null_count():
        found.append("For some columns the best possible value is not known here, so the regret is not.")
    return found


def _chart(errors: pl.DataFrame, table: str, place: int, read: Quantities) -> Markup:
    rows = errors.filter(table=table)
    methods = list(styles_of(rows["method"]))
    shown = labelled(rows).select(
        "method",
        "runs",
        pl.col("trace").replace(_TRACES),
        error=by_trace(read, lambda one: one.shown(pl.col("mean"))),
        low=by_trace(read, lambda one: one.shown(pl.col("low"))),
        high=by_trace(read, lambda one: one.shown(pl.col("high"))),
    )
    form = read.digits_for_d3(3)
    labels = [style.label for style in styles_of(methods).values()]
    x = {"field": "error", "type": "quantitative", "title": read.heading, "scale": {"zero": False}}
    y = {"field": "method", "type": "nominal", "title": None, "sort": labels, "axis": {"labels": False, "ticks": False}}
    traces = [_TRACES[trace] for trace in _TRACES if trace in set(rows["trace"])]
    first = next((name for name in ("its choice", *traces) if name in traces), "")
    hover = [
        {"field": "method", "title": "method"},
        {"field": "error", "title": f"mean {read.heading}", "format": form},
    ]
    hover += [
        {"field": end, "title": f"95 % {word}", "format": form} for end, word in (("low", "from"), ("high", "to"))
    ]
    ends: Spec = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": coloured(methods)}
    interval: Spec = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": ends,
    }
    tooltip = [*hover, {"field": "runs", "title": "runs"}]
    mean: Spec = {
        "mark": {"type": "circle", "size": 90, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": coloured(methods), "tooltip": tooltip},
    }
    spec: Spec = {
        "height": 40 + 26 * len(methods),
        "data": records(shown),
        "params": [
            {"name": "of", "value": first, "bind": {"input": "select", "options": traces, "name": f"{read.name} of "}}
        ],
        "transform": [{"filter": "datum.trace == of"}],
        "layer": with_data((bool(shown["low"].is_not_null().any()), interval), (True, mean)),
    }
    words = (
        f"{table}: mean {read.name} after {counted(rows['evaluations'][0], 'evaluation')}, and its 95 % interval "
        "over runs. Rows are in the order of the legend."
    )
    caption = joined(words, on_screen("The menu chooses whose."))
    return chart(f"errors-{place}", caption, spec, legend=method_legend(methods))


def _errors(tables: ComparisonTables) -> Markup:
    errors = tables.errors
    heading = _heading(tables)
    headings = [
        Heading("method", "", numbers=False),
        _TABLE,
        _TRACE,
        Heading(heading, "Mean over runs after the evaluations that all runs on the table have; 95 % in brackets."),
        Heading("evaluations", "After how many evaluations."),
        Heading("runs", "Runs of the method."),
    ]
    rows = [
        [
            *_named(row),
            cost_cell(tables.of(row["table"]).of(row["trace"]), row["mean"], row["low"], row["high"]),
            Cell(f"{row['evaluations']:,}", row["evaluations"]),
            Cell(f"{row['runs']:,}", row["runs"]),
        ]
        for row in errors.to_dicts()
    ]
    return sortable_table("Final errors.", headings, rows)


def _regret(tables: ComparisonTables) -> Markup:
    regret, heading, percent = tables.regret, _heading(tables), _all_percent(tables)
    headings = [
        Heading("method", "", numbers=False),
        _TABLE,
        _TRACE,
        Heading(f"mean {heading}", "Mean over all evaluations, not only the last; 95 % in brackets."),
        Heading(
            f"behind the best possible{', %' if percent else ''}",
            "What it lacks to the best value in the table, where that is known.",
        ),
    ]
    rows = [
        [
            *_named(row),
            cost_cell(read, row["mean"], row["low"], row["high"], 3),
            Cell("-" if row["regret"] is None else read.difference_text(row["regret"], 3), row["regret"]),
        ]
        for row in regret.to_dicts()
        for read in [tables.of(row["table"]).of(row["trace"])]
    ]
    return sortable_table("Over the whole search: who is good early has a better mean.", headings, rows)


def _pairs(tables: ComparisonTables) -> Markup:
    pairs, percent = tables.pairs, _all_percent(tables)
    points = "Difference of the errors in percentage points over shared seeds; below 0 a is better."
    costs = "Difference over shared seeds, such that below 0 a is better: of scores it is b - a."
    headings = [
        Heading("a", "The first method.", numbers=False),
        Heading("b", "The second method.", numbers=False),
        _TABLE,
        Heading("quantity", "The final error, or the mean over all evaluations (regret).", numbers=False),
        _TRACE,
        Heading("a - b, points" if percent else "a - b", points if percent else costs),
        Heading("seeds that differ", f"With fewer than {FEWEST_DIFFERENCES} nothing can be said."),
    ]
    rows = [
        [
            *(Cell(_label(row[name])) for name in ("a", "b")),
            *(Cell(row[name]) for name in ("table", "quantity")),
            Cell(_TRACES.get(row["trace"], row["trace"])),
            _difference_cell(tables.of(row["table"]).of(row["trace"]), row),
            Cell(f"{row['nonzero']} of {row['pairs']}", row["nonzero"]),
        ]
        for row in pairs.to_dicts()
    ]
    return sortable_table("Each pair of methods; 95 % intervals in brackets.", headings, rows)


def _ranks(ranks: pl.DataFrame) -> Markup:
    if ranks.is_empty():
        return Markup()
    headings = [
        Heading("method", "", numbers=False),
        Heading("quantity", "The final error, or the mean over all evaluations (regret).", numbers=False),
        _TRACE,
        Heading("average rank", "1 is best."),
        Heading("groups", "Methods that share a number are not told apart.", numbers=False),
    ]
    rows = [
        [
            Cell(_label(row["method"])),
            Cell(row["quantity"]),
            Cell(_TRACES.get(row["trace"], row["trace"])),
            Cell(f"{row['rank']:.2f}", row["rank"]),
            Cell(str(row["groups"])),
        ]
        for row in ranks.to_dicts()
    ]
    return sortable_table(f"Average ranks over {ranks['block'][0]}s.", headings, rows)


def _difference_cell(read: Quantity, row: Mapping[str, Any]) -> Cell:
    """Differences are not turned round with the values of a score."""
    return cost_cell(replace(read, higher=False), row["difference"], row["low"], row["high"], 3)


def _heading(tables: ComparisonTables) -> str:
    """What the column is where all tables are read alike."""
    known = dict.fromkeys(tables.of(name).heading for name in tables.errors["table"].unique(maintain_order=True))
    return next(iter(known)) if len(known) == 1 else "value"


def _all_percent(tables: ComparisonTables) -> bool:
    read = [tables.of(name) for name in tables.errors["table"].unique()]
    return all(one.signal.percent and one.evaluation.percent for one in read)


def _named(row: Mapping[str, Any]) -> list[Cell]:
    return [Cell(_label(row["method"])), Cell(row["table"]), Cell(_TRACES.get(row["trace"], row["trace"]))]


def _label(method: str) -> str:
    return styles_of([method])[method].label


def _listed(methods: Sequence[str]) -> str:
    names = [_label(method) for method in methods]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
