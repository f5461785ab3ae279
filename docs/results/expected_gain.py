"""Sets gains that were expected beside those that were measured afterwards; nothing is run here."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
from nosh_comparisons import LADDERS, SIGNALS
from scipy.special import ndtri
from scipy.stats import kendalltau, rankdata

from predictornas.analysis.early_stopping import boundary, expected_saving, halving_saving
from predictornas.analysis.gain import gain_table
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.plots.expected import draw_expected
from predictornas.plots.savings import draw_savings
from predictornas.studies.expected.rehearsal import Effort, Rehearsal, rehearsable
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import named_errors
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

CALIBRATED = "nasbench201-cifar10"
"""The table on which the number of rounds was chosen."""

DEGRADED = "nasbench201-full-cifar10"

TARGETS = ("top 0.1 %", "top 1 %")
"""As `predictornas expect` names them, the one that fewest architectures reach first."""


def renew(folder: Path, out: Path) -> None:
    """Writes `comparison.csv` and its figure.

    Args:
        folder: `docs/results/expected-gain`.
        out: where the files go.
    """
    table = comparison(folder)
    write_table(out / "comparison.csv", table)
    drawn = table.filter(pl.col("resolved"))
    figure = draw_expected(
        drawn,
        title="Gains that were expected, and what searches then showed",
        caption="Each point is a method on a table: expected from few fits before its searches were run, and measured "
        "over 12 of them with seeds that nothing else has. Bars: 95 % over seeds. Band: 1 dB. Targets that no search "
        "reached are left out.",
    )
    write_figures(out, {"comparison": figure}, Pictures(("png",)))


def _gains(table: str, history: pl.DataFrame) -> pl.DataFrame:
    """The pooled gains of a history."""
    opened = open_study(Study(benchmark=table))
    rng = np.random.default_rng(0)
    return gain_table(history, opened.errors, opened.targets, estimators=("pooled",), rng=rng)


def renew_rounds(out: Path) -> None:
    """Writes `rounds.csv`: the gain that is expected after each round, beside what a committed study measured.

    Every round has searches of the method itself here. It takes a quarter of an hour of a core.

    Args:
        out: where the file goes.
    """
    methods, budget = ("exhaustive", "evolutionary-1000", "uniform-1000"), 150
    study = Study(benchmark=CALIBRATED, methods=methods, budget=budget, preset="default")
    opened = open_study(study)
    measured = pl.read_csv(out.parent / "efficient-sampling" / CALIBRATED / "gain.csv", infer_schema_length=None)
    rows: list[dict[str, object]] = []
    for method in methods:
        rehearsal = Rehearsal(opened, rehearsable(method, opened.strategy(method)), budget, Effort(), seed=5)
        fits = rehearsal.first_round(lambda _: None)
        for count in range(1, 5):
            history, _ = rehearsal.histories(fits, method)
            found = gain_table(
                history, opened.errors, opened.targets, estimators=("pooled",), rng=np.random.default_rng(0)
            )
            for target, error in zip(TARGETS, named_errors(opened.errors).values(), strict=True):
                at = pl.col("target_error") == error
                shown = measured.filter(at, method=method, estimator="pooled")["gain_db"].item()
                expected = found.filter(at)["gain_db"].item()
                rows.append(
                    {
                        "method": method,
                        "round": count,
                        "target": target,
                        "expected_db": expected,
                        "measured_db": shown,
                    }
                )
            fits = rehearsal.next_round(fits, lambda _: None)
    write_table(out / "rounds.csv", pl.DataFrame(rows))


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
        normal = np.stack([ndtri((rankdata(level) - 0.5) / len(values)) for level in values.T], axis=1)
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


def comparison(folder: Path) -> pl.DataFrame:
    """One row a table, method and target with a name, for all that was measured.

    Args:
        folder: holds `expected/TABLE/expected.csv` and `measured/TABLE/history.parquet`.
    """
    parts = []
    for measured in sorted(folder.glob("measured/*/history.parquet")):
        name = measured.parent.name
        expected = pl.read_csv(folder / "expected" / name / "expected.csv", infer_schema_length=None)
        named = expected.filter(pl.col("law_db").is_not_null())["target_error"].unique().sort().to_list()
        targets = pl.DataFrame({"target_error": named, "target": TARGETS})
        found = _gains(name, pl.read_parquet(measured))
        keys = ["method", "target_error"]
        both = expected.join(targets, on="target_error", maintain_order="left").join(
            found.select(*keys, "gain_db", "low", "high", "resolved", "runs"),
            on=keys,
            suffix="_measured",
            maintain_order="left",
        )
        sampler, predictor = (pl.col("method").str.split("@").list.get(place) for place in (0, 1))
        parts.append(
            both.select(
                pl.lit(name).alias("table"),
                "method",
                predictor.alias("predictor"),
                sampler.alias("sampler"),
                "target",
                "table_hits",
                expected_db="gain_db",
                expected_low="low",
                expected_high="high",
                law_db="law_db",
                sampler_db="sampler_db",
                predictor_db="predictor_db",
                measured_db="gain_db_measured",
                measured_low="low_measured",
                measured_high="high_measured",
                runs="runs_measured",
                resolved=pl.col("resolved") & pl.col("resolved_measured"),
                error_db=pl.col("gain_db") - pl.col("gain_db_measured"),
                law_error_db=pl.col("law_db") - pl.col("gain_db_measured"),
            )
        )
    return pl.concat(parts)
