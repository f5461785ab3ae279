"""Sets what early stopping was expected to save beside what it saved: of halvings, pilots and committed searches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
from nosh_comparisons import LADDERS, SIGNALS
from scipy.stats import kendalltau

from predictornas.analysis.early_stopping import (
    agreement_saving,
    boundary,
    chosen_saving,
    expected_saving,
    halving_saving,
    saving_from_pilot,
)
from predictornas.analysis.level_copula import level_correlations, restricted
from predictornas.analysis.statistics import t_interval
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.normal_scores import normal_scores
from predictornas.plots.savings import draw_savings
from predictornas.schedulers.rungs import Promotions
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch
from predictornas.seeding import rng_for
from predictornas.studies.expected.schedulers import scores_of_fit
from predictornas.studies.gain.manifest import read_manifest, study_in
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.tidy_tables import write_table

RATIOS = tuple(Fraction(percent, 100) for percent in (10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90))
"""Shares that are promoted."""

CANDIDATES = (60, 200, 800)
"""Candidates that a halving begins with, at most a third of a table."""

DRAWN = 200
"""Those of the figure."""

SURVIVORS = 3
"""Candidates that are left in the end at least; with fewer there is no best of them."""

TAUS = (0.6, 0.45, 0.3, 0.2)
"""Rank correlations to which a first level is degraded with noise."""

DEGRADED = "nasbench201-full-cifar10"

PILOT = 30
"""Architectures of a pilot."""

PILOTS = 200
"""Of each ladder; an eighth of them with an interval."""

SEARCHED = {
    "digits": (("rank-nosh-30", 180), ("rank-nosh-50", 180), ("rank-nosh-70", 180)),
    "nasbench201": (("rank-nosh-30", 6000), ("rank-nosh-50", 6000), ("rank-nosh-70", 6000)),
    "val30k": (("rank-nosh-30", 2160), ("rank-nosh-50", 2160), ("rank-nosh-70", 2160)),
}
"""Committed searches with RANK-NOSH, and epochs at which the document says what they saved."""

THIRDS = ((0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1))
"""Of a run."""

FITS = 20
"""Of their predictor."""


def renew_savings(out: Path) -> None:
    """Writes `savings.csv` and `boundaries.csv`: what halvings save, expected and measured.

    Args:
        out: where the files go.
    """
    table = savings()
    write_table(out / "savings.csv", table)
    write_table(out / "boundaries.csv", boundaries(table))
    draw(out)


def draw(out: Path) -> None:
    """Draws `savings.csv`.

    Args:
        out: where it lies and the figure goes.
    """
    shown = pl.read_csv(out / "savings.csv").filter(candidates=DRAWN)
    degraded = pl.col("table").str.contains(", tau")
    paid = pl.when("resumes").then(pl.lit("")).otherwise(pl.lit(", anew"))
    table = shown.with_columns(
        group=pl.when(degraded).then(pl.lit(f"{DEGRADED}, noise added")).otherwise(pl.lit("tables as they are")),
        ladder=pl.when(degraded)
        .then(pl.col("table").str.extract("(tau.*)"))
        .otherwise(pl.format("{}\n{}{}", "table", "levels", paid)),
    )
    figure = draw_savings(
        table,
        title=f"What successive halving of {DRAWN} random candidates saves",
        caption="Lines: expected, the nominal bound times the chance that the best survive. Markers: measured, 1,000 "
        "halvings beside as many full trainings as end equally well. Dashed: 1.5 times. Anew: longer trainings do not "
        "continue shorter ones. tau: rank correlation of the first level with the last.",
    )
    write_figures(out, {"savings": figure}, Pictures(("png",)))


def savings(runs: int = 1000) -> pl.DataFrame:
    """One row a ladder, share and number of candidates.

    Args:
        runs: halvings of each.
    """
    rows = []
    for name, levels, resumes, values in ladders():
        taus = [float(kendalltau(level, values[:, -1]).statistic) for level in values.T[:-1]]
        for candidates in CANDIDATES:
            for ratio in RATIOS:
                if candidates * 3 > len(values) or candidates * ratio ** (len(levels) - 1) < SURVIVORS:
                    continue
                found = expected_saving(values, levels, ratio=ratio, candidates=candidates, resumes=resumes)
                rng = np.random.default_rng([candidates, ratio.numerator])
                measured = halving_saving(
                    values, levels, ratio=ratio, candidates=candidates, resumes=resumes, runs=runs, rng=rng
                )
                rows.append(
                    {
                        "table": name,
                        "levels": "/".join(map(str, levels)),
                        "resumes": resumes,
                        "tau": taus[0],
                        "candidates": candidates,
                        "ratio": float(ratio),
                        "nominal": found.nominal,
                        "survival": found.survival,
                        "expected": found.factor,
                        "measured": measured,
                    }
                )
    return pl.DataFrame(rows)


def boundaries(table: pl.DataFrame) -> pl.DataFrame:
    """The largest share up to which each ladder saves 1.5 times, expected and measured.

    Args:
        table: of `savings`.
    """
    keys = ["table", "levels", "resumes", "candidates"]
    parts = []
    for key, own in table.sort("ratio").group_by(keys, maintain_order=True):
        ratios = own["ratio"].to_list()
        ends = {name: boundary(ratios, own[name].to_list()) for name in ("expected", "measured")}
        parts.append(dict(zip(keys, key, strict=True)) | ends | {"shares": len(own)})
    return pl.DataFrame(parts).sort(keys)


def ladders() -> Iterator[tuple[str, tuple[int, ...], bool, np.ndarray]]:
    """Name, levels, whether trainings resume, and the values of every ladder: the tables', and degraded ones."""
    rng = np.random.default_rng(0)
    for name, levels, resumes in LADDERS:
        table = open_benchmark(name)
        columns = SIGNALS.get(name, tuple(f"valid_accuracy_{epochs}_run0" for epochs in levels))
        values = np.stack([table.column(column).worth(table.values(column)) for column in columns], axis=1)
        values = values[np.isfinite(values).all(axis=1)]
        normal = normal_scores(values)
        yield name, levels, resumes, normal + rng.uniform(0, 1e-9, normal.shape)  # no ties
        if name == DEGRADED:
            for tau in TAUS:
                yield f"{name}, tau {tau:g}", levels, resumes, _degraded(normal, tau, rng)


