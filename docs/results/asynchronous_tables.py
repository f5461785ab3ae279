"""What simulated clusters and priors showed: tables and a figure of `asynchronous.md` from what was measured.

Nothing is searched here: everything follows from `trainings.parquet` and `transfer.parquet`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from predictornas.analysis.statistics import SHARE, over_seeds, paired_difference
from predictornas.looks import Look
from predictornas.plots.style import draw_band, legend_beside, new_figure, points, tidy_axes
from predictornas.search.simulated import SimulatedTraining, utilisation
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

WAYS = {False: ("each when it is free", Look("#B3001B", "d")), True: ("in batches", Look("#0B4F9E", "s"))}
"""The two ways of a cluster in figures, by whether they are synchronous."""

TITLES = {"nasbench201-cifar10": "NAS-Bench-201", "nasbench101-val30k": "NAS-Bench-101, 30,001 cells"}

MOMENTS = (0.25, 0.5, 1.0)
"""Shares of the time of an asynchronous search at which errors are compared."""

GRID = 60
"""Moments of a curve."""

AFTER = (10, 20, 30, 40, 60, 100)
"""Evaluations after which searches with a prior are compared with those without."""

GOALS = (30, 50)
"""Evaluations of the searches without a prior whose mean error has to be reached."""


def renew(folder: Path) -> None:
    """Writes what the document reads.

    Args:
        folder: `docs/results/asynchronous`.
    """
    trainings = pl.read_parquet(folder / "trainings.parquet")
    write_table(folder / "utilisation.csv", utilisations(trainings))
    learned = trainings.filter(pl.col("method") != "random")
    compared = [*pairs(learned), *against_one(learned)]
    write_table(folder / "pairs.csv", pl.DataFrame(compared, infer_schema_length=None))
    curves = curves_of(learned)
    write_table(folder / "curves.csv", curves)
    save_figures(folder, lambda: {"anytime": drawn(curves)}, Pictures(("png",)))
    searched = pl.read_parquet(folder / "transfer.parquet")
    write_table(folder / "transfer.csv", pl.DataFrame(list(transfers(searched)), infer_schema_length=None))


def utilisations(trainings: pl.DataFrame) -> pl.DataFrame:
    """The share of the workers' time that was spent on training, over seeds."""
    rows = []
    for names, run in trainings.group_by("table", "method", "workers", "synchronous", "seed", maintain_order=True):
        known = [
            SimulatedTraining(0, 0.0, 0, begun, ended) for begun, ended in run.select("begun", "ended").iter_rows()
        ]
        if names[2] > 1:
            rows.append((*names[:4], utilisation(known, names[2])))
    keys = ["table", "method", "workers", "synchronous"]
    return over_seeds(pl.DataFrame(rows, schema=[*keys, "share"], orient="row"), keys, "share", bounds=SHARE)


