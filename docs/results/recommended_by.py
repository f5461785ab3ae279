"""Whether another process would recommend better what runs of `bayesian-optimisation` evaluated on NAS-Bench-101.

    python docs/results/recommended_by.py FRESH

Writes recommendations/variants.csv: of each variant the mean evaluation error of what it names after 150 evaluations,
and the difference to what the search names, which is the first row, with a 95 % interval over the runs; for the
published runs, and for those that `predictornas gain` left in FRESH (see fresh_searches.py), which confirm or do not.
A variant has other targets than normal scores, the tuned variance of the noise times a factor, or names by a lower
bound. A minute.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas import runs
from predictornas.analysis.statistics import over_seeds
from predictornas.normal_scores import normal_scores
from predictornas.predictors.process.graph_views import Scaling, raw_views
from predictornas.predictors.process.matern import Regression, tuned
from predictornas.predictors.studied import fast_gp
from predictornas.spaces.registry import get_space
from predictornas.studies.tidy_tables import write_table

STUDY, TABLE, METHOD, EVALUATIONS = "search/nasbench101", "nasbench101", "bayesian-optimisation", 150
KEYS = ("targets", "noise", "by")
FACTORS = (1, 4, 16)
"""Of the noise."""


def cut(share: float) -> Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]:
    """Standardised values, the lowest of them brought up to the others."""

    def targets(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        kept = np.maximum(values, np.quantile(values, share))
        standardised: Float[np.ndarray, " n"] = (kept - kept.mean()) / kept.std()
        return standardised

    return targets


TARGETS = {
    "normal scores": normal_scores,
    **{f"values, the lowest {share:.0%} alike": cut(share) for share in (0.2, 0.5, 0.6, 0.7)},
}


def named(genes: np.ndarray, values: Float[np.ndarray, " n"]) -> Iterator[tuple[tuple[str, int, str], int]]:
    """Each variant, and the row of what it recommends."""
    process = fast_gp()
    views = raw_views(get_space(TABLE), genes, width=process.width, seed=process.flow_seed)
    inputs = Scaling(views)(views)
    for target, targets_of in TARGETS.items():
        targets = targets_of(values)
        found = tuned(inputs, targets)
        for factor in FACTORS:
            posterior = Regression(inputs, targets, replace(found, noise=factor * found.noise))
            mean = posterior.mean(inputs)
            yield (target, factor, "mean"), int(mean.argmax())
            yield (target, factor, "mean - std"), int((mean - posterior.std(inputs)).argmax())


def differences(history: pl.DataFrame, runs_are: str) -> pl.DataFrame:
    """The table of one set of runs."""
    rows: list[dict[str, Any]] = []
    for (seed,), run in history.filter(pl.col("order") < EVALUATIONS).group_by("seed", maintain_order=True):
        errors = 1 - run["evaluation"].to_numpy()
        genes = np.array(run["genes"].to_list(), np.int8)
        for variant, row in named(genes, run["value"].to_numpy()):
            rows.append(dict(zip(KEYS, variant, strict=True)) | {"seed": seed, "error": float(errors[row])})
    every = pl.DataFrame(rows)
    first = every.filter(targets=next(iter(TARGETS)), noise=1, by="mean").select("seed", base="error")
    every = every.join(first, on="seed", maintain_order="left")
    every = every.with_columns(difference=pl.col("error") - pl.col("base"))
    summary = over_seeds(every, KEYS, "difference").drop("std").rename({"mean": "difference"})
    means = every.group_by(KEYS, maintain_order=True).agg(pl.col("error").mean())
    joined = means.join(summary, on=KEYS, maintain_order="left")
    return joined.select(pl.lit(runs_are).alias("runs_are"), *KEYS, "error", "difference", "low", "high", "runs")


def main(fresh: Path) -> None:
    """Both sets of runs."""
    published = runs.load(study=STUDY, method=METHOD).sort("seed", "order")
    again = pl.read_parquet(fresh / TABLE / "history.parquet").filter(method=METHOD).sort("seed", "order")
    table = pl.concat([differences(published, "published"), differences(again, "fresh")])
    write_table(Path(__file__).parent / "recommendations" / "variants.csv", table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