def _degraded(values: np.ndarray, tau: float, rng: np.random.Generator) -> np.ndarray:
    """The first level with as much noise as leaves it this rank correlation with the last."""
    noise, sample = rng.normal(size=len(values)), rng.choice(len(values), 3000, replace=False)

    def with_noise(spread: float) -> np.ndarray:
        return np.column_stack([values[:, 0] + spread * noise, values[:, -1]])

    low, high = 0.0, 20.0
    for _ in range(30):
        spread = (low + high) / 2
        found = kendalltau(*with_noise(spread)[sample].T).statistic
        low, high = (spread, high) if found > tau else (low, spread)
    return with_noise(high)


def renew_pilots(out: Path) -> None:
    """Writes `pilots.csv`: what pilots say of every ladder; four minutes of a core.

    Args:
        out: where the file goes and `savings.csv` lies.
    """
    write_table(out / "pilots.csv", pilots(pl.read_csv(out / "savings.csv")))


def pilots(measured: pl.DataFrame, count: int = PILOTS) -> pl.DataFrame:
    """One row a ladder and share: how far what pilots say is from what halvings saved.

    A pilot is halved as it is, its best five being the good ones, or gives the correlations of a Gaussian copula.

    Args:
        measured: of `savings`.
        count: pilots.
    """
    rows, seen = [], set()
    for name, levels, resumes, values in ladders():
        if (name, levels) in seen:  # S does not depend on whether trainings resume
            continue
        seen.add((name, levels))
        shown = measured.filter(pl.col("ratio").is_in([0.3, 0.5]), table=name, levels="/".join(map(str, levels)))
        own = shown.filter(pl.col("candidates") == min(DRAWN, shown["candidates"].max()), resumes=resumes)
        for row in own.iter_rows(named=True):
            asked = {"ratio": Fraction(row["ratio"]).limit_denominator(100), "resumes": resumes}
            found, plain, inside = [], [], []
            for pilot in range(count):
                rng = np.random.default_rng([pilot, int(100 * row["ratio"])])
                curves = values[rng.choice(len(values), PILOT, replace=False)]
                draws = 60 if pilot * 8 < count else 1
                candidates = row["candidates"]
                saving = saving_from_pilot(curves, levels, candidates=candidates, draws=draws, rng=rng, **asked)
                found.append(saving.factor)
                if PILOT * row["ratio"] ** (len(levels) - 1) >= 1:  # with fewer none is left
                    plain.append(expected_saving(curves, levels, candidates=PILOT, **asked).factor)
                if draws > 1:
                    inside.append(saving.between[0] <= row["measured"] <= saving.between[1])
            errors = {
                f"{how}_{name}": float(np.quantile(np.abs(np.array(factors) / row["measured"] - 1), part))
                if factors
                else None
                for how, factors in (("copula", found), ("plain", plain))
                for name, part in (("median", 0.5), ("most", 0.9))
            }
            facts = {key: row[key] for key in ("table", "levels", "ratio", "candidates", "nominal", "measured")}
            mean = {"copula_mean": float(np.mean(found)), "inside": float(np.mean(inside)), "intervals": len(inside)}
            rows.append(facts | errors | mean)
    return pl.DataFrame(rows)


def renew_chosen(folder: Path, out: Path) -> None:
    """Writes `chosen.csv`: who survives of those that a predictor chose; a minute of a core.

    Args:
        folder: `docs/results/nosh`.
        out: where the file goes.
    """
    found = pl.concat([chosen(folder / name, methods) for name, methods in SEARCHED.items()])
    write_table(out / "chosen.csv", found.fill_nan(None))


