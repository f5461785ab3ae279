"""Bayesian optimisation on fresh seeds, beside local search and its own relatives, of which one is the default.

    python docs/results/fresh_searches.py FOLDER

Runs what FOLDER lacks, a study a table: 50 seeds that nothing was tuned on, 150 evaluations, a quarter of an hour on
two cores. Writes search/fresh.csv: errors (best evaluated, chosen, recommended) and the share of runs that evaluated
the best cell by the evaluation column, after so many evaluations (`SEEN`); the regret of the best evaluated; and what
they are less those of another method, paired by seed. Each with a 95 % interval. And search/found.csv with its figure:
the share of the runs that have evaluated the best cell of a table of NAS-Bench-201, by evaluations.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.regret import anytime_regret, incumbent_curves, oracle_errors
from predictornas.analysis.statistics import SHARE, over_seeds
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.named import Named
from predictornas.search.strategies import PredictorSearch
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.study import Study
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

TABLES = ("nasbench101", "nasbench201-cifar10", "nasbench201-cifar100", "nasbench201-imagenet16-120")
PLAIN, OTHER = "bayesian-optimisation", "local-search"
SIGNALS = "signal-bayesian-optimisation"
CLIMBING = "climbing-bayesian-optimisation"
PAIRS = f"{SIGNALS} two at a time"
"""With K = 2 instead of 10."""
RELATIVES = (SIGNALS, CLIMBING, PAIRS)
SEEDS = tuple(range(2000, 2050))
DRAWN = (PLAIN, OTHER, SIGNALS, CLIMBING)
SEARCH = Path(__file__).parent / "search"
SEEN = (50, 100, 150)
"""Evaluations after which it is looked."""


def rows_of(name: str, history: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What a study of a table says."""
    table = open_benchmark(name)
    oracles = oracle_errors(table.costs(table.signal), table.costs(str(table.evaluation)))
    curves = incumbent_curves(history)
    best = oracles.evaluation_on_evaluation
    for evaluations in SEEN:
        after = curves.filter(evaluations=evaluations)
        for trace in ("best", "chosen", "recommended"):
            yield _summary(after, name, f"{trace}, error after {evaluations}", trace)
        found = after.with_columns(found=(pl.col("best") <= best + 1e-9).cast(pl.Float64))
        yield _summary(found, name, f"best cell found within {evaluations}", "found")
    regret = anytime_regret(curves, oracles, evaluations=SEEN[-1]).filter(trace="best")
    yield _summary(regret, name, f"regret over {SEEN[-1]}", "regret")
    for own in (PLAIN, *RELATIVES):
        yield _paired(regret, name, f"regret less that of {OTHER}", "regret", own, OTHER)
    for own in RELATIVES:
        yield _paired(regret, name, f"regret less that of {PLAIN}", "regret", own, PLAIN)
        for evaluations in SEEN:
            after = curves.filter(evaluations=evaluations)
            for trace in ("best", "recommended"):
                quantity = f"{trace}, error after {evaluations} less that of {PLAIN}"
                yield _paired(after, name, quantity, trace, own, PLAIN)


def found_in(name: str, history: pl.DataFrame) -> pl.DataFrame:
    """The share of the runs of each method that have evaluated the best cell, every five evaluations."""
    table = open_benchmark(name)
    best = float(np.nanmin(table.costs(str(table.evaluation))))
    curves = incumbent_curves(history).filter(pl.col("evaluations") % 5 == 0, pl.col("method").is_in(DRAWN))
    found = curves.with_columns(found=(pl.col("best") <= best + 1e-9).cast(pl.Float64))
    summary = over_seeds(found, ["method", "evaluations"], "found", bounds=SHARE).drop("std")
    return summary.select(pl.lit(name).alias("table"), pl.all())


def draw_found(folder: Path) -> None:
    """Draws search/found.png from search/found.csv."""
    from predictornas.looks import styles_of
    from predictornas.plots.style import draw_band, legend_beside, new_figure, points, tidy_axes

    shares = pl.read_csv(folder / "found.csv")
    tables = shares["table"].unique(maintain_order=True).to_list()
    caption = """Share of the runs that have evaluated the best cell of the table by the evaluation column, fifty fresh
    seeds, 95 % intervals. By the signal, which is all that a search sees, others are better."""
    styles = styles_of(DRAWN)
    figure = new_figure(
        13, 4.2, title="Who climbs finds the best cell of NAS-Bench-201", caption=caption, grid=(1, len(tables))
    )
    panels = figure.subplots(1, len(tables), sharey=True)
    for name, axes in zip(tables, panels, strict=True):
        for method in DRAWN:
            own, look = shares.filter(table=name, method=method), styles[method]
            axes.plot(own["evaluations"], 100 * own["mean"], color=look.color, label=look.label, linewidth=1.6)
            draw_band(axes, own, "evaluations", color=look.color, alpha=0.09, scale=100)
        axes.set_title(name, loc="left", fontsize=points(9.5))
        axes.set_xlabel("evaluations")
        tidy_axes(axes)
    panels[0].set_ylabel("runs that have found it, %")
    legend_beside(figure, panels[0])
    save_figures(folder, lambda: {"found": figure}, Pictures(("png",)))


def run(folder: Path, name: str) -> None:
    """The study of a table, as far as it is not there."""
    search = get_strategy(SIGNALS, get_preset("default"))
    assert isinstance(search, PredictorSearch)
    pairs = Named(PAIRS, replace(search, batch=2))
    run_study(Study(name, (PLAIN, OTHER, SIGNALS, CLIMBING, pairs), SEEN[-1], SEEDS, preset="default"), folder / name)


def _paired(frame: pl.DataFrame, name: str, quantity: str, column: str, own: str, other: str) -> pl.DataFrame:
    """One method less another, by seed."""
    first, second = (frame.filter(method=method).select("seed", column) for method in (own, other))
    pairs = first.join(second, on="seed", suffix="_other").select(
        pl.lit(own).alias("method"), (pl.col(column) - pl.col(f"{column}_other")).alias(column)
    )
    return _summary(pairs, name, quantity, column, (-1.0, 1.0))


def _summary(
    frame: pl.DataFrame, name: str, quantity: str, column: str, bounds: tuple[float, float] = SHARE
) -> pl.DataFrame:
    summary = over_seeds(frame, ["method"], column, bounds=bounds).drop("std")
    return summary.select(pl.lit(name).alias("table"), pl.lit(quantity).alias("quantity"), pl.all())


def main(folder: Path) -> None:
    """Runs, then the table."""
    parts = []
    for name in TABLES:
        run(folder, name)
        parts += rows_of(name, pl.read_parquet(folder / name / "history.parquet"))
    write_table(SEARCH / "fresh.csv", pl.concat(parts))
    histories = {name: pl.read_parquet(folder / name / "history.parquet") for name in TABLES[1:]}
    write_table(SEARCH / "found.csv", pl.concat(found_in(*each) for each in histories.items()))
    draw_found(SEARCH)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
