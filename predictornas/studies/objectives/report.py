"""What a study of several objectives says: tidy tables, the figures drawn from them, and what is printed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from predictornas.analysis.objectives.dominating import (
    BALANCED,
    NAMED,
    dominating_gain,
    levels,
    named_levels,
    trade_offs,
)
from predictornas.analysis.objectives.hypervolumes import (
    final_and_anytime,
    hypervolume_curves,
    hypervolume_table,
    pairs_table,
)
from predictornas.analysis.objectives.measure import HypervolumeScale
from predictornas.analysis.objectives.surfaces import attainment_table
from predictornas.analysis.statistics import SHARE, over_seeds
from predictornas.fronts.dominance import non_dominated
from predictornas.quantity import Quantity
from predictornas.seeding import rng_for
from predictornas.studies.objectives.runs import JUDGED, SEARCHED
from predictornas.studies.objectives.study import OpenedObjectives
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ObjectivesReport:
    """Everything drawn from a finished study.

    Attributes:
        title: what was compared, on what.
        scale: how hypervolumes are measured, a sentence for every figure and table.
        measure: the scale itself.
        hypervolume: as `hypervolume_table`.
        pairs: as `pairs_table`.
        front: the table's own front below the reference point, and that of each run by what it saw.
        attainment: as `attainment_table`; empty where there are not two objectives.
        gain: as `dominating_gain`.
        summary: one row a method.
        quantities: how the costs of each objective are written.
    """

    title: str
    scale: str
    measure: HypervolumeScale
    hypervolume: pl.DataFrame
    pairs: pl.DataFrame
    front: pl.DataFrame
    attainment: pl.DataFrame
    gain: pl.DataFrame
    summary: pl.DataFrame
    quantities: tuple[Quantity, ...] = ()


def report_on(history: pl.DataFrame, opened: OpenedObjectives) -> ObjectivesReport:
    """Analyses the history of a study.

    Args:
        history: from `predictornas.studies.objectives.runs.history_of`.
        opened: the study.
    """
    names = [objective.name for objective in opened.objectives]
    searched, judged = ([template.format(name) for name in names] for template in (SEARCHED, JUDGED))
    curves = hypervolume_curves(history, opened.measure, searched, judged)
    runs = final_and_anytime(curves)
    table = opened.searched()
    gain = dominating_gain(history, opened.benchmark.keys, table, names, rng_for(0, 0, "null"))
    limits = "".join(f", {condition}" for condition in opened.identity["limits"])
    columns = (", ".join(opened.identity[role]) for role in ("searched", "evaluation"))
    return ObjectivesReport(
        title=f"{opened.benchmark.name}: {', '.join(names)}{limits}; searched {next(columns)}, judged {next(columns)}",
        scale=scale_of(opened.measure),
        measure=opened.measure,
        hypervolume=hypervolume_table(curves),
        pairs=pairs_table(runs),
        front=_fronts(history, opened.measure, searched, judged),
        attainment=attainment_table(history, names, judged),
        gain=gain,
        summary=_summary(history, runs, gain, named_levels(levels(table, trade_offs(names)[BALANCED]))),
        quantities=tuple(opened.benchmark.column(objective.judged).quantity for objective in opened.objectives),
    )


def scale_of(measure: HypervolumeScale) -> str:
    """The sentence that says how hypervolumes are measured."""
    points = ", ".join(
        f"{name} from {low:.4g} to {high:.4g}"
        for name, low, high in zip(measure.names, measure.ideal, measure.reference, strict=True)
    )
    return (
        f"Hypervolume between the ideal and the reference point of the table ({points}), as a share of what all of the "
        "table has; regret is what is missing to 1."
    )


def _fronts(history: pl.DataFrame, measure: HypervolumeScale, searched: list[str], judged: list[str]) -> pl.DataFrame:
    """One row a point: `method` ("whole table" for the table's), `seed`, `key`, and each objective as judged."""
    whole = pl.DataFrame(dict(zip(measure.names, measure.front.T, strict=True)))
    frames = [
        whole.select(
            method=pl.lit("whole table"), seed=pl.lit(None, pl.Int64), key=pl.lit(None, pl.UInt64), **_as_is(whole)
        )
    ]
    for run in history.sort("method", "seed", "order").partition_by("run_id", maintain_order=True):
        seen = run.select(searched).cast(pl.Float64).fill_null(np.nan).to_numpy()
        kept = run.filter(pl.Series(non_dominated(seen))).sort(judged[0])
        names = {name: pl.col(column) for name, column in zip(measure.names, judged, strict=True)}
        frames.append(kept.select("method", "seed", "key", **names))
    return pl.concat(frames)


def _as_is(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    return {name: pl.col(name) for name in frame.columns}


def _summary(history: pl.DataFrame, runs: pl.DataFrame, gain: pl.DataFrame, named: Any) -> pl.DataFrame:
    """One row a method: regrets in the end and on the way, and the balanced gain at named targets."""
    sizes = history.group_by("method", maintain_order=True).agg(
        evaluations=pl.len() // pl.col("run_id").n_unique(), runs=pl.col("run_id").n_unique()
    )
    for trace in ("chosen", "best"):
        for quantity in ("final", "anytime"):
            part = runs.filter((pl.col("trace") == trace) & (pl.col("quantity") == quantity))
            means = over_seeds(part, ["method"], "regret", bounds=SHARE)
            columns = {f"{trace}_{quantity}_{name}": pl.col(name) for name in ("mean", "low", "high")}
            sizes = sizes.join(means.select("method", **columns), on="method", how="left", maintain_order="left")
    balanced = gain.filter(pl.col("trade_off") == BALANCED)
    for name in NAMED:
        at = balanced.filter(pl.col("level") == named[name])
        columns = {f"{part}, {name}": pl.col(part) for part in ("gain_db", "low", "high", "resolved")}
        sizes = sizes.join(at.select("method", **columns), on="method", how="left", maintain_order="left")
    return sizes


def write_report(folder: Path, report: ObjectivesReport, pictures: Pictures | None = None) -> None:
    """Writes the tidy tables as CSV and the figures drawn from them.

    Raises:
        StoreError: the folder cannot be written.
    """
    tables = {
        "hypervolume": report.hypervolume,
        "pairs": report.pairs,
        "front": report.front,
        "attainment": report.attainment,
        "gain": report.gain,
        "summary": report.summary,
    }
    for name, table in tables.items():
        if not table.is_empty():
            write_table(folder / f"{name}.csv", table)
    save_figures(folder, lambda: _figures(report), pictures)


def _figures(report: ObjectivesReport) -> dict[str, Figure]:
    from predictornas.plots.fronts import draw_fronts, draw_hypervolume

    figures = {"hypervolume": draw_hypervolume(report.hypervolume, note=f"{report.title}. {report.scale}")}
    if not report.attainment.is_empty():
        figures["fronts"] = draw_fronts(
            report.front, report.attainment, report.measure, note=f"{report.title}. {report.scale}"
        )
    return figures


def printable(summary: pl.DataFrame) -> list[dict[str, str]]:
    """The summary as a person reads it: regrets in percent of the table's hypervolume, 95 % intervals in brackets."""
    labels = {
        "chosen_final": "chosen, %",
        "best_final": "best evaluated, %",
        "best_anytime": "best evaluated, mean over the run, %",
    }
    rows = []
    for row in summary.to_dicts():
        shown = {"method": row["method"]}
        for name, label in labels.items():
            shown[label] = _interval(*(row[f"{name}_{end}"] for end in ("mean", "low", "high")), scale=100.0)
        for name in NAMED:
            bound = "<= " if row[f"resolved, {name}"] is False else ""
            ends = (row[f"{part}, {name}"] for part in ("gain_db", "low", "high"))
            shown[f"dB at {name}"] = bound + _interval(*ends, scale=1.0)
        rows.append(shown)
    return rows


def json_rows(summary: pl.DataFrame) -> list[dict[str, Any]]:
    """The summary for programs: regrets as fractions, and the gains in a list, each with its own target."""
    parts = {"gain": "gain_db", "low": "low", "high": "high", "resolved": "resolved"}
    rows = []
    for row in summary.to_dicts():
        plain = {name: value for name, value in row.items() if ", " not in name}
        gains = [{"target": at, **{name: row[f"{part}, {at}"] for name, part in parts.items()}} for at in NAMED]
        rows.append({**plain, "gains": gains})
    return rows


def _interval(value: float | None, low: float | None, high: float | None, *, scale: float) -> str:
    if value is None:
        return "-"
    ends = "" if low is None or high is None else f" [{scale * low:.1f}, {scale * high:.1f}]"
    return f"{scale * value:.1f}{ends}"
