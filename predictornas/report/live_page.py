"""The report of a search that trains its networks: learning curves, what was trained, the recommended cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.report.architectures import cell_svg
from predictornas.report.charts.lines import line_chart
from predictornas.report.citations import how_to_cite
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import command_with, repeated_by
from predictornas.report.tables import Cell, Heading, sortable_table
from predictornas.report.verdicts import UNDECIDED
from predictornas.spaces.base import SearchSpace

RECOMMENDED, OTHERS = "recommended architecture", "other architectures"

_NO_OPTIONS = ("protocol", "images_sha256", "stem")

_ONE_RUN = (
    f"One run has no interval, so how good the method is {UNDECIDED}. Validation errors chose the architecture, and "
    "are too low for it; the test error is not."
)


_ASYNCHRONOUS = (
    "Asynchronous: each worker got the next training as soon as it was free. What was proposed depends on which "
    "training ended first; search.jsonl has the order."
)


def live_page(
    history: pl.DataFrame,
    curves: pl.DataFrame,
    study: Mapping[str, Any],
    space: SearchSpace,
    recommended: Int8[np.ndarray, " g"],
    made_with: Mapping[str, Any],
) -> Page:
    """The page of a search.

    Args:
        history: rows as in `predictornas.history.SCHEMA`; `evaluation` is the test accuracy.
        curves: `key`, `epochs`, `validation`, `test`, `seconds`, one row for each architecture and level.
        study: its options by name, and `images_sha256`.
        space: of the architectures.
        recommended: what the search names as its result.
        made_with: versions and commit.
    """
    key = int(space.keys(recommended[None])[0])
    command = live_command(study)
    data = {f"images {study['images']}": study["images_sha256"]}
    return Page(
        title=f"Live search: {_label(study['method'])} on {study['space']}, {study['images']}",
        kind="predictornas · live search",
        lead=paragraphs(_lead(curves.filter(key=key), study)),
        sections=(
            Section("What was run", _what_was_run(history, study)),
            Section("Warnings", bullets(_ONE_RUN, class_="warnings")),
            Section("Recommended architecture", drawn_architecture(space, recommended)),
            Section("Learning curves", _curves(curves, key)),
            Section("What was trained", _trained(history, curves, space)),
            Section("How to cite", how_to_cite([study["method"]], space.name, gain=False)),
            Section("How to repeat", repeated_by(command, made_with, data, exact=not study.get("asynchronous"))),
        ),
    )


def live_command(study: Mapping[str, Any]) -> list[str]:
    """The command that runs a search, from its options by name."""
    return command_with("live-search", {name: value for name, value in study.items() if name not in _NO_OPTIONS})


def drawn_architecture(space: SearchSpace, genes: Int8[np.ndarray, " g"]) -> Content:
    """One architecture as a cell, above its notation."""
    notation = space.describe(genes)
    drawn = cell_svg(space, genes, f"Cell: {notation}")
    picture = element("div", drawn, class_="drawing") if drawn else None
    return element("figure", picture, element("figcaption", element("code", notation)), class_="cell")


def _lead(curve: pl.DataFrame, study: Mapping[str, Any]) -> Content:
    last = curve.sort("epochs").row(-1, named=True)
    return joined(
        f"{_label(study['method'])} recommends an architecture with ",
        element("strong", f"a test error of {100 * (1 - last['test']):.2f} %"),
        f" after {counted(last['epochs'], 'epoch')} of training.",
    )


def _what_was_run(history: pl.DataFrame, study: Mapping[str, Any]) -> Content:
    longest = int(history["epochs"].max())  # type: ignore[arg-type]
    full = history.filter(epochs=longest)["key"].n_unique()
    failed = history["value"].null_count()
    return bullets(
        f"Space {study['space']}, networks of {counted(study['cells'], 'cell')} with "
        f"{counted(study['channels'], 'channel')}, trained here on {study['images']}.",
        f"Method {_label(study['method'])}, preset {study['preset']}, seed {study['seed']}.",
        f"{limits_of(study, 'training epoch')} in all; a training may stop after "
        f"{', '.join(map(str, study['levels']))} epochs.",
        f"{counted(history['key'].n_unique(), 'architecture')} trained, {full:,} for {counted(longest, 'epoch')}.",
        *([f"{counted(failed, 'training')} failed; search.jsonl says why."] if failed else []),
        *([_ASYNCHRONOUS] if study.get("asynchronous") else []),
    )


def limits_of(study: Mapping[str, Any], epoch: str = "epoch") -> str:
    """What a search may train, in words.

    Args:
        study: its options by name.
        epoch: what an epoch is called.
    """
    limits = ((study["budget_epochs"], epoch), (study.get("budget_evaluations"), "evaluation"))
    return " and ".join(counted(limit, noun) for limit, noun in limits if limit is not None)


def _curves(curves: pl.DataFrame, key: int) -> Markup:
    shown = pl.when(pl.col("key") == key).then(pl.lit(RECOMMENDED)).otherwise(pl.lit(OTHERS))
    rows = curves.sort("key", "epochs").select(
        method=shown, x="epochs", mean=100 * (1 - pl.col("validation")), line=pl.col("key").rank("dense")
    )
    caption = (
        "Error on the validation images, which the search sees, after each level of training; a line for each "
        "architecture. A line that ends early was stopped by the scheduler, or never promoted."
    )
    return line_chart("curves", caption, rows, x="epochs", y="validation error, %")


def _trained(history: pl.DataFrame, curves: pl.DataFrame, space: SearchSpace) -> Markup:
    genes = dict(zip(history["key"].to_list(), history["genes"].to_list(), strict=True))
    headings = [
        Heading("architecture", "In the notation of its space.", numbers=False),
        Heading("epochs", "How long it was trained."),
        Heading("validation error, %", "After these epochs, on the images that drive the search."),
        Heading("test error, %", "After these epochs, on images that no search sees."),
        Heading("seconds", "Of training, on the machine that made this."),
    ]
    last = curves.sort("epochs").unique("key", keep="last", maintain_order=True).sort("epochs", "validation", "key")
    rows = [
        [
            Cell(element("code", space.describe(np.array(genes[row["key"]], np.int8)))),
            Cell(f"{row['epochs']:,}", row["epochs"]),
            *(Cell(f"{100 * (1 - row[name]):.2f}", 1 - row[name]) for name in ("validation", "test")),
            Cell(f"{row['seconds']:.1f}", row["seconds"]),
        ]
        for row in reversed(last.to_dicts())
    ]
    return sortable_table("Each architecture after its longest training.", headings, rows)


def _label(method: str) -> str:
    return styles_of([method])[method].label
