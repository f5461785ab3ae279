"""Uncertainty over runs: whole seeds are resampled, never single evaluations, which are not independent in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.special import stdtrit

from predictornas.errors import DataError

LEVEL = 0.95
"""Coverage of every interval in this package."""

TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""The two quantiles that bound an interval of that coverage."""


@dataclass(frozen=True)
class Difference:
    """A paired comparison of two methods on the same seeds.

    Attributes:
        mean: mean of a - b over the pairs.
        low: lower end of its 95 % bootstrap interval.
        high: upper end.
        pairs: number of seeds.
    """

    mean: float
    low: float
    high: float
    pairs: int


def resampled_seeds(runs: int, resamples: int, rng: np.random.Generator) -> Int[np.ndarray, "b r"]:
    """How often each run is drawn in each bootstrap resample: `(resamples, runs)` counts, each row sums to `runs`."""
    return rng.multinomial(runs, np.full(runs, 1 / runs), size=resamples)


def bootstrap_interval(
    values: Float[np.ndarray, "r ..."],
    *,
    statistic: Callable[[Float[np.ndarray, "r ..."]], float] | None = None,
    resamples: int = 1000,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a statistic over runs.

    Args:
        values: `(r, ...)` one entry a run along the first axis; all that belongs to a run is drawn together.
        statistic: from resampled values of the same shape to a number; the mean of all entries by default.
        resamples: number of bootstrap resamples.
        rng: the only source of randomness.

    Raises:
        DataError: fewer than two runs, from which no spread can be estimated.
    """
    _require_pairs(len(values), 2)
    rows = rng.integers(len(values), size=(resamples, len(values)))
    drawn = values[rows]
    found = drawn.reshape(resamples, -1).mean(axis=1) if statistic is None else [statistic(one) for one in drawn]
    low, high = np.quantile(found, TAILS)
    return float(low), float(high)


def paired_difference(
    a: Float[np.ndarray, " r"], b: Float[np.ndarray, " other"], *, resamples: int = 1000, rng: np.random.Generator
) -> Difference:
    """Mean of a - b over seeds with a 95 % bootstrap interval that resamples pairs.

    Pairing removes what the two methods share through the seed (their T0), so the interval is narrower than that of
    two independent means.

    Args:
        a: `(r,)` one value a seed.
        b: `(r,)` the other method's value at the same seeds, in the same order.
        resamples: number of bootstrap resamples.
        rng: the only source of randomness.

    Raises:
        DataError: the numbers of seeds differ, or are below two.
    """
    _require_pairs(min(len(a), len(b)), max(2, len(a), len(b)))
    differences = a - b
    low, high = bootstrap_interval(differences, resamples=resamples, rng=rng)
    return Difference(float(differences.mean()), low, high, len(a))


def over_seeds(frame: pl.DataFrame, by: Sequence[str], value: str) -> pl.DataFrame:
    """Mean, standard deviation and 95 % t interval of `value` over the runs of each group.

    The t interval is closed and needs no random numbers, which suits curves with thousands of points; it is exact for
    normal means and close from about five runs on. Null values are left out; one run has null `low`, `high`, `std`.

    Returns:
        The columns `by`, then `mean`, `std` (with r - 1), `low`, `high`, `runs`; groups in order of appearance.
    """
    present = frame.filter(pl.col(value).is_not_null())
    summary = present.group_by(by, maintain_order=True).agg(
        mean=pl.col(value).mean(), std=pl.col(value).std(), runs=pl.len().cast(pl.Int64)
    )
    runs = summary["runs"].to_numpy()
    quantile = stdtrit(np.maximum(runs - 1, 1), TAILS[1])
    half = pl.col("std") * pl.Series(quantile / np.sqrt(runs), dtype=pl.Float64)
    return summary.select(
        *by, "mean", "std", low=pl.col("mean") - half, high=pl.col("mean") + half, runs=pl.col("runs")
    )


def _require_pairs(given: int, needed: int) -> None:
    if given < needed:
        raise DataError(
            f"{given} runs were given and {needed} are needed (at least two, and as many on both sides of a pair). "
            "Run more seeds, or compare the seeds that both methods have."
        )
