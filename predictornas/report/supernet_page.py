"""The report of a search with a super-network: its epochs, how decided it is, and the architecture it selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.counting import counted
from predictornas.report.charts.lines import line_chart
from predictornas.report.citations import how_to_cite_supernet
from predictornas.report.live_page import drawn_architecture
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import Page, Section, bullets, paragraphs
from predictornas.report.repeating import command_with, repeated_by
from predictornas.report.tables import Cell, Heading, sortable_table
from predictornas.report.verdicts import UNDECIDED
from predictornas.spaces.base import SearchSpace

_COLLAPSED = 0.75
"""Share of skip connections from which a selected cell says more of the search's collapse than of the space."""

_EPOCHS = {
    "learning_rate": ("learning rate", 1.0, ".3g", "Of the weights."),
    "train_loss": ("training: loss", 1.0, ".4f", "Mean cross-entropy on the images that train the weights."),
    "train_accuracy": ("training: accuracy, %", 100.0, ".2f", "Of the super-network on the same images."),
    "validation_loss": (
        "validation: loss",
        1.0,
        ".4f",
        "Mean cross-entropy on the images that train the architecture.",
    ),
    "validation_accuracy": ("validation: accuracy, %", 100.0, ".2f", "Of the super-network on those images."),
    "eigenvalue": ("eigenvalue", 1.0, ".4g", "Largest one of the Hessian of the validation loss."),
    "second_order_error": (
        "second order: error",
        1.0,
        ".3g",
        "Length of the error of the finite difference over that of the second-order term.",
    ),
    "second_order_cosine": ("second order: cosine", 1.0, ".3f", "Of the finite difference and the second-order term."),
    "seconds": ("seconds", 1.0, ".1f", "Of the epoch, on the machine that made this."),
}


def supernet_page(
    epochs: pl.DataFrame,
    cells: pl.DataFrame,
    settings: Mapping[str, Any],
    space: SearchSpace,
    genes: Int8[np.ndarray, " g"],
    made_with: Mapping[str, Any],
    cautions: Sequence[str] = (),
) -> Page:
    """The page of a search.

    Args:
        epochs: one row an epoch, as `predictornas.studies.supernet_tables.epochs_table`.
        cells: one row an epoch and cell type, as `cells_table` there.
        settings: `method`, `images`, `cells`, `channels`, `seed`, and perhaps `options`, those of the command line,
            and `start`, whose weights it began with.
        space: of the architectures.
        genes: what was selected.
        made_with: versions and commit.
        cautions: what else the reader is to be warned of.
    """
    options = settings.get("options")
    command = command_with("supernet", options) if options else []
    remark = "manifest.json has every setting of the search, under “search”, with the checksum of its images."
    return Page(
        title=f"{settings['method']} in {space.name}",
        kind="predictornas · super-network",
        lead=paragraphs(_lead(epochs, settings)),
        sections=(
            Section("What was run", _what_was_run(epochs, settings, space)),
            Section("Warnings", bullets(*cautions, *_warnings(cells), class_="warnings")),
            Section("Selected architecture", drawn_architecture(space, genes)),
            Section("Accuracy", _accuracy(epochs)),
            Section("How decided the search is", _decided(cells)),
            Section("Epochs", _epochs(epochs)),
            Section("How to cite", how_to_cite_supernet(settings["method"], space.name)),
            Section("How to repeat", repeated_by(command, made_with, {}, [remark])),
        ),
    )


def _lead(epochs: pl.DataFrame, settings: Mapping[str, Any]) -> Content:
    known = epochs.drop_nulls("validation_accuracy")
    if known.is_empty():
        return f"{settings['method']} selected the architecture below."
    last = known.row(-1, named=True)
    return joined(
        f"{settings['method']} selected the architecture below. Its super-network ended at ",
        element("strong", f"{100 * last['validation_accuracy']:.2f} % validation accuracy"),
        f" after {counted(len(epochs), 'epoch')}; that is of shared weights, not of the architecture by itself.",
    )


def _what_was_run(epochs: pl.DataFrame, settings: Mapping[str, Any], space: SearchSpace) -> Content:
    phases = epochs["phase"].drop_nulls().unique(maintain_order=True).to_list()
    return bullets(
        f"Method {settings['method']} in the space {space.name}, seed {settings['seed']}.",
        f"Images {settings['images']}; {counted(settings['cells'], 'cell')}, "
        f"{counted(settings['channels'], 'channel')}.",
        *([f"It starts from {settings['start']}."] if settings.get("start") else []),
        counted(len(epochs), "epoch") + (f" in the phases {', '.join(phases)}." if len(phases) > 1 else "."),
    )


def _warnings(cells: pl.DataFrame) -> list[str]:
    found = [f"One search has no interval, so how good the method is {UNDECIDED}."]
    if cells.is_empty():
        return found
    last = cells.filter(pl.col("epoch") == pl.col("epoch").max())
    found += [
        f"{row['skip_share']:.0%} of the edges of the selected {row['cell']} are skip connections: the search has "
        "probably collapsed."
        for row in last.to_dicts()
        if row["skip_share"] >= _COLLAPSED
    ]
    return found


def _accuracy(epochs: pl.DataFrame) -> Markup:
    names = {"train_accuracy": "training images", "validation_accuracy": "validation images"}
    long = epochs.unpivot(on=list(names), index="epoch", variable_name="name", value_name="mean").drop_nulls("mean")
    rows = long.select(method=pl.col("name").replace(names), x="epoch", mean=100 * pl.col("mean"))
    caption = (
        "Accuracy of the super-network, with all operations mixed as its parameters say, on the images that train its "
        "weights and on those that train its architecture."
    )
    return line_chart("accuracy", caption, rows, x="epoch", y="accuracy, %")


def _decided(cells: pl.DataFrame) -> Content:
    if cells.is_empty():
        return None
    parts = {
        "entropy": (
            "entropy",
            "How undecided the edges of a cell are, on average: 100 all operations alike, 0 one left.",
        ),
        "skip_share": ("skip connections", "Share of skip connections in the cell that would be selected then."),
    }
    drawn = []
    for name, (title, meaning) in parts.items():
        rows = cells.drop_nulls(name).select(method="cell", x="epoch", mean=100 * pl.col(name))
        chart = line_chart(name.replace("_", "-"), meaning, rows, x="epoch", y=f"{title}, %", from_zero=True)
        drawn.append((element("h3", title.capitalize()), chart))
    return joined(*drawn)


def _epochs(epochs: pl.DataFrame) -> Markup:
    measured = {name for name in epochs.columns if epochs[name].null_count() < len(epochs)}
    known = {name: part for name, part in _EPOCHS.items() if name in measured}
    headings = [Heading("epoch"), Heading("phase", "The part of the method that it belongs to.", numbers=False)]
    headings += [Heading(label, meaning) for label, _, _, meaning in known.values()]
    rows = []
    for row in epochs.to_dicts():
        cells = [Cell(f"{row['epoch']:,}", row["epoch"]), Cell(row["phase"] or "-")]
        for name, (_, scale, form, _) in known.items():
            value = row[name]
            cells.append(Cell("-") if value is None else Cell(format(scale * value, form), value))
        rows.append(cells)
    return sortable_table("Each epoch of the search.", headings, rows)
