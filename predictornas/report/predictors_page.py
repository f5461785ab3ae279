"""The report of a study of predictors: how well they rank what they were not trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.captions import Quality, qualities
from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.quantity import ERROR, Quantity
from predictornas.report.charts.lines import line_chart
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import command_with, repeated_by
from predictornas.report.tables import Cell, Heading, interval_cell, interval_text, sortable_table
from predictornas.report.verdicts import NO_VERDICT, UNDECIDED

_SECONDS = {
    "fit_seconds": Quality("training, s", "seconds of training, on the machine that made this.", digits=2),
    "predict_seconds": Quality("scoring, s", "seconds of scoring all others, on that machine.", digits=2),
}

_CHARTED = ("tau", "hits_half", "hits", "hits_five", "best_of_ten", "regret", "coverage", "sharpness")


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
        table: as `predictornas.studies.predictor_quality.summarised`.
        study: `benchmark`, `predictors`, `sizes`, `draws`, `train_on`, `judge_on`, `judged`, `data_sha256`, and perhaps
            `protocol` and `judged_cells`.
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
            Section("Quality against training set", [_chart(table, name, judge) for name in _known(table, _CHARTED)]),
            Section("How to repeat", repeated_by(predictors_command(study), made_with, data, remarks)),
        ),
    )


def predictors_command(study: Mapping[str, Any]) -> list[str]:
    """The command that makes a study, from its options by name."""
    asked = ("protocol",) if study.get("protocol") else ("train_on", "judge_on")
    options = {name: study[name] for name in ("benchmark", "sizes", "draws", *asked, "judged")}
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
    judged = "all" if study["judged"] is None else f"{study['judged']:,} random"
    cells = "architectures, those trained on included" if study.get("judged_cells") == "all" else "other architectures"
    train = study["train_on"] or "the table's signal"
    protocol = [f"Protocol {study['protocol']}."] if study.get("protocol") else []
    return bullets(
        f"Table {study['benchmark']}.",
        f"{counted(len(study['predictors']), 'predictor')}: {', '.join(_label(name) for name in study['predictors'])}.",
        f"Training sets of {', '.join(f'{size:,}' for size in study['sizes'])} architectures, "
        f"{counted(study['draws'], 'draw')} of each, the same for every predictor.",
        *protocol,
        f"Trained on {train}; judged by ranks on {study['judge_on'] or train} of {judged} {cells}.",
    )


def _known(table: pl.DataFrame, names: Iterable[str]) -> list[str]:
    present = set(table["quantity"])
    return [name for name in names if name in present]


def _read(judge: Quantity) -> dict[str, Quality]:
    """How each quantity is told; the regret is in the unit of what is judged."""
    return qualities(judge) | _SECONDS


def _summary(table: pl.DataFrame, judge: Quantity) -> Markup:
    read = _read(judge)
    known = _known(table, read)
    headings = [
        Heading("predictor", "", numbers=False),
        Heading("trained on", "Architectures in each training set."),
        *(Heading(read[name].heading, sentence_of(read[name].meaning)) for name in known),
    ]
    rows: dict[tuple[str, int], dict[str, Cell]] = {}
    chance: dict[int, dict[str, Cell]] = {}
    for row in table.sort("size", maintain_order=True).to_dicts():
        quality, size = read[row["quantity"]], row["size"]
        show = partial(interval_cell, scale=quality.scale, digits=quality.digits)
        own = rows.setdefault((row["predictor"], size), {})
        own[row["quantity"]] = show(row["mean"], row["low"], row["high"])
        if row.get("random") is not None:
            chance.setdefault(size, {})[row["quantity"]] = show(row["random"], None, None)
    lines = [(_label(name), size, cells) for (name, size), cells in rows.items()]
    lines += [("random scores", size, cells) for size, cells in chance.items()]
    body = [
        [Cell(name), Cell(f"{size:,}", size), *(cells.get(quantity, Cell("-")) for quantity in known)]
        for name, size, cells in lines
    ]
    return sortable_table("Means over the draws; 95 % intervals in brackets.", headings, body)


def _chart(table: pl.DataFrame, quantity: str, judge: Quantity) -> Markup:
    read = _read(judge)[quantity]
    rows = table.filter(pl.col("quantity") == quantity).sort("size")
    rows = rows.select("size", pl.col("mean", "low", "high") * read.scale, method="predictor", x="size")
    label = read.heading[0].upper() + read.heading[1:]
    told = sentence_of(read.meaning)
    caption = f"{label}: {told} Means over the draws; bands: 95 % interval.{_by_chance(table, quantity, read)}"
    drawn = line_chart(quantity, caption, rows, x="training architectures", y=read.heading, logarithmic=True)
    return joined(element("h3", read.heading), drawn)


def _by_chance(table: pl.DataFrame, quantity: str, read: Quality) -> str:
    """What random scores have, where it is known."""
    if "random" not in table.columns:
        return ""
    known = table.filter(pl.col("quantity") == quantity)["random"].drop_nulls()
    if known.is_empty():
        return ""
    shown = [f"{read.scale * end:,.{read.digits}f}" for end in (known.min(), known.max())]  # type: ignore[operator]
    return f" Random scores have {' to '.join(dict.fromkeys(shown))} on average."


def sentence_of(meaning: str) -> str:
    """The rest of a sentence as one of its own.

    Example:
        >>> sentence_of("how alike two rankings are.")
        'How alike two rankings are.'
    """
    return meaning[0].upper() + meaning[1:]


def _label(name: str) -> str:
    return styles_of([name])[name].label