def chosen(folder: Path, methods: tuple[tuple[str, int], ...], fits: int = FITS) -> pl.DataFrame:
    """One row a method and column that judges: survival and saving, expected and measured.

    Args:
        folder: of a committed study with RANK-NOSH.
        methods: and epochs of full trainings beside which they saved.
        fits: of the predictor, on as many random architectures as the study's budget has full trainings.
    """
    study = study_in(read_manifest(folder) or {})
    opened = OpenedStudy(study, study.open())
    table, levels, resumes = opened.benchmark, opened.oracle.levels, opened.oracle.resumes
    names = [column.name for column in opened.oracle.signals.values()] + [table.evaluation]
    values = np.stack([table.column(name).worth(table.values(name)) for name in names], axis=1)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    normal = np.full(values.shape, np.nan)
    normal[rows] = normal_scores(values[rows])
    normal += np.random.default_rng(0).uniform(0, 1e-9, normal.shape)  # no ties
    history = pl.read_parquet(folder / "history.parquet")
    saved = pl.read_csv(folder / "savings.csv", infer_schema_length=None).filter(reference="rank-full", trace="best")
    assert study.budget_epochs is not None
    trainings, scores = study.budget_epochs // levels[-1], []
    found = []
    for method, at in methods:
        strategy = opened.strategy(method)
        assert isinstance(strategy, Scheduled)
        assert isinstance(strategy.strategy, PredictorSearch)
        assert isinstance(strategy.scheduler, Promotions)
        if not scores:  # the same predictor in all of them
            rngs = [rng_for(0, fit, "chosen") for fit in range(fits)]
            scores = [scores_of_fit(strategy.strategy.predictor, opened, rows, trainings, rng) for rng in rngs]
        trained = (
            history.filter(method=method)
            .group_by("seed", "key")
            .agg(pl.col("epochs").max(), came=pl.col("order").min())
            .sort("seed", "came")
        )
        asked = {
            "ratio": strategy.scheduler.ratio,
            "candidates": round(len(trained) / trained["seed"].n_unique()),
            "resumes": resumes,
        }
        measured = saved.row(by_predicate=(pl.col("method") == method) & (pl.col("at") == at), named=True)
        for judged, last in (("signal", len(levels) - 1), ("evaluation", len(levels))):
            columns = [*range(len(levels) - 1), last]
            own = normal[rows][:, columns]
            agree = np.mean([_with_scores(of_fit, own) for of_fit in scores], axis=0)
            share, rng = asked["candidates"] / len(rows), np.random.default_rng(0)
            by_table = chosen_saving(own, scores, levels, **asked)
            best = _best_two(trained.with_columns(row=table.rows(trained["key"].to_numpy())), normal[:, last])
            survived = best.with_columns(pl.col("epochs") == levels[-1])
            runs = survived.group_by("seed", maintain_order=True).agg(pl.col("epochs").mean())["epochs"].to_numpy()
            low, high = t_interval(runs, bounds=(0.0, 1.0))
            commonest, times = Counter(best["row"].to_list()).most_common(1)[0]
            thirds = [survived.filter(pl.col("place").is_between(*part, closed="left")) for part in THIRDS]
            found.append(
                {
                    "table": table.name,
                    "method": method,
                    "judged": judged,
                    "candidates": asked["candidates"],
                    "nominal": by_table.nominal,
                    "score_correlation": agree[0, -1],
                    "level_correlation": agree[1, -1],
                    "level_correlation_chosen": restricted(agree, share)[0, -1],
                    "random": expected_saving(own, levels, **asked).survival,
                    "random_copula": agreement_saving(agree[1:, 1:], levels, rng=rng, **asked).survival,
                    "chosen_copula": agreement_saving(agree, levels, chosen=share, rng=rng, **asked).survival,
                    "chosen": by_table.survival,
                    "chosen_low": by_table.low,
                    "chosen_high": by_table.high,
                    "measured": float(np.mean(runs)),
                    "measured_low": float(low),
                    "measured_high": float(high),
                    "first_third": thirds[0]["epochs"].mean(),
                    "last_third": thirds[-1]["epochs"].mean(),
                    "cells": best["row"].n_unique(),
                    "commonest": times / len(runs),
                    "commonest_first": float((normal[rows, 0] < normal[commonest, 0]).mean()),
                    "at": at,
                    "saved": measured["factor"],
                    "saved_low": measured["low"],
                    "saved_high": measured["high"],
                }
            )
    return pl.DataFrame(found, schema_overrides={"saved": pl.Float64})


def _with_scores(scores: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Correlations of a fit's scores, which come first, and of the levels."""
    known = np.isfinite(scores)
    return level_correlations(np.column_stack([scores[known], levels[known]]))


def _best_two(trained: pl.DataFrame, final: np.ndarray) -> pl.DataFrame:
    """The two best architectures of each run, with their place in it, from 0 to 1 in the order in which they came."""
    placed = trained.with_columns(
        place=(pl.col("came").rank("ordinal") - 1).over("seed") / pl.len().over("seed"),
        final=pl.Series(final[trained["row"].to_numpy()]),
    )
    return placed.sort("seed", "final", descending=[False, True]).group_by("seed", maintain_order=True).head(2)
