"""The report of a study whose budget is epochs: how good a search gets for what it trains, what a scheduler saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.quantity import Quantity
from predictornas.report.architectures import drawn_architectures
from predictornas.report.cautions import cautions
from predictornas.report.charts.convergence import convergence_chart
from predictornas.report.citations import how_to_cite
from predictornas.report.facts import StudyFacts
from predictornas.report.gain_page import choice_heading, what_was_run
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import how_to_repeat
from predictornas.report.tables import Cell, Heading, cost_cell, interval_cell, interval_text, sortable_table
from predictornas.report.verdicts import NO_VERDICT, UNDECIDED
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class EpochTables:
    """The tidy tables that such a report is made of.

    Attributes:
        summary: one row a method, as `predictornas.studies.gain.epoch_report.EpochReport` has it.
        epochs: as `predictornas.analysis.epochs.epochs_table`.
        savings: as `predictornas.analysis.epochs.savings`; empty where nothing trains everything to the end.
        curves: as `predictornas.analysis.regret.incumbent_curves`.
        history: rows as in `predictornas.history.SCHEMA`.
    """

    summary: pl.DataFrame
    epochs: pl.DataFrame
    savings: pl.DataFrame
    curves: pl.DataFrame
    history: pl.DataFrame


def epoch_page(tables: EpochTables, facts: StudyFacts, space: SearchSpace) -> Page:
    """The page of a study.

    Args:
        tables: of the study.
        facts: what was run.
        space: of the architectures.
    """
    told, read = cautions(facts, tables.summary, tables.curves, pl.DataFrame(), {}), facts.quantities
    chart = convergence_chart(tables.epochs, tables.curves, facts.oracles, axis="cost_epochs", quantities=read)
    return Page(
        title=f"Quality against epochs on {facts.study['benchmark']}",
        kind="predictornas · training epochs",
        lead=_lead(tables, read.evaluation),
        sections=(
            Section("What was run", what_was_run(facts)),
            Section("Warnings", bullets(*told, class_="warnings")),
            Section("Summary", _summary(tables.summary, read.evaluation)),
            Section("Epochs saved", _savings(tables.savings, read.evaluation)),
            Section("Convergence", chart),
            Section("Recommended architectures", drawn_architectures(space, tables.history, read)),
            Section("How to cite", how_to_cite(facts.methods, facts.space, gain=False)),
            Section("How to repeat", how_to_repeat(facts)),
        ),
    )


def _lead(tables: EpochTables, judge: Quantity) -> Content:
    """What the schedulers save at the longest comparison, by the cost of the choice; else the costs alone."""
    if tables.savings.is_empty():
        if "chosen_mean" not in tables.summary.columns:  # the evaluation column lacks what was chosen
            return paragraphs(f"Of what was chosen not every run has the {judge.name} that judges it.")
        best = tables.summary.sort("chosen_mean").row(0, named=True)
        ends = (best["chosen_mean"], best["chosen_low"], best["chosen_high"])
        shown = judge.interval_text(*ends)
        return paragraphs(
            joined(
                f"The {judge.best} mean {judge.name} of a choice is ",
                element("strong", f"{shown} {judge.unit}".rstrip()),
                f", of {_label(best['method'])}.",
            )
        )
    chosen = tables.savings.filter(pl.col("trace") == "chosen")
    last = chosen.filter(pl.col("at") == pl.col("at").max()).unique("method", keep="first", maintain_order=True)
    runs = dict(tables.curves.group_by("method").agg(pl.col("run_id").n_unique()).iter_rows())
    fewest = {row["method"]: min(runs.get(row[name], 0) for name in ("method", "reference")) for row in last.to_dicts()}
    return paragraphs(*(_saved(row, judge, fewest[row["method"]]) for row in last.to_dicts()))


def _saved(row: Mapping[str, Any], judge: Quantity, seeds: int) -> Content:
    method, reference = _label(row["method"]), _label(row["reference"])
    shown = f"{judge.text(row['error'])} {judge.unit}".rstrip()
    goal = f"the {judge.name} that {reference} has after {row['at']:,.0f} epochs ({shown})"
    if row["factor"] is None:
        return f"{method} does not reach {goal} within its epochs."
    shown = interval_text(row["factor"], row["low"], row["high"], digits=1)
    if row["low"] is None or row["low"] <= 1:
        return f"Whether {method} reaches {goal} with fewer epochs {UNDECIDED}: it took {shown} times fewer."
    if seeds < FEWEST_DIFFERENCES:
        return f"{method} reached {goal} with {shown} times fewer epochs over {counted(seeds, 'seed')}. {NO_VERDICT}"
    return joined(f"{method} reaches {goal} with ", element("strong", f"{shown} times fewer epochs"), ".")


def _headings(judge: Quantity) -> dict[str, Heading]:
    """The columns of costs, by trace."""
    return {
        "chosen": choice_heading(judge),
        "recommended": Heading(
            f"recommended {judge.heading}", "The same for what the search itself names as its result."
        ),
        "best": Heading(
            judge.with_unit(f"best {judge.name} in full"),
            f"The {judge.best} {judge.name} on the evaluation column among the architectures that were trained "
            "longest. No search knows it.",
        ),
    }


def _summary(summary: pl.DataFrame, judge: Quantity) -> Markup:
    known = _headings(judge)
    traces = [trace for trace in known if f"{trace}_mean" in summary.columns]
    headings = [
        Heading("method", "", numbers=False),
        Heading("architectures", "Different architectures that a run trained, the mean over runs."),
        Heading("in full", "How many of them were trained to the end."),
        *(known[trace] for trace in traces),
        Heading("at most saved", "How many times fewer epochs its promotions can take, whatever the search finds."),
    ]
    rows = []
    for row in summary.to_dicts():
        cells = [Cell(_label(row["method"]))]
        cells += [Cell(f"{row[name]:.0f}", row[name]) for name in ("architectures", "full")]
        for trace in traces:
            value, low, high = (row[f"{trace}_{name}"] for name in ("mean", "low", "high"))
            cells.append(cost_cell(judge, value, low, high))
        bound = row["nominal_saving"]
        rows.append([*cells, Cell("-" if bound is None else f"{bound:.2f} times", bound)])
    return sortable_table("Each method at the end of its epochs; 95 % intervals over runs in brackets.", headings, rows)


def _savings(savings: pl.DataFrame, judge: Quantity) -> Markup:
    headings = [
        Heading("method", "", numbers=False),
        Heading("compared with", "A method that trains every architecture to the end.", numbers=False),
        Heading(
            judge.name, f"Whose {judge.name} counts: of the choice, or of the best that was evaluated.", numbers=False
        ),
        Heading("its epochs", "Epochs that the other had trained."),
        Heading(f"its {judge.heading}", f"The {judge.name} that it had then."),
        Heading("times fewer epochs", "How many times fewer epochs the method needed for it; 95 % in brackets."),
    ]
    rows = []
    for row in savings.to_dicts():
        words = {"chosen": "choice", "best": "best evaluated"}.get(row["trace"], row["trace"])
        texts = [Cell(_label(row["method"])), Cell(_label(row["reference"])), Cell(words)]
        numbers = [Cell(f"{row['at']:,.0f}", row["at"]), Cell(judge.text(row["error"]), judge.plain(row["error"]))]
        factor = interval_cell(row["factor"], row["low"], row["high"], digits=1)
        rows.append([*texts, *numbers, factor if row["factor"] is not None else Cell("not reached")])
    return sortable_table(f"Epochs that each method needs for the {judge.name} of another.", headings, rows)


def _label(method: str) -> str:
    return styles_of([method])[method].label
