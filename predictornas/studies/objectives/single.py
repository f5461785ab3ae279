"""What is printed of a study of one objective within limits: its own values, not hypervolumes."""

from __future__ import annotations

import polars as pl

from predictornas.analysis.statistics import over_seeds
from predictornas.quantity import Quantity
from predictornas.studies.objectives.report import printable
from predictornas.studies.objectives.runs import JUDGED, SEARCHED


def single_values(history: pl.DataFrame, name: str) -> pl.DataFrame:
    """What each run chose and the best that it evaluated, as costs by the column that judges.

    Args:
        history: from `predictornas.studies.objectives.runs.history_of`; null beyond the limits.
        name: of the objective.

    Returns:
        `method`, `seed`, `chosen` (what was best by the signal), `best`; null where nothing kept the limits.
    """
    searched, judged = SEARCHED.format(name), JUDGED.format(name)
    chosen = pl.col(judged).sort_by(searched, "order", nulls_last=True).first()
    return history.group_by("method", "seed", maintain_order=True).agg(chosen=chosen, best=pl.col(judged).min())


def printable_single(
    history: pl.DataFrame, name: str, summary: pl.DataFrame, quantity: Quantity
) -> list[dict[str, str]]:
    """One row a method: chosen and best evaluated value with 95 % intervals over seeds, and the gains in dB.

    Runs that kept no limit have no value: where there are such, it is said of how many the mean is.

    Args:
        history: as in `single_values`.
        name: of the objective.
        summary: of `predictornas.studies.objectives.report.ObjectivesReport`.
        quantity: how costs of the objective are written.
    """
    values = single_values(history, name)
    labels = {
        "chosen": quantity.with_unit(f"chosen {name}"),
        "best": quantity.with_unit(f"best evaluated {name}"),
    }
    runs = dict(values.group_by("method").len().iter_rows())
    means = {
        column: {
            row["method"]: quantity.interval_text(row["mean"], row["low"], row["high"])
            + ("" if row["runs"] == runs[row["method"]] else f" ({row['runs']} of {runs[row['method']]} runs)")
            for row in over_seeds(values.drop_nulls(column), ["method"], column, bounds=quantity.bounds).to_dicts()
        }
        for column in labels
    }
    rows = []
    for shown in printable(summary):
        method = shown["method"]
        gains = {label: text for label, text in shown.items() if label.startswith("dB at")}
        rows.append({"method": method, **{label: means[c].get(method, "-") for c, label in labels.items()}, **gains})
    return rows
