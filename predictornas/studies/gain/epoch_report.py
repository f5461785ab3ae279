"""What a study with a budget of epochs says: how good a search gets for what it trains, what a scheduler saves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from predictornas.analysis.epochs import epochs_table, savings
from predictornas.analysis.regret import TRACES, OracleErrors, incumbent_curves, oracle_errors
from predictornas.benchmarks.table import Benchmark
from predictornas.quantity import ERRORS, Quantities
from predictornas.schedulers.rungs import Promotions, nominal_saving
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.report import plain_costs, what_is_told
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMPARED = ("chosen", "best")
"""Traces for which savings are worked out."""

QUALITIES = (20, 30, 50, 100)
"""Full trainings of the reference whose quality the others have to reach."""


@dataclass(frozen=True)
class EpochReport:
    """What a study with a budget of epochs says.

    Attributes:
        title: what was compared, on what.
        epochs: as `predictornas.analysis.epochs.epochs_table`.
        savings: as `predictornas.analysis.epochs.savings`, beside each method that trains everything to the end; empty
            where there is none.
        oracles: the best errors that the table allows.
        summary: one row a method: errors in the end, evaluations, how many of them were trained to the end, and the
            most that its promotions can save.
        quantities: how costs are named and written.
    """

    title: str
    epochs: pl.DataFrame
    savings: pl.DataFrame
    oracles: OracleErrors
    summary: pl.DataFrame
    quantities: Quantities = ERRORS


def nominal_savings(opened: OpenedStudy, methods: Iterable[str]) -> dict[str, float]:
    """The most that each method with promotions can save, as `predictornas.schedulers.rungs.nominal_saving`.

    Args:
        opened: gives the strategies, and the table that says whether trainings resume.
        methods: names; those without promotions are left out.
    """
    found = {}
    for method in methods:
        scheduler = getattr(opened.strategy(method), "scheduler", None)
        if isinstance(scheduler, Promotions):
            found[method] = nominal_saving(scheduler.levels, scheduler.ratio, resumes=opened.oracle.resumes)
    return found


def write_epoch_report(folder: Path, report: EpochReport, pictures: Pictures | None = None) -> None:
    """Writes `epochs.csv`, `summary.csv`, the figure `epochs`, and `savings.csv` where there is a reference."""
    write_table(folder / "epochs.csv", report.epochs)
    write_table(folder / "summary.csv", report.summary)
    if not report.savings.is_empty():
        write_table(folder / "savings.csv", report.savings)
    save_figures(folder, lambda: {"epochs": _figure(report)}, pictures)


def report_on_epochs(
    history: pl.DataFrame, benchmark: Benchmark, nominal: Mapping[str, float] | None = None
) -> EpochReport:
    """Analyses the history of such a study.

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
        benchmark: the table that was searched.
        nominal: from `nominal_savings`.

    """
    quantities = benchmark.quantities
    oracles = oracle_errors(*(benchmark.costs(column) for column in (benchmark.signal, benchmark.evaluation)))
    curves = incumbent_curves(history, quantities)
    table = epochs_table(curves, oracles, quantities)
    parts = [
        savings(curves, reference, at=_compared_at(history, reference), trace=trace)
        for reference in _full_length(history)
        for trace in COMPARED
    ]
    parts = [part for part in parts if not part.is_empty()]
    return EpochReport(
        title=f"{benchmark.name}: signal {benchmark.signal}, evaluation {benchmark.evaluation}",
        epochs=table,
        savings=pl.concat(parts) if parts else pl.DataFrame(),
        oracles=oracles,
        summary=_summary(history, table, nominal or {}),
        quantities=quantities,
    )


def _full_length(history: pl.DataFrame) -> list[str]:
    """Methods that train everything to the end, the savings' references."""
    longest = history["epochs"].max()
    shortest = history.group_by("method", maintain_order=True).agg(pl.col("epochs").min())
    return shortest.filter(pl.col("epochs") == longest)["method"].to_list()


def _compared_at(history: pl.DataFrame, reference: str) -> list[int]:
    """Epochs after which every run of the reference has done one of the numbers of full trainings."""
    runs = history.filter(pl.col("method") == reference).group_by("run_id").agg(pl.len(), pl.col("epochs").first())
    fewest, length = int(runs["len"].min()), int(runs["epochs"].max())  # type: ignore[arg-type]
    return [trainings * length for trainings in QUALITIES if trainings <= fewest]


