"""What the studies of schedulers say beside other studies: full trainings of other searches, and bounds.

Nothing is searched here: everything follows from histories and tables that are there.
"""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.epochs import epochs_table, savings
from predictornas.analysis.equal_epochs import differences_at
from predictornas.analysis.regret import incumbent_curves, oracle_errors
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.plots.convergence import draw_convergence
from predictornas.schedulers.rungs import nominal_saving
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tidy_tables import write_table

FULL = {
    "nasbench201": ("nasbench201-full-cifar10", (4000, 10_000, 12_000, 14_000, 16_000, 18_000, 20_000)),
    "digits": ("nasbench101-digits", (180, 270, 450, 600, 750, 900)),
}
"""By folder the study of the same table whose searches train everything, and epochs that they are looked at."""

GOALS = {"nasbench201": (10_000, 20_000), "digits": (450, 900)}
"""Epochs of 50 and 100 full trainings: what the others had by then has to be reached."""

REFERENCES = ("random", "regularised-evolution", "local-search", "bayesian-optimisation")
SHOWN = ("rank-nosh-30", "rank-nosh-50", "rank-nosh-70", "rank-full")

LADDERS = (
    ("nasbench101-digits", (1, 3, 9), True),
    ("nasbench101-digits-2", (1, 2, 4, 8, 16), True),
    ("nasbench201-full-cifar10", (12, 200), False),
    ("nasbench101-val30k", (4, 12, 36, 108), False),
    ("nasbench101-val30k", (4, 12, 36, 108), True),
)
"""Levels, and whether a longer training is paid the difference."""

SIGNALS = {
    "nasbench201-full-cifar10": ("valid_accuracy_12_run0", "valid_accuracy_200_run0"),
    "nasbench101-val30k": ("valid_accuracy_4", "valid_accuracy_12", "valid_accuracy_36", "valid_accuracy_108"),
    "nasbench101-digits": tuple(f"valid_accuracy_{epochs}_run0" for epochs in (1, 3, 9)),
    "nasbench101-digits-2": tuple(f"valid_accuracy_{epochs}_run0" for epochs in (1, 2, 4, 8, 16)),
}
"""What a search sees at each level."""


def renew(folder: Path) -> None:
    """Writes what the document of the schedulers reads in addition to the studies' own tables.

    Args:
        folder: `docs/results/nosh`.
    """
    write_table(folder / "bounds.csv", bounds())
    write_table(folder / "levels.csv", levels())
    for name, (table, at) in FULL.items():
        against_full(folder / name, folder.parent / "tables" / table, at)
    resumed(folder / "val30k")
    resumed(folder / "val30k-100", at=(5400, 10800))
    with_level_zero(folder / "level-0", at=(1000, 2000, 4000, 6000))


def bounds() -> pl.DataFrame:
    """The most that promotions can save, by levels, share and what a promotion is paid."""
    rows = [
        {"table": table, "levels": ", ".join(map(str, steps)), "resumes": resumes, "share": share}
        | {"nominal_saving": nominal_saving(steps, Fraction(share, 100), resumes=resumes)}
        for table, steps, resumes in LADDERS
        for share in (30, 50, 70)
    ]
    return pl.DataFrame(rows)


def levels() -> pl.DataFrame:
    """Kendall's tau of each level's signal with the evaluation, over all cells and over the better half by the signal.

    The second is what a promotion has to get right: who goes on among those that are any good.
    """
    rows = []
    for name, columns in SIGNALS.items():
        table = open_benchmark(name)
        judged, last = table.values(table.evaluation), table.values(table.signal)
        better = last >= np.nanmedian(last)
        for column in columns:
            for part, chosen in (("all", np.ones(len(table), bool)), ("better half", better)):
                seen = table.values(column)
                both = np.isfinite(seen) & np.isfinite(judged) & chosen
                tau = float(kendalltau(seen[both], judged[both]).statistic)
                rows.append({"table": name, "epochs": table.column(column).epochs, "of": part, "tau": tau})
    return pl.DataFrame(rows)


def against_full(folder: Path, full: Path, at: tuple[int, ...]) -> None:
    """`against.csv`, savings beside searches that train everything, and the figure `against`.

    Args:
        folder: of a study of schedulers.
        full: of a study of the same columns, counted in evaluations, of at least as many seeds.
        at: epochs that the searches trained.
    """
    own = pl.read_parquet(folder / "history.parquet").filter(pl.col("method").is_in(SHOWN))
    others = pl.read_parquet(full / "history.parquet").filter(pl.col("method").is_in(REFERENCES))
    history = pl.concat([own, others.filter(pl.col("seed").is_in(own["seed"].unique()))], how="diagonal")
    curves = incumbent_curves(history)
    parts = [savings(curves, reference, at=at, trace=trace) for reference in REFERENCES for trace in ("chosen", "best")]
    wanted = pl.col("method").is_in(SHOWN) & pl.col("at").is_in(GOALS[folder.name])
    write_table(folder / "against.csv", pl.concat(parts).filter(wanted))
    table = open_benchmark(full.name)
    oracles = oracle_errors(*(table.costs(column) for column in (table.signal, table.evaluation)))
    ends = epochs_table(curves, oracles)
    figure = draw_convergence(
        ends,
        oracles,
        axis="epochs",
        title="Schedulers beside full trainings of other searches",
        note=f"{table.name}: signal {table.signal}, evaluation {table.evaluation}. The longest trainings so far count.",
    )
    with TemporaryDirectory() as place:  # beside a figure comes a page of captions, which the document does not need
        save_figures(Path(place), lambda: {"against": figure}, Pictures(("png",)))
        shutil.copyfile(Path(place) / "against.png", folder / "against.png")


def resumed(folder: Path, *, at: tuple[int, ...] = (1080, 1512, 2160)) -> None:
    """`resumed.csv`: savings where a promotion is charged the difference, as if the table's lengths were one curve."""
    history = pl.read_parquet(folder / "history.parquet").sort("method", "seed", "order")
    before = pl.col("epochs").shift(1).over("run_id", "key").fill_null(0)
    curves = incumbent_curves(history.with_columns(cost_epochs=(pl.col("epochs") - before).cast(pl.Float64)))
    full = min(method for method in history["method"].unique() if method.startswith("rank-full"))
    parts = [savings(curves, full, at=at, trace=trace) for trace in ("chosen", "best")]
    write_table(folder / "resumed.csv", pl.concat(parts))


def with_level_zero(folder: Path, *, at: tuple[int, ...]) -> None:
    """`equal-epochs.csv`: each search with a level 0 less the one of the same predictor without, at equal epochs."""
    curves = incumbent_curves(pl.read_parquet(folder / "history.parquet"))
    parts = []
    for predictor in ("fast-gp", "fast-gcn"):
        own = curves.filter(pl.col("method").str.starts_with(f"{predictor} "))
        parts.append(differences_at(own, f"{predictor} no level 0", at=at))
    write_table(folder / "equal-epochs.csv", pl.concat(parts))
