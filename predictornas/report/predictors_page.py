"""The report of a study of predictors: how well they rank what they were not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.captions import QUALITIES
from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.quantity import ERROR, Quantity
from predictornas.report.charts.lines import line_chart
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import command_with, repeated_by
from predictornas.report.tables import Cell, Heading, interval_cell, interval_text, sortable_table
from predictornas.report.verdicts import NO_VERDICT, UNDECIDED


def _meaning(quantity: str) -> str:
    """What a figure's caption says of it, as a sentence of its own."""
    text = QUALITIES[quantity].partition(": ")[2]
    return text[0].upper() + text[1:]


_QUANTITIES = {
    "tau": ("Kendall's tau", 1.0, 3, _meaning("tau")),
    "hits": ("best 1 % found, %", 100.0, 1, _meaning("hits")),
    "regret": (
        "regret of the top pick, %",
        100.0,
        2,
        _meaning("regret"),
    ),
    "fit_seconds": ("training, s", 1.0, 2, "Seconds of training, on the machine that made this."),
    "predict_seconds": ("scoring, s", 1.0, 2, "Seconds of scoring all others, on that machine."),
}
"""Label, factor, digits and meaning of each quantity."""


def predictors_page(
    table: pl.DataFrame,
    study: Mapping[str, Any],
    made_with: Mapping[str, Any],
    judge: Quantity = ERROR,
    *,
    missing: int = 0,
) -> Page:
    """The page of a study.

    Args:
        table: `predictor`, `size`, `quantity`, `mean`, `low`, `high`, `runs`.
        study: `benchmark`, `predictors`, `sizes`, `draws`, `train_on`, `judge_on`, `judged`, `data_sha256`.
        made_with: versions and commit.
        judge: how costs of the column that ranks are compared with are read.
        missing: fits that have not been made.
    """
    warnings = []
    if missing:
        warnings.append(
            f"{counted(missing, 'fit')} had not been made when this page was written: means are of the rest."
        )
    if study["draws"] < FEWEST_DIFFERENCES:
        warnings.append(
            f"{counted(study['draws'], 'draw')}: intervals over fewer than {FEWEST_DIFFERENCES} are wide; "
            "ask for --draws 20."
        )
    if study["judge_on"] is None:
        warnings.append("Predictors are judged on the column that they learned, whose noise counts as quality here.")
    remarks = ["Seconds depend on the machine."]
    data = {f"table {study['benchmark']}": study["data_sha256"]}
    return Page(
        title=f"Predictors on {study['benchmark']}",
        kind="predictornas · predictors",
        lead=paragraphs(best_by_tau(table)),
        sections=(
            Section("What was run", _what_was_run(study)),
            Section("Warnings", bullets(*warnings, class_="warnings")),
            Section("Summary", _summary(table, judge)),
            Section("Quality against training set", [_chart(table, name, judge) for name in ("tau", "hits", "regret")]),
            Section("How to repeat", repeated_by(predictors_command(study), made_with, data, remarks)),
        ),
    )


def predictors_command(study: Mapping[str, Any]) -> list[str]:
    """The command that makes a study, from its options by name."""
    options = {name: study[name] for name in ("benchmark", "sizes", "draws", "train_on", "judge_on", "judged")}
    return command_with("predictors", {"names": study["predictors"], **options})


def best_by_tau(table: pl.DataFrame) -> Content:
    """Which predictor ranks best after training on the most architectures, as far as the intervals allow."""
    tau = table.filter((pl.col("quantity") == "tau") & pl.col("mean").is_not_nan())
    if tau.is_empty():
        return f"Which predictor ranks best {UNDECIDED}."
    size = int(tau["size"].max())  # type: ignore[arg-type]
    best, *others = tau.filter(pl.col("size") == size).sort("mean", descending=True).to_dicts()
    shown = interval_text(best["mean"], best["low"], best["high"], digits=3)
    trained, highest = f"Trained on {size:,} architectures, ", f"{_label(best['predictor'])} has the highest"
    fewest = min(int(one["runs"]) for one in (best, *others))
    if fewest < FEWEST_DIFFERENCES:
        drawn = f"{trained}{highest} mean Kendall's tau measured, {shown}, over {counted(fewest, 'draw')}."
        return f"{drawn} {NO_VERDICT.replace('seeds', 'draws')}"
    said = joined(trained, element("strong", f"{highest} Kendall's tau, {shown}"), ".")
    near = [_label(one["predictor"]) for one in others if not _apart(best, one)]
    if not others:
        return said
    if near:
        return joined(said, f" Whether it ranks better than {', '.join(near)} {UNDECIDED}: the intervals meet.")
    return joined(said, " Its interval lies above those of all others.")


def _apart(best: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return best["low"] is not None and other["high"] is not None and best["low"] > other["high"]


def _what_was_run(study: Mapping[str, Any]) -> Content:
    judged = "all other architectures" if study["judged"] is None else f"{study['judged']:,} random others"
    train = study["train_on"] or "the table's signal"
    return bullets(
        f"Table {study['benchmark']}.",
        f"{counted(len(study['predictors']), 'predictor')}: {', '.join(_label(name) for name in study['predictors'])}.",
        f"Training sets of {', '.join(f'{size:,}' for size in study['sizes'])} architectures, "
        f"{counted(study['draws'], 'draw')} of each, the same for every predictor.",
        f"Trained on {train}; judged by ranks on {study['judge_on'] or train} of {judged}.",
    )


def _read(judge: Quantity) -> dict[str, tuple[str, float, int, str]]:
    """Label, factor, digits and meaning of each quantity; the regret is in the unit of what is judged."""
    if judge.percent:
        return _QUANTITIES
    meaning = f"What the {judge.name} of the predictor's first choice lacks to the best among those it was judged on."
    return _QUANTITIES | {"regret": (judge.with_unit("regret of the top pick"), 1.0, 4, meaning)}


def _summary(table: pl.DataFrame, judge: Quantity) -> Markup:
    read = _read(judge)
    known = [name for name in _QUANTITIES if name in set(table["quantity"])]
    headings = [
        Heading("predictor", "", numbers=False),
        Heading("trained on", "Architectures in each training set."),
        *(Heading(read[name][0], read[name][3]) for name in known),
    ]
    rows: dict[tuple[str, int], list[Cell]] = {}
    for row in table.sort("size", maintain_order=True).to_dicts():
        place = (row["predictor"], row["size"])
        cells = rows.setdefault(place, [Cell(_label(place[0])), Cell(f"{place[1]:,}", place[1])])
        _, scale, digits, _ = read[row["quantity"]]
        cells.append(interval_cell(row["mean"], row["low"], row["high"], scale=scale, digits=digits))
    return sortable_table("Means over the draws; 95 % intervals in brackets.", headings, list(rows.values()))


def _chart(table: pl.DataFrame, quantity: str, judge: Quantity) -> Markup:
    label, scale, _, meaning = _read(judge)[quantity]
    rows = table.filter(pl.col("quantity") == quantity).sort("size")
    rows = rows.select("size", pl.col("mean", "low", "high") * scale, method="predictor", x="size")
    caption = f"{label[0].upper()}{label[1:]}: {meaning} Means over the draws; bands: 95 % interval."
    drawn = line_chart(quantity, caption, rows, x="training architectures", y=label, logarithmic=True)
    return joined(element("h3", label), drawn)


def _label(name: str) -> str:
    return styles_of([name])[name].label