def _summary(history: pl.DataFrame, table: pl.DataFrame, nominal: Mapping[str, float]) -> pl.DataFrame:
    runs = history.group_by("method", "run_id").agg(
        architectures=pl.col("key").n_unique(),
        full=pl.col("epochs").filter(pl.col("epochs") == history["epochs"].max()).len(),
        epochs=pl.col("cost_epochs").sum(),
    )
    counts = runs.group_by("method", maintain_order=True).agg(pl.col("architectures", "full", "epochs").mean())
    last = table.filter(pl.col("cost_epochs") == pl.col("cost_epochs").max())
    for trace in TRACES:
        part = last.filter(pl.col("trace") == trace)
        if not part.is_empty():
            numbers = {f"{trace}_{name}": name for name in ("mean", "low", "high")}
            counts = counts.join(part.select("method", **numbers), on="method", how="left")
    first = next((f"{trace}_mean" for trace in TRACES if f"{trace}_mean" in counts.columns), "method")
    bound = pl.col("method").replace_strict(nominal, default=None, return_dtype=pl.Float64)
    return counts.with_columns(nominal_saving=bound).sort(first, nulls_last=True)


def _figure(report: EpochReport) -> Figure:
    from predictornas.plots.convergence import draw_convergence

    return draw_convergence(
        report.epochs,
        report.oracles,
        axis="epochs",
        title="Quality against epochs",
        note=f"{report.title}. The longest trainings so far count.",
        quantities=report.quantities,
    )


def printable_epochs(report: EpochReport) -> list[dict[str, str]]:
    """The summary as a person reads it: costs with 95 % intervals, errors in percent, and the first savings."""
    factors: dict[str, tuple[str, str]] = {}
    if not report.savings.is_empty():
        last = report.savings.filter((pl.col("trace") == "chosen") & (pl.col("at") == pl.col("at").max()))
        for row in last.unique("method", keep="first", maintain_order=True).to_dicts():
            shown = "not reached" if row["factor"] is None else f"{row['factor']:.1f}x"
            ends = "" if row["low"] is None else f" [{row['low']:.1f}, {row['high']:.1f}]"
            factors[row["method"]] = shown + ends, row["reference"]
    judge = report.quantities.evaluation
    labels = {"chosen": f"chosen {judge.heading}", "recommended": f"recommended {judge.heading}"}
    labels["best"] = judge.with_unit(f"best {judge.name} in full")
    rows = []
    for row in report.summary.to_dicts():
        shown_row = {
            "method": row["method"],
            "architectures": f"{row['architectures']:.0f}",
            "in full": f"{row['full']:.0f}",
        }
        for trace, label in labels.items():
            if f"{trace}_mean" not in row:
                continue
            shown_row[label] = judge.interval_text(*(row[f"{trace}_{name}"] for name in ("mean", "low", "high")))
        shown_row["epochs saved"], shown_row["compared with"] = factors.get(row["method"], ("-", "-"))
        bound = row["nominal_saving"]
        shown_row["at most saved"] = "-" if bound is None else f"{bound:.2f}x"
        rows.append(shown_row)
    return rows


def json_epochs(report: EpochReport, *, shares_noise: bool = False) -> list[dict[str, Any]]:
    """The summary for programs: errors as fractions, and what each method saves beside each reference.

    A saving is `resolved` where the method reached the reference's error; its `factor` is null elsewhere. Columns that
    are no errors, and a judge that shares the noise of the signal, are told as by `report.json_rows`.
    """
    read = report.quantities
    told = what_is_told(read, shares_noise=shares_noise)
    savings: dict[str, list[dict[str, Any]]] = {}
    for row in report.savings.to_dicts():
        row["error"] = read.of(row["trace"]).plain(row["error"])
        savings.setdefault(row.pop("method"), []).append(row | {"resolved": row["factor"] is not None})
    return [
        row | plain_costs(row, read) | {"savings": savings.get(row["method"], []), **told}
        for row in report.summary.to_dicts()
    ]
