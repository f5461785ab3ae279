"""The report of a study of several objectives: how much of the table's front each method found, and how early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from predictornas.analysis.objectives.dominating import BALANCED
from predictornas.analysis.objectives.measure import HypervolumeScale, is_logarithmic
from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.captions import FRONT_TRACES, HYPERVOLUME
from predictornas.counting import counted
from predictornas.fronts.dominance import non_dominated
from predictornas.looks import styles_of
from predictornas.report.cautions import FEW_SEEDS
from predictornas.report.charts.lines import line_chart
from predictornas.report.charts.vega import Spec
from predictornas.report.citations import how_to_cite
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import command_with, repeated_by, seeds_text
from predictornas.report.tables import Cell, Heading, interval_cell, interval_text, sortable_table

_FRONTS_HERE = (
    "What half of the runs of a method attain, beside the front of the whole table: at each value of one objective the "
    "value of the other that so many runs have reached. fronts.png shows a quarter and three quarters of them too."
)

_QUANTITIES = {
    "chosen_final": Heading("regret of the chosen, %", f"{FRONT_TRACES['chosen']} In the end."),
    "best_final": Heading("regret of all evaluated, %", f"{FRONT_TRACES['best']} In the end."),
    "best_anytime": Heading(
        "the same, mean over the run, %", "The mean after each evaluation: low where it was early."
    ),
}


@dataclass(frozen=True)
class ObjectivesFacts:
    """What was run and on what.

    Attributes:
        study: what the study fixes, as its manifest has it.
        methods: the seeds of each method.
        space: name of the search space.
        rows: architectures of the table within the limits on what is known.
        scale: how hypervolumes are measured, a sentence.
        frame: the ideal and the reference point that frame the chart of fronts; None for no such chart.
        recommended: what the first run of each method by seed recommends: `method`, `seed`, the objectives as judged,
            what is limited, and `notation`; empty where nothing is known.
        missing: runs that other commands have not ended yet.
        warnings: what a reader should know before believing it, a sentence each.
        made_with: versions, commit, ... of those who wrote into the folder, the last one last.
    """

    study: Mapping[str, Any]
    methods: Mapping[str, Sequence[int]]
    space: str
    rows: int
    scale: str
    frame: HypervolumeScale | None = None
    recommended: Sequence[Mapping[str, Any]] = ()
    missing: int = 0
    warnings: tuple[str, ...] = ()
    made_with: tuple[Mapping[str, Any], ...] = field(default=())


def objectives_page(tables: Mapping[str, pl.DataFrame], facts: ObjectivesFacts) -> Page:
    """The page of a study.

    Args:
        tables: `summary`, `pairs`, `hypervolume`, `attainment`, `front` and `gain`, as
            `predictornas.studies.objectives.report.ObjectivesReport` has them.
        facts: what was run.
    """
    names = facts.study["objectives"]
    return Page(
        title=f"{' and '.join(names)} on {facts.study['benchmark']}",
        kind="predictornas · several objectives",
        lead=paragraphs(*_found_by_one(facts), *_lead(tables["pairs"], tables["summary"])),
        sections=(
            Section("What was run", _what_was_run(facts)),
            Section("Warnings", bullets(*facts.warnings, class_="warnings")),
            Section("Recommended architectures", _recommended(facts)),
            Section("Summary", _summary(tables["summary"])),
            Section("Fronts", _fronts(tables, names, facts.frame)),
            Section("Hypervolume", _hypervolume(tables["hypervolume"], facts.scale)),
            Section("Gain", _gain(tables["gain"])),
            Section("How to cite", how_to_cite(facts.methods, facts.space)),
            Section("How to repeat", _how_to_repeat(facts)),
        ),
    )


def _found_by_one(facts: ObjectivesFacts) -> list[Content]:
    """With one objective, what each method recommends: its value, and that of what is limited."""
    if len(facts.study["objectives"]) > 1:
        return []
    limits = ", ".join(facts.study["limits"])
    within = f" (limit {limits})" if limits else ""
    first = {row["method"]: row for row in reversed(facts.recommended)}
    return [
        joined(
            f"{_label(method)} recommends ", element("code", row["notation"]), ": ",
            element("strong", ", ".join(_valued(name, value) for name, value in _values(row).items())),
            f"{within}; seed {row['seed']}.",
        )
        for method, row in reversed(first.items())
    ]  # fmt: skip


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("method", "seed", "notation")}


def _valued(name: str, value: float | None) -> str:
    if value is None:
        return f"{name} beyond its limit as judged"
    return f"error {100 * value:.2f} %" if name == "error" else f"{name} {value:,.6g}"


def _recommended(facts: ObjectivesFacts) -> Content:
    """The front of the first run of each method, with the architectures."""
    if not facts.recommended:
        return paragraphs("No architecture that was evaluated keeps the limits.")
    names = list(_values(facts.recommended[0]))
    headings = [Heading("method", "", numbers=False), Heading("seed")]
    headings += [Heading("error, %" if name == "error" else name) for name in names]
    headings.append(Heading("architecture", "In the notation of its space.", numbers=False))
    rows = [
        [
            Cell(_label(row["method"])), Cell(str(row["seed"]), row["seed"]),
            *(Cell(_valued(name, row[name]).removeprefix(f"{name} ").removesuffix(" %"), row[name]) for name in names),
            Cell(element("code", row["notation"])),
        ]
        for row in facts.recommended
    ]  # fmt: skip
    caption = "What the first seed of each method recommends: the front of what it saw, as it is judged."
    return joined(sortable_table(caption, headings, rows), paragraphs(*_dominated(facts)))


def _dominated(facts: ObjectivesFacts) -> list[Content]:
    """A sentence where a front of what was seen has points that others dominate as they are judged."""
    names, count = facts.study["objectives"], 0
    for method in dict.fromkeys(row["method"] for row in facts.recommended):
        rows = [row for row in facts.recommended if row["method"] == method]
        costs = np.array([[row[name] for name in names] for row in rows], float)
        count += len(rows) - int(non_dominated(costs).sum())
    if not count:
        return []
    return [
        f"As judged, {counted(count, 'point')} of these fronts {'is' if count == 1 else 'are'} dominated by others of "
        "the same front, or beyond a limit: the search saw another column, and noise lies between the two."
    ]


def _lead(pairs: pl.DataFrame, summary: pl.DataFrame) -> list[Content]:
    """What the paired intervals say of the method with the lowest regret over the run."""
    best = summary.sort("best_anytime_mean").row(0, named=True)
    said: list[Content] = []
    if not pairs.is_empty():
        mine = pairs.filter(method=best["method"], trace="best", quantity="anytime")
        for row in mine.to_dicts():
            decided = row["low"] is not None and row["low"] > 0 and row["differing"] >= FEWEST_DIFFERENCES
            shown = interval_text(row["mean"], row["low"], row["high"], scale=100.0, digits=1)
            verdict = "is ahead of" if decided else "is not told apart from"
            said.append(
                joined(
                    f"{_label(row['method'])} {verdict} {_label(row['other'])}: over the run it lacks ",
                    element("strong", f"{shown} percentage points"),
                    " less of the table's hypervolume, paired over seeds.",
                )
            )
    if not said:
        value = interval_text(*(best[f"best_anytime_{end}"] for end in ("mean", "low", "high")), scale=100.0, digits=1)
        said.append(f"{_label(best['method'])} lacks {value} % of the table's hypervolume, the mean over its run.")
    return said


def _what_was_run(facts: ObjectivesFacts) -> Content:
    study = facts.study
    pairs = zip(study["searched"], study["evaluation"], strict=True)
    columns = [name if name == judged else f"{name}, judged by {judged}" for name, judged in pairs]
    items: list[Content] = [
        f"Table: {study['benchmark']}, {facts.rows:,} architectures that could be proposed.",
        f"Columns: {'; '.join(columns)}.",
        f"Read without training, never predicted: {', '.join(study['known']) or 'none'}.",
        f"Limits: {', '.join(study['limits']) or 'none'}.",
        f"{counted(study['budget'], 'evaluation')} a run.",
        *(f"{_label(method)}: {counted(len(seeds), 'seed')}." for method, seeds in facts.methods.items()),
    ]
    if any(len(seeds) < FEW_SEEDS for seeds in facts.methods.values()):
        items.append(
            f"Fewer than {FEW_SEEDS} seeds: intervals over so few runs are wide, and there is none over one. More "
            "seeds extend this folder: gain with --seeds 20."
        )
    if facts.missing:
        items.append(f"{counted(facts.missing, 'more run')} had not ended when this page was written.")
    return joined(bullets(*items), paragraphs(facts.scale))


def _summary(summary: pl.DataFrame) -> Markup:
    named = [name.removeprefix("gain_db, ") for name in summary.columns if name.startswith("gain_db, ")]
    gains = [
        Heading(
            f"dB at {name}",
            "How many dB earlier than random search it has an architecture that dominates "
            "the balanced target which this share of the table dominates.",
        )
        for name in named
    ]
    rows = []
    for row in summary.to_dicts():
        cells = [Cell(_label(row["method"]))]
        for name in _QUANTITIES:
            ends = (row[f"{name}_{end}"] for end in ("mean", "low", "high"))
            cells.append(interval_cell(*ends, scale=100.0, digits=1))
        for name in named:
            ends = (row[f"{part}, {name}"] for part in ("gain_db", "low", "high"))
            cells.append(interval_cell(*ends, digits=1, bound="" if row[f"resolved, {name}"] else "≤ "))
        rows.append(cells)
    headings = [Heading("method", "", numbers=False), *_QUANTITIES.values(), *gains]
    return sortable_table("Each method; 95 % intervals over runs in brackets.", headings, rows)


def _fronts(tables: Mapping[str, pl.DataFrame], names: Sequence[str], scale: HypervolumeScale | None) -> Content:
    if tables["attainment"].is_empty() or scale is None:
        return None
    median = tables["attainment"].filter(pl.col("share") == 0.5)
    whole = tables["front"].filter(pl.col("method") == "whole table")
    times = [100.0 if name == "error" else 1.0 for name in names]
    columns = {"x": pl.col(names[0]) * times[0], "mean": pl.col(names[1]) * times[1]}
    table = pl.concat([part.select("method", **columns) for part in (whole, median)])
    titles = ["error, %" if name == "error" else name for name in names]
    frame = [
        _axis(factor * low, factor * high)
        for factor, low, high in zip(times, scale.ideal.tolist(), scale.reference.tolist(), strict=True)
    ]
    return line_chart(
        "fronts", _FRONTS_HERE, table.sort("method", "x", maintain_order=True), x=titles[0], y=titles[1],
        frame=(frame[0], frame[1]),
    )  # fmt: skip


def _axis(low: float, high: float) -> Spec:
    """The scale of an axis of the chart of fronts, with the limits of fronts.png."""
    if is_logarithmic(low, high):
        return {"type": "log", "domain": [low / 1.15, high], "nice": False}
    return {"domain": [low - 0.04 * (high - low), high], "zero": False, "nice": False}


def _hypervolume(table: pl.DataFrame, scale: str) -> Markup:
    best = table.filter(pl.col("trace") == "best")
    shown = best.select(
        "method", x=pl.col("evaluations"), **{end: 100 * pl.col(end) for end in ("mean", "low", "high")}
    )
    few = shown.filter((pl.col("x") % 5 == 0) | (pl.col("x") == pl.col("x").max()))
    caption = f"{HYPERVOLUME} {FRONT_TRACES['best']} {scale}"
    return line_chart("hypervolume", caption, few, x="evaluations", y="hypervolume regret, %", from_zero=True)


def _gain(gain: pl.DataFrame) -> Markup:
    rows = gain.filter((pl.col("trade_off") == BALANCED) & pl.col("resolved"))
    shown = rows.select(
        "method", x=pl.col("table_hits"), mean=pl.col("gain_db"), low=pl.col("low"), high=pl.col("high")
    )
    caption = (
        "How many dB fewer trainings than random search each method needs until it has an architecture that dominates "
        "a balanced target: the same quantile of the table in every objective. Targets no run reached are left out; "
        "gain.csv has those, and the other trade-offs."
    )
    x = "architectures of the table that dominate the target"
    return line_chart("gain", caption, shown, x=x, y="gain, dB", logarithmic=True)


def objectives_command(study: Mapping[str, Any], methods: Mapping[str, Sequence[int]]) -> list[str]:
    """The command that runs a study.

    Args:
        study: what it fixes, as its manifest has it.
        methods: the seeds of each method.
    """
    seeds = sorted({seed for own in methods.values() for seed in own})
    single = len(methods) == 1 and len(seeds) == 1
    asked = {"method": next(iter(methods)), "seed": seeds[0]} if single else {"methods": list(methods)}
    options = {
        "benchmark": study["benchmark"],
        "objectives": study["objectives"],
        "limit": study["limits"] or None,
        "known": study["known"] or None,
        **asked,
        "budget": study["budget"],
        **({} if single else {"seeds": seeds_text(seeds)}),
        "signal": study["signal"],
    }
    return command_with("search" if single else "gain", options)


def _how_to_repeat(facts: ObjectivesFacts) -> Content:
    study = facts.study
    made_with = facts.made_with[-1] if facts.made_with else {}
    data = {f"table {study['benchmark']}": study["data_sha256"]}
    return repeated_by(objectives_command(study, facts.methods), made_with, data)


def _label(method: str) -> str:
    return styles_of([method])[method].label
