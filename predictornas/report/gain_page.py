"""The report of a study that compares search methods by evaluations: `gain` and `search`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.quantity import ERRORS, Quantities, Quantity
from predictornas.report.architectures import best_recommended, drawn_architectures, recommends
from predictornas.report.cautions import cautions
from predictornas.report.charts.convergence import convergence_chart
from predictornas.report.charts.distribution import distribution_chart
from predictornas.report.charts.gain import gain_chart
from predictornas.report.charts.split import split_chart
from predictornas.report.citations import how_to_cite
from predictornas.report.facts import StudyFacts
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import how_to_repeat
from predictornas.report.tables import Cell, Heading, cost_cell, interval_cell, sortable_table
from predictornas.report.verdicts import by_chance, reached_at, sentence
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class GainTables:
    """The tidy tables that a report of a gain is made of.

    Attributes:
        summary: one row a method, as `predictornas.studies.gain.report.Report` has it.
        gain: as `predictornas.analysis.gain.gain_table`.
        convergence: as `predictornas.analysis.regret.convergence_table`.
        distribution: as `predictornas.analysis.distribution.distribution_table`.
        curves: as `predictornas.analysis.regret.incumbent_curves`.
        history: rows as in `predictornas.history.SCHEMA`.
        split: as `predictornas.analysis.split.split_table`; empty where no method ranks a pool.
        robustness: as `predictornas.analysis.robustness.robustness_table`.
    """

    summary: pl.DataFrame
    gain: pl.DataFrame
    convergence: pl.DataFrame
    distribution: pl.DataFrame
    curves: pl.DataFrame
    history: pl.DataFrame
    split: pl.DataFrame = field(default_factory=pl.DataFrame)
    robustness: pl.DataFrame = field(default_factory=pl.DataFrame)


def gain_page(tables: GainTables, facts: StudyFacts, targets: Mapping[str, float], space: SearchSpace) -> Page:
    """The page of a study.

    Args:
        tables: of the study.
        facts: what was run.
        targets: error of each target with a name, such as "top 1 %".
        space: of the architectures.
    """
    told, read = cautions(facts, tables.summary, tables.curves, tables.gain, targets), facts.quantities
    convergence = convergence_chart(tables.convergence, tables.curves, facts.oracles, quantities=read)
    return Page(
        title=f"{_label_of_one(facts) or 'Search methods'} on {facts.study['benchmark']}",
        kind="predictornas · sample efficiency",
        lead=_lead(tables, facts, targets, space),
        sections=(
            Section("What was run", what_was_run(facts)),
            Section("Warnings", bullets(*told, class_="warnings")),
            Section("Summary", _summary(tables.summary, read)),
            Section("Runs that fail", _robustness(tables.robustness, read.evaluation)),
            Section("Gain over random search", gain_chart(tables.gain, quantity=read.signal)),
            Section("Gain of the sampler and of the predictor", split_chart(tables.split, quantity=read.signal)),
            Section("Convergence", convergence),
            Section("What was proposed", distribution_chart(tables.distribution, read.signal)),
            Section("Recommended architectures", drawn_architectures(space, tables.history, read)),
            Section("How to cite", how_to_cite(facts.methods, facts.space)),
            Section("How to repeat", how_to_repeat(facts)),
        ),
    )


def what_was_run(facts: StudyFacts) -> Content:
    """Table, space, methods, runs, budget, columns and preset in words."""
    study = facts.study
    labels = [style.label for style in styles_of(facts.methods).values()]
    runs = sum(len(entry["seeds"]) for entry in facts.methods.values())
    judged: Content = "No column judges the searches independently of it."
    if study["evaluation"] != study["signal"]:
        judged = joined(
            "The column that judges them, which no search sees: ", element("code", study["evaluation"]), "."
        )
    items: list[Content] = [
        f"Table {study['benchmark']}: {facts.rows:,} architectures of the space {facts.space}.",
        f"{counted(len(labels), 'method')}: {'; '.join(labels)}.",
        f"{counted(runs, 'run')} with {counted(len(facts.seeds), 'seed')}, each of {facts.budget}; the random initial "
        "set counts.",
        joined("The column that drives the searches, the signal: ", element("code", study["signal"]), ". ", judged),
        f"Preset {study['preset']}; {_what_counts(facts.quantities)}.",
    ]
    return bullets(*items)


def _what_counts(quantities: Quantities) -> str:
    if quantities == ERRORS:
        return "errors are 1 - accuracy"
    told = dict.fromkeys(f"the {one.best} {one.name} is best" for one in (quantities.signal, quantities.evaluation))
    return ", ".join(told)


def _label_of_one(facts: StudyFacts) -> str | None:
    """The label of the method where there is a single search, written as a title is; else None."""
    if len(facts.methods) != 1 or len(facts.seeds) != 1:
        return None
    (style,) = styles_of(facts.methods).values()
    return style.label[:1].upper() + style.label[1:]


def _lead(tables: GainTables, facts: StudyFacts, targets: Mapping[str, float], space: SearchSpace) -> Content:
    sentences: list[Content] = []
    if _label_of_one(facts) is not None:
        sentences = [recommends(space, one, facts.quantities) for one in best_recommended(tables.history)]
    sentences += [
        sentence(name.replace("top", "best"), reached_at(tables.gain, error))
        for name, error in reversed(list(targets.items()))
    ]
    return paragraphs(*sentences)


def choice_heading(judge: Quantity) -> Heading:
    """The column of what a search chose."""
    return Heading(
        f"chosen {judge.heading}",
        f"The {judge.name} on the evaluation column of what the method chose: the architecture with the best signal. "
        "In brackets the 95 % interval of the mean over runs.",
    )


def _headings(read: Quantities) -> dict[str, Heading]:
    """The columns of costs, by trace."""
    judge = read.evaluation
    return {
        "chosen": choice_heading(judge),
        "recommended": Heading(
            f"recommended {judge.heading}",
            "The same for what the search itself names as its result, where that is another architecture.",
        ),
        "best": Heading(
            f"best evaluated {judge.heading}",
            f"The {judge.best} {judge.name} on the evaluation column among all that was evaluated. No search can know "
            "it.",
        ),
        "searched": Heading(
            f"signal {read.signal.heading}",
            f"The {read.signal.name} that the search saw of its choice, on the signal column.",
        ),
    }


def _regret_heading(judge: Quantity) -> Heading:
    return Heading(
        judge.with_unit("regret"), f"What the {judge.name} of the choice lacks to the {judge.best} one in the table."
    )


_RUNS = Heading("runs", "Runs of the method, each with a seed of its own.")
_EVALUATIONS = Heading("evaluations", "Evaluations of each run, the random initial set included.")
_POOL = Heading(
    "pool drawn uniformly, %",
    "Share of all pools that was drawn uniformly because the sampler found too few of its own.",
)


def _summary(summary: pl.DataFrame, read: Quantities) -> Markup:
    methods = list(styles_of(summary["method"]))
    by_method = {row["method"]: row for row in summary.to_dicts()}
    known, judge = _headings(read), read.evaluation
    traces = [trace for trace in known if f"{trace}_mean" in summary.columns]
    traces = [trace for trace in traces if trace != "searched" or len(traces) == 1]
    regret = "chosen_regret" in summary.columns and summary["chosen_regret"].null_count() < len(summary)
    pools = "pool_filled" in summary.columns and summary["pool_filled"].null_count() < len(summary)
    names = [name.removeprefix("gain_db, ") for name in summary.columns if name.startswith("gain_db, ")]
    headings = [
        Heading("method", "", numbers=False),
        *(known[trace] for trace in traces),
        *([_regret_heading(judge)] if regret else []),
        *(_gain_heading(name) for name in names),
        *([_POOL] if pools else []),
        _RUNS,
        _EVALUATIONS,
    ]
    rows = []
    for method in methods:
        row = by_method[method]
        cells = [Cell(styles_of([method])[method].label)]
        cells += [
            cost_cell(read.of(trace), *(row[f"{trace}_{name}"] for name in ("mean", "low", "high"))) for trace in traces
        ]
        cells += [_regret(row["chosen_regret"], judge)] if regret else []
        cells += [_gain(row, name) for name in names]
        cells += [_percent(row["pool_filled"], 0)] if pools else []
        cells += [Cell(f"{row[name]:,}", row[name]) for name in ("runs", "evaluations")]
        rows.append(cells)
    return sortable_table(
        "Each method after its last evaluation; 95 % intervals over runs in brackets.", headings, rows
    )


_BEHIND = {
    "best": "best evaluated",
    "chosen": "chosen",
    "recommended": "recommended",
}


def _robustness(table: pl.DataFrame, judge: Quantity) -> Content:
    """How many runs of each method end worse than random search's median, and the lower quartile of the gain."""
    if table.is_empty() or table["runs"].max() == 1:
        return Markup()
    traces = [trace for trace in _BEHIND if f"{trace}_behind" in table.columns]
    names = [name.removeprefix("quartile_db, ") for name in table.columns if name.startswith("quartile_db, ")]
    headings = [
        Heading("method", "", numbers=False),
        *(
            Heading(
                f"worse by the {_BEHIND[trace]}, %",
                f"Share of the runs that end with a higher {judge.name} of the {_BEHIND[trace]} than the median of "
                "random search after as many evaluations, which follows from the table. In brackets the exact 95 % "
                "interval.",
            )
            for trace in traces
        ),
        *(
            Heading(
                f"lower quartile at the {name.replace('top', 'best')}, dB",
                "The gain that a quarter of the runs does not exceed, each run by itself; “not reached” where these "
                "runs never got there.",
            )
            for name in names
        ),
    ]
    by_method = {row["method"]: row for row in table.to_dicts()}
    rows = []
    for method, style in styles_of(table["method"]).items():
        row = by_method[method]
        cells = [Cell(style.label)]
        for trace in traces:
            ends = (row[f"{trace}_behind{end}"] for end in ("", "_low", "_high"))
            cells.append(interval_cell(*ends, scale=100.0, digits=0))
        for name in names:
            quartile = row[f"quartile_db, {name}"]
            cells.append(Cell("not reached") if quartile is None else Cell(f"{quartile:.1f}", quartile))
        rows.append(cells)
    caption = (
        "Runs that got stuck, which means over runs hide: about half of random search's are worse than its median."
    )
    return sortable_table(caption, headings, rows)


def _gain_heading(name: str) -> Heading:
    short = name.replace("top", "best")
    return Heading(
        f"gain at the {short}, dB",
        f"How many dB fewer trainings than random search until an architecture of the {short} of the table (by the "
        "signal) is seen: 10 dB are ten times fewer. “≤” where no proposal got there: an upper bound. Where "
        "there is no interval, as with one run, what random search that gets there shows in 95 of 100 such studies.",
    )


def _regret(value: float | None, judge: Quantity) -> Cell:
    return Cell("-" if value is None else judge.difference_text(value), value)


def _percent(value: float | None, digits: int) -> Cell:
    return Cell("-" if value is None else f"{100 * value:.{digits}f}", value)


def _gain(row: Mapping[str, Any], name: str) -> Cell:
    value, low, high = (row[f"{part}, {name}"] for part in ("gain_db", "low", "high"))
    bound = "" if row[f"resolved, {name}"] else "≤ "
    cell = interval_cell(value, low, high, digits=1, bound=bound)
    chance = by_chance(row, name)
    if chance is None:
        return cell
    return replace(cell, shown=joined(cell.shown, " ", element("span", f"({chance})", class_="interval")))
