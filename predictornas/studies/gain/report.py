"""What a study says: tidy tables, the figures drawn from them, and the summary that is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.distribution import distribution_table
from predictornas.analysis.gain import gain_table
from predictornas.analysis.ordering import ordering_table
from predictornas.analysis.regret import TRACES, OracleErrors, convergence_table, incumbent_curves, oracle_errors
from predictornas.analysis.robustness import robustness_table
from predictornas.analysis.split import split_table
from predictornas.benchmarks.table import Benchmark
from predictornas.quantity import ERRORS, Quantities, Quantity
from predictornas.report.verdicts import by_chance
from predictornas.seeding import rng_for
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADLINE = "pooled"
"""The estimator of the gain in the summary and the figures."""

GAIN_PARTS = ("gain_db", "low", "high", "resolved", "null_low", "null_high")
"""What the summary holds of the gain at each target with a name."""

ESTIMATORS = ("pooled", "per_run", "per_iteration", "observed")


@dataclass(frozen=True)
class Report:
    """Everything drawn from a finished study.

    Attributes:
        title: what was compared, on what.
        gain: as `predictornas.analysis.gain.gain_table`.
        split: as `predictornas.analysis.split.split_table`; empty where no method ranks a pool.
        convergence: as `predictornas.analysis.regret.convergence_table`.
        distribution: as `predictornas.analysis.distribution.distribution_table`.
        ordering: the paper's claims, as `predictornas.analysis.ordering.ordering_table`; empty where no claim has both
            its methods here, and where costs are no errors, which the claims are about.
        oracles: the best errors that the table allows.
        summary: one row a method, costs.
        quantities: how costs are named and written.
        robustness: runs that fail, as `predictornas.analysis.robustness.robustness_table`.
    """

    title: str
    gain: pl.DataFrame
    split: pl.DataFrame
    convergence: pl.DataFrame
    distribution: pl.DataFrame
    ordering: pl.DataFrame
    oracles: OracleErrors
    summary: pl.DataFrame
    quantities: Quantities = ERRORS
    robustness: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def told(self) -> pl.DataFrame:
        """The summary, and what is known of runs that fail."""
        if self.robustness.is_empty():
            return self.summary
        return self.summary.join(self.robustness.drop("runs", "evaluations"), on="method", how="left")


def report_on(history: pl.DataFrame, pools: pl.DataFrame, benchmark: Benchmark, targets: pl.DataFrame) -> Report:
    """Analyses the history of a study.

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
        pools: rows as in `predictornas.history.POOL_SCHEMA`.
        benchmark: the table that was searched, with the study's signal and evaluation.
        targets: the targets of the gain.
    """
    signal, evaluation = (benchmark.costs(column) for column in (benchmark.signal, benchmark.evaluation))
    oracles = oracle_errors(signal, evaluation)
    errors = signal[np.isfinite(signal)]
    quantities = benchmark.quantities
    rng = rng_for(0, 0, "null")
    gain = gain_table(history, errors, targets, estimators=ESTIMATORS, rng=rng, quantity=quantities.signal)
    split = pl.DataFrame()
    if not pools.is_empty():
        split = split_table(history, pools, errors, rng=rng, quantity=quantities.signal)
    curves = incumbent_curves(history, quantities)
    convergence = convergence_table(curves, oracles, quantities)
    summary = _summary(gain, convergence, errors).join(filled_shares(pools), on="method", how="left")
    return Report(
        title=f"{benchmark.name}: {_sizes(summary)}, signal {benchmark.signal}, evaluation {benchmark.evaluation}",
        gain=gain,
        split=split,
        convergence=convergence,
        distribution=distribution_table(history, errors, quantity=quantities.signal),
        ordering=ordering_table(history, errors, named_errors(errors)) if quantities == ERRORS else pl.DataFrame(),
        oracles=oracles,
        summary=summary,
        quantities=quantities,
        robustness=robustness_table(history, curves, signal, evaluation, named_errors(errors), quantities),
    )


def _sizes(summary: pl.DataFrame) -> str:
    """Runs and evaluations of the methods, as a range where they differ."""
    ranges = []
    for name in ("runs", "evaluations"):
        numbers = sorted(set(summary[name].to_list()))
        shown = "-".join(map(str, numbers[:1] + numbers[1:][-1:]))
        ranges.append(f"{shown} {name.removesuffix('s') if numbers == [1] else name}")
    return " of ".join(ranges)


def _summary(gain: pl.DataFrame, convergence: pl.DataFrame, errors: Float[np.ndarray, " n"]) -> pl.DataFrame:
    """One row a method: final regret of what it chose and of the best it evaluated, and the gain at named targets."""
    last = convergence.filter(pl.col("evaluations") == pl.col("evaluations").max().over("method"))
    summary = last.select("method", "evaluations", "runs").unique(maintain_order=True)
    for trace in TRACES:
        columns = {f"{trace}_{name}": name for name in ("mean", "low", "high", "regret")}
        part = last.filter(pl.col("trace") == trace).select(
            "method", **{new: pl.col(old) for new, old in columns.items()}
        )
        if not part.is_empty() or trace == "chosen":  # empty where no method has it for every run
            summary = summary.join(part, on="method", how="left")
    headline = gain.filter(pl.col("estimator") == HEADLINE)
    sizes = headline.select("method", "proposals", "with_initial").unique(maintain_order=True)
    summary = summary.join(sizes, on="method", how="left")
    for name, error in named_errors(errors).items():
        at = headline.filter(pl.col("target_error") == error)
        columns = {f"{part}, {name}": part for part in GAIN_PARTS}
        part = at.select("method", **{new: pl.col(old) for new, old in columns.items()})
        summary = summary.join(part, on="method", how="left")
    return summary


def filled_shares(pools: pl.DataFrame) -> pl.DataFrame:
    """Columns `method` and `pool_filled`: the share of all pools that was drawn uniformly for want of others.

    Null where a sampler has no members of its own, and where pools were not counted (files of earlier versions).
    """
    if "pool_filled" not in pools.columns:
        return pl.DataFrame(schema={"method": pl.String, "pool_filled": pl.Float64})
    once = pools.drop_nulls("pool_filled").unique(["run_id", "iteration"])
    return once.group_by("method").agg(pool_filled=pl.col("pool_filled").sum() / pl.col("pool_size").sum())


def printable(summary: pl.DataFrame, quantities: Quantities = ERRORS) -> list[dict[str, str]]:
    """The summary as a person reads it: errors and regret in percent, or a loss as it is, 95 % intervals in brackets.

    "chosen error" is the evaluation error of the incumbent by the signal, "recommended error" that of what the search
    names as its result, where some search here names another than its incumbent, "regret" what the choice lacks to the
    best architecture of the table, "dB at" the gain, where it has no interval next to what random
    search shows in 95 of 100 such studies, "<=" an upper bound (no proposal reached the target), "K" the
    proposals of a run that the gains count (with T0 where methods differ in its size), "best evaluated error" the
    lowest evaluation error among all that was evaluated, "filled" the share of the sampler's pools that was drawn
    uniformly for want of its own, "worse than random" the share of the runs whose best evaluated error is above the
    median of random search in the end, "lower quartile" the gain that a quarter of the runs does not exceed, "not
    reached" where these never got to the target; the last two where there are several runs.
    """
    counted = "pool_filled" in summary.columns and summary["pool_filled"].is_not_null().any()
    judge, rows, methods = quantities.evaluation, [], summary.to_dicts()
    several = any(row.get("runs", 1) > 1 for row in methods)  # shares of a single run say nothing
    for row in methods:
        shown = {"method": row["method"], f"chosen {judge.heading}": _cost(row, "chosen", judge)}
        if "recommended_mean" in row:
            shown[f"recommended {judge.heading}"] = _cost(row, "recommended", judge)
        regret = row["chosen_regret"]
        shown[judge.with_unit("regret")] = "-" if regret is None else judge.difference_text(regret)
        for name in [key.removeprefix("gain_db, ") for key in row if key.startswith("gain_db, ")]:
            ends = (row[f"{part}, {name}"] for part in ("gain_db", "low", "high"))
            bound = "<= " if row[f"resolved, {name}"] is False else ""
            chance = by_chance(row, name)
            beside = f" ({chance})" if chance else ""
            shown[f"dB at {name}"] = bound + _interval(*ends, digits=1) + beside
        shown["K with T0" if row["with_initial"] else "K"] = f"{row['proposals']:,}"
        if "best_mean" in row:
            shown[f"best evaluated {judge.heading}"] = _cost(row, "best", judge)
        if counted:
            filled = row["pool_filled"]
            shown["filled, %"] = "-" if filled is None else f"{100 * filled:.0f}"
        if several and row.get("best_behind") is not None:
            ends = (100 * row[f"best_behind{end}"] for end in ("", "_low", "_high"))
            shown["worse than random, %"] = _interval(*ends, digits=0)
        quartiles = [key.removeprefix("quartile_db, ") for key in row if key.startswith("quartile_db, ")]
        for name in quartiles if several else ():
            quartile = row[f"quartile_db, {name}"]
            shown[f"lower quartile, dB at {name}"] = "not reached" if quartile is None else f"{quartile:.1f}"
        rows.append(shown)
    return rows


def json_rows(
    summary: pl.DataFrame, quantities: Quantities = ERRORS, *, shares_noise: bool = False
) -> list[dict[str, Any]]:
    """The summary for programs: snake_case names, fractions, and the gains in a list, each with its own target.

    Args:
        summary: of a report.
        quantities: of its columns; named where they are no errors, and told as the column has them.
        shares_noise: whether the evaluation rewards the noise that the search chose; said where it does.
    """
    rows = []
    extra = what_is_told(quantities, shares_noise=shares_noise)
    for row in summary.to_dicts():
        names = [name.removeprefix("gain_db, ") for name in row if name.startswith("gain_db, ")]
        plain = {name: value for name, value in row.items() if ", " not in name}
        parts = {part.removesuffix("_db"): part for part in (*GAIN_PARTS, "quartile_db")}
        gains = [
            {"target": target, **{name: row.get(f"{part}, {target}") for name, part in parts.items()}}
            for target in names
        ]
        rows.append({**plain, **plain_costs(row, quantities), "gains": gains, **extra})
    return rows


def what_is_told(quantities: Quantities, *, shares_noise: bool) -> dict[str, Any]:
    """What JSON says of the columns: nothing of errors, which an independent column judges."""
    told: dict[str, Any] = {"shares_noise": True} if shares_noise else {}
    if quantities != ERRORS:
        told |= {"signal_quantity": quantities.signal.heading, "evaluation_quantity": quantities.evaluation.heading}
    return told


def plain_costs(row: Mapping[str, Any], quantities: Quantities) -> dict[str, float | None]:
    """The costs of a row in the metric and direction of their columns."""
    costs: dict[str, float | None] = {}
    for trace in TRACES:
        names = [f"{trace}_{name}" for name in ("mean", "low", "high")]
        if names[0] in row:
            costs |= zip(names, quantities.of(trace).interval(*(row[name] for name in names)), strict=True)
        if row.get(f"{trace}_median") is not None:
            costs[f"{trace}_median"] = quantities.of(trace).plain(row[f"{trace}_median"])
    return costs


def _cost(row: Mapping[str, Any], trace: str, quantity: Quantity) -> str:
    return quantity.interval_text(*(row[f"{trace}_{name}"] for name in ("mean", "low", "high")))


def _interval(value: float | None, low: float | None, high: float | None, *, digits: int) -> str:
    if value is None:
        return "-"
    if low is None or high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def write_report(folder: Path, report: Report, pictures: Pictures | None = None) -> None:
    """Writes the tidy tables as CSV and the figures drawn from them.

    `gain`, `convergence`, `distribution`, `summary` and `robustness` always; `split` where a method ranks a pool;
    `ordering` where both methods of one of the paper's claims ran with at least two seeds; the figure
    `convergence-seconds`, against the simulated training time, where the table knows training times.
    """
    tables = {"gain": report.gain, "convergence": report.convergence, "distribution": report.distribution}
    tables |= {"summary": report.summary}
    sometimes = {"split": report.split, "ordering": report.ordering, "robustness": report.robustness}
    tables |= {name: table for name, table in sometimes.items() if not table.is_empty()}
    for name, table in tables.items():
        write_table(folder / f"{name}.csv", table)
    save_figures(folder, lambda: _figures(report), pictures)


def _figures(report: Report) -> dict[str, Figure]:
    from predictornas.plots.convergence import draw_convergence
    from predictornas.plots.distribution import draw_distribution
    from predictornas.plots.gain import draw_gain, draw_split

    note, read = f"{report.title}.", report.quantities
    figures = {
        "gain": draw_gain(report.gain, note=note, quantity=read.signal),
        "convergence": draw_convergence(report.convergence, report.oracles, note=note, quantities=read),
        "distribution": draw_distribution(report.distribution, note=note, quantity=read.signal),
    }
    if not report.split.is_empty():
        figures["split"] = draw_split(report.split, note=note, quantity=read.signal)
    if report.convergence["cost_seconds"].null_count() == 0:
        figures["convergence-seconds"] = draw_convergence(
            report.convergence, report.oracles, axis="seconds", note=note, quantities=read
        )
    return figures