def pairs(trainings: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Asynchronous less synchronous, paired over seeds: errors at equal wall-clock and at equal evaluations.

    Wall-clock is a share of the time that the asynchronous search of the seed took for all its evaluations. Anytime
    regret is the mean error over time, or over evaluations; the best possible error is the same on both sides. The
    quantity "time" is how many times as long the synchronous search took for as many evaluations.
    """
    for (table, workers), both in trainings.group_by("table", "workers", maintain_order=True):
        if workers == 1:
            continue
        found: dict[tuple[str, float], list[tuple[float, float]]] = {}
        for _, seed in both.group_by("seed", maintain_order=True):
            ways = [seed.filter(synchronous=way).sort("order") for way in (False, True)]
            ended = [way["ended"].to_numpy() for way in ways]
            best = [np.minimum.accumulate(way["error"].to_numpy().astype(np.float64)) for way in ways]
            end, total = float(ended[0][-1]), len(best[0])
            begin = max(float(each[0]) for each in ended)
            times = np.linspace(begin, end, 1000)
            values = {("equal wall-clock", moment): _at(ended, best, np.array([moment * end])) for moment in MOMENTS}
            values["anytime, wall-clock", 1.0] = _at(ended, best, times)
            values |= {
                ("equal evaluations", share): [each[int(share * total) - 1] for each in best] for share in MOMENTS
            }
            values["anytime, evaluations", 1.0] = best
            values["time", 1.0] = [np.array(1.0), np.array(float(ended[1][-1]) / end)]
            for quantity, (one, other) in values.items():
                found.setdefault(quantity, []).append((float(np.mean(one)), float(np.mean(other))))
        for (quantity, at), numbers in found.items():
            one, other = np.array(numbers).T
            turned = (other, 0 * one) if quantity == "time" else (one, other)
            yield {"table": table, "workers": workers, "quantity": quantity, "at": at, **_difference(*turned)}


def against_one(trainings: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Asynchronous searches less that of one worker, whose every choice knows all before it, at equal evaluations."""
    for (table,), own in trainings.filter(synchronous=False).group_by("table", maintain_order=True):
        runs = {
            names: np.minimum.accumulate(run.sort("order")["error"].to_numpy().astype(np.float64))
            for names, run in own.group_by("workers", "seed", maintain_order=True)
        }
        seeds = sorted({seed for _, seed in runs})
        for workers in sorted({workers for workers, _ in runs if workers > 1}):
            one = np.array([runs[1, seed] for seed in seeds])
            several = np.array([runs[workers, seed] for seed in seeds])[:, : one.shape[1]]
            facts = {"table": table, "workers": workers, "at": 1.0}
            yield {**facts, "quantity": "one worker", **_difference(several[:, -1], one[:, -1])}
            yield {**facts, "quantity": "anytime, one worker", **_difference(several.mean(axis=1), one.mean(axis=1))}


def _at(ended: list[np.ndarray], best: list[np.ndarray], times: np.ndarray) -> list[np.ndarray]:
    """The best error of each way at some times; before its first training ended, that of the first."""
    return [
        errors[np.maximum(np.searchsorted(moments, times, side="right") - 1, 0)]
        for moments, errors in zip(ended, best, strict=True)
    ]


def _difference(one: np.ndarray, other: np.ndarray) -> dict[str, object]:
    found = paired_difference(one, other)
    ends = {name: value if np.isfinite(value) else None for name, value in (("low", found.low), ("high", found.high))}
    return {"difference": found.mean, **ends, "pairs": found.pairs, "nonzero": found.nonzero}


def curves_of(trainings: pl.DataFrame) -> pl.DataFrame:
    """The best error evaluated so far against time, mean over seeds, while every asynchronous search still runs."""
    rows = []
    for (table, workers), both in trainings.group_by("table", "workers", maintain_order=True):
        if workers == 1:
            continue
        runs = both.sort("order").partition_by("synchronous", "seed", maintain_order=True, as_dict=True)
        end = min(float(run["ended"][-1]) for (way, _), run in runs.items() if not way)
        begin = max(float(run["ended"][0]) for run in runs.values())
        times = np.linspace(begin, end, GRID)
        for (way, seed), run in runs.items():
            best = np.minimum.accumulate(run["error"].to_numpy().astype(np.float64))
            (errors,) = _at([run["ended"].to_numpy()], [best], times)
            hours = (times / 3600).tolist()
            rows += [(table, workers, way, at, seed, error) for at, error in zip(hours, errors.tolist(), strict=True)]
    names = ["table", "workers", "synchronous", "hours", "seed", "error"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return over_seeds(frame, names[:4], "error", bounds=SHARE)


def drawn(curves: pl.DataFrame) -> Figure:
    """A row of panels a table, a panel a number of workers."""
    tables, workers = (curves[name].unique(maintain_order=True).to_list() for name in ("table", "workers"))
    caption = """Mean of the best error evaluated so far (evaluation column), 95 % t interval over seeds, against the
    time of the simulated cluster, as long as every asynchronous search runs."""
    size = (3.6 + 3.1 * len(workers), 1.4 + 2.6 * len(tables))
    title = "The same workers, in batches or each as soon as it is free"
    figure = new_figure(*size, title=title, caption=caption, grid=(len(tables), len(workers)))
    panels = figure.subplots(len(tables), len(workers), squeeze=False)
    for table, line in zip(tables, panels, strict=True):
        for number, axes in zip(workers, line, strict=True):
            for way, (label, look) in WAYS.items():
                own = curves.filter(table=table, workers=number, synchronous=way)
                axes.plot(own["hours"], 100 * own["mean"], color=look.colour, label=label, linewidth=1.6)
                draw_band(axes, own, "hours", color=look.colour, alpha=0.16, scale=100)
            late = curves.filter((pl.col("table") == table) & (pl.col("hours") > own["hours"].max() / 6))
            axes.set_ylim(top=100 * late["high"].max())
            axes.set_title(f"{TITLES[table]}, {number} workers", loc="left", fontsize=points(9.5))
            tidy_axes(axes)
        line[0].set_ylabel("error, %")
    for axes in panels[-1]:
        axes.set_xlabel("hours")
    legend_beside(figure, panels[0][0])
    return figure


def transfers(searched: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Searches with a prior less those without, paired over seeds.

    Quantities: "error", of the best evaluated after `at` evaluations; and "saved", how many evaluations fewer it takes
    to reach the mean error that searches without a prior have after `at` evaluations. A search that does not reach it
    counts as if it did with its last evaluation; `unreached` has how many did not, with and without.
    """
    for (table,), of_table in searched.group_by("table", maintain_order=True):
        runs = {
            names: np.minimum.accumulate(run.sort("order")["error"].to_numpy().astype(np.float64))
            for names, run in of_table.group_by("source", "share", "seed", maintain_order=True)
        }
        seeds = sorted({seed for _, _, seed in runs})
        cold = np.array([runs["none", 0.0, seed] for seed in seeds])
        for source, share in dict.fromkeys((source, share) for source, share, _ in runs):
            if source == "none":
                continue
            warm = np.array([runs[source, share, seed] for seed in seeds])
            facts = {"table": table, "source": source, "share": share}
            for at in [at for at in AFTER if at <= cold.shape[1]]:
                yield {**facts, "quantity": "error", "at": at, **_difference(warm[:, at - 1], cold[:, at - 1])}
            for at in GOALS:
                goal = cold[:, at - 1].mean()
                needed = [np.minimum((each > goal).sum(axis=1) + 1, each.shape[1]) for each in (cold, warm)]
                missed = sum(int((each[:, -1] > goal).sum()) for each in (cold, warm))
                yield {**facts, "quantity": "saved", "at": at, **_difference(*needed), "unreached": missed}
