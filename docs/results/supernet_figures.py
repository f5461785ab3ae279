"""Renews the super-network figures from their tidy tables; nothing is trained.

Intervals follow from mean, standard deviation and runs, verdicts from the intervals. A table of single seeds gives the
paper's values beside ours anew; one of means keeps those, with their intervals and verdicts renewed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.analysis.statistics import CORRELATION, POSITIVE, SHARE, Bounds, around
from predictornas.files import write_json
from predictornas.papers.claims import DIFFERENCE, alike, judged
from predictornas.papers.figure import FigureRequest, NamedFigure
from predictornas.papers.named_figures import find_figures
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.tidy_tables import write_table

BOUNDS: dict[str, Bounds] = {
    **dict.fromkeys(("gap", "final gap"), DIFFERENCE),
    "final gap, difference": (-2.0, 2.0),
    **dict.fromkeys(("validation accuracy", "final validation accuracy", "best validation accuracy"), SHARE),
    "accuracy of the cell in NAS-Bench-201": SHARE,
    "final validation accuracy, difference": DIFFERENCE,
    "best validation accuracy, difference": DIFFERENCE,
    "accuracy of the cell in NAS-Bench-201, difference": DIFFERENCE,
    **dict.fromkeys(("seconds an epoch", "seconds an epoch, ratio"), POSITIVE),
    **dict.fromkeys(("spectral_radius", "loss", "expected_loss"), POSITIVE),
    "modulus of the dominant eigenvalue, ratio": POSITIVE,
    **dict.fromkeys(("relative_loss", "relative_training_loss", "relative loss at the end"), POSITIVE),
    "tau": CORRELATION,
}
"""Bounds of the quantities that have some, in tables of means."""


def renew(folder: Path) -> None:
    """Writes every table of the folder's figures, the paper's values beside ours, and the pictures again."""
    for path in sorted(folder.glob("*.json")):
        (figure,) = find_figures([path.stem])
        renew_figure(folder, figure)


def renew_figure(folder: Path, figure: NamedFigure) -> None:
    """Writes one figure again; its manifest keeps how it was measured."""
    base = folder / figure.name
    manifest: dict[str, Any] = json.loads(Path(f"{base}.json").read_text(encoding="utf-8"))
    form = "supernet" if figure.supernet else "table"
    found = pl.read_csv(f"{base}.csv", infer_schema_length=None)
    asked = {name: manifest["request"][name] for name in ("size", "seeds")}
    request = FigureRequest(folder, form=form, data=manifest["data"], found=with_intervals(found, "mean"), **asked)
    made = figure.made(request)
    old = pl.read_csv(f"{base}-paper.csv", infer_schema_length=None)
    paper = renewed_claims(old) if made.paper is None else made.paper
    write_table(Path(f"{base}.csv"), made.table)
    write_table(Path(f"{base}-paper.csv"), paper)
    write_figures(folder, {figure.name: made.figure}, Pictures(("png",)))
    write_json(Path(f"{base}.json"), manifest | {"source": figure.source, "paper": paper.to_dicts()})


def with_intervals(table: pl.DataFrame, mean: str) -> pl.DataFrame:
    """A table of means with the intervals that its standard deviations and runs give; any other as it is."""
    if not {mean, "std", "runs", "low", "high"} <= set(table.columns):
        return table
    rows = []
    for row in table.iter_rows(named=True):
        deviation = row["std"] or 0.0
        low, high = around(
            row[mean],
            deviation / row["runs"] ** 0.5 if deviation > 1e-12 * abs(row[mean]) else np.nan,
            row["runs"] - 1,
            BOUNDS.get(row["quantity"]),
        )
        rows.append(row | {"low": float(low), "high": float(high)})
    return pl.DataFrame(rows, schema=table.schema).with_columns(pl.col("low", "high").fill_nan(None))


def renewed_claims(paper: pl.DataFrame) -> pl.DataFrame:
    """The paper's claims beside our means with renewed intervals and verdicts."""
    rows = judged(with_intervals(paper.drop("verdict", strict=False), "ours"), "claim")
    together = pl.col("claim").str.starts_with("alike")
    return rows.with_columns(verdict=pl.when(together).then(pl.lit(alike(rows))).otherwise("verdict"))
