"""Uncertainty over runs: whole seeds count, never single evaluations, which are not independent in a run.

Intervals over seeds are t intervals, because a percentile bootstrap of few seeds covers too little (.82 at 5 seeds
instead of .95); `perf/coverage.py` measures it. Runs that are all alike have no interval: no width would be a claim.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int, Shaped
from scipy.special import betaincinv, expit, logit, stdtrit

from predictornas.errors import DataError

LEVEL = 0.95
"""Coverage of every interval in this package."""

TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""The two quantiles that bound an interval of that coverage."""

FEWEST_DIFFERENCES = 10
"""Seeds in which two methods must differ before a verdict on them (ours); ties say nothing about the spread."""

_TIE = 1e-12  # means of the same numbers may differ by their rounding

Numbers = Shaped[np.ndarray, "..."] | np.number | int | float
"""A number, or an array that broadcasts against the other arguments."""

Bounds = tuple[float, float]
"""The values between which a quantity lies: `SHARE`, `CORRELATION`, `POSITIVE`, or others."""

SHARE: Bounds = (0.0, 1.0)
"""Bounds of errors, accuracies and shares, as fractions."""

CORRELATION: Bounds = (-1.0, 1.0)
"""Bounds of correlations, Kendall's tau among them."""

POSITIVE: Bounds = (0.0, math.inf)
"""Bounds of costs, ratios and whatever else has no upper end."""


@dataclass(frozen=True)
class Difference:
    """A paired comparison of two methods on the same seeds.

    Attributes:
        mean: mean of a - b over the pairs.
        low: lower end of its 95 % t interval; NaN where all differences are equal.
        high: upper end, likewise.
        pairs: number of seeds.
        nonzero: number of seeds in which the methods differ.
    """

    mean: float
    low: float
    high: float
    pairs: int
    nonzero: int

    @property
    def decisive(self) -> bool:
        """Whether a verdict may rest on it: `FEWEST_DIFFERENCES` seeds differ, and not all by the same amount."""
        return self.nonzero >= FEWEST_DIFFERENCES and math.isfinite(self.low)


def t_interval(
    values: Float[np.ndarray, "r *rest"], *, bounds: Bounds | None = None
) -> tuple[Float[np.ndarray, "*rest"], Float[np.ndarray, "*rest"]]:
    """95 % t interval of the mean over runs.

    Args:
        values: `(r, ...)` one entry a run along the first axis.
        bounds: of the quantity, see `around`.

    Returns:
        Both ends, `(...)`; NaN where all runs are equal.

    Raises:
        DataError: fewer than two runs, from which no spread can be estimated, or values beyond the bounds.
    """
    _require_pairs(len(values), 2)
    largest = np.abs(values).max(axis=0)
    spread = np.where(np.ptp(values, axis=0) > _TIE * largest, values.std(axis=0, ddof=1), np.nan)
    return around(values.mean(axis=0), spread / math.sqrt(len(values)), len(values) - 1, bounds)


def around(
    centre: Numbers,
    error: Numbers,
    freedom: Numbers,
    bounds: Bounds | None = None,
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """95 % interval around an estimate with a standard error: this is where every interval over seeds comes from.

    Bounded quantities are taken to a scale without ends, where the t interval has its place, and back: the logit of
    the place between the bounds (which for a correlation is Fisher's z, doubled), or the logarithm of the distance from
    the lower bound where there is no upper one. The standard error goes with it by its slope at the estimate, so single
    runs may sit on a bound. An interval never leaves the bounds.

    Args:
        centre: estimates.
        error: their standard errors; none where it is 0 or NaN.
        freedom: degrees of freedom, >= 1.
        bounds: of the quantity; None where it has none.

    Returns:
        Both ends, of the broadcast shape; NaN where there is no standard error.

    Raises:
        DataError: an estimate beyond the bounds.
    """
    half = stdtrit(np.maximum(freedom, 1), TAILS[1]) * np.where(np.asarray(error) > 0, error, np.nan)
    if bounds is None:
        return np.asarray(centre - half), np.asarray(centre + half)
    lower, upper = bounds
    if np.any(centre < lower) or np.any(centre > upper):
        raise DataError(
            f"Mean values from {np.min(centre)} to {np.max(centre)} do not lie in {bounds}. Name the bounds."
        )
    with np.errstate(divide="ignore", invalid="ignore"):  # an estimate on a bound has no spread either
        if math.isinf(upper):
            above = centre - lower
            return np.asarray(lower + above * np.exp(-half / above)), np.asarray(lower + above * np.exp(half / above))
        place, width = (centre - lower) / (upper - lower), upper - lower
        # the slope of the logit at p is 1 / (p (1 - p))
        step = half / (width * place * (1 - place))
        low, high = (np.asarray(lower + width * expit(logit(place) + side)) for side in (-step, step))
        return low, high


def left_out(runs: int) -> Int[np.ndarray, "r r"]:
    """How often each run counts when each is left out in turn: a row of ones with one zero for each run."""
    return 1 - np.eye(runs, dtype=np.int64)


def jackknife_interval(
    estimate: Float[np.ndarray, " j"], without: Float[np.ndarray, "r j"], counting: Int[np.ndarray, " j"]
) -> tuple[Float[np.ndarray, " j"], Float[np.ndarray, " j"]]:
    """95 % t interval of an estimate that is no mean, with its jackknife error (Efron & Tibshirani 1993, ch. 11).

    Args:
        estimate: from all runs.
        without: `without[i]` is the estimate without run i, as from `left_out`.
        counting: runs that each estimate rests on; degrees of freedom are one fewer.

    Returns:
        Both ends; NaN with fewer than two such runs, or where leaving out a run changes nothing.
    """
    runs = len(without)
    spread = np.where(np.ptp(without, axis=0) > _TIE * np.abs(without).max(axis=0), without.std(axis=0), np.nan)
    # its variance is (r - 1) / r times a sum of squares, so (r - 1) times numpy's variance, which divides by r
    error = np.where(counting >= 2, math.sqrt(runs - 1) * spread, np.nan)
    return around(estimate, error, np.asarray(counting - 1))


def bootstrap_interval(
    values: Float[np.ndarray, "r ..."],
    *,
    statistic: Callable[[Float[np.ndarray, "r ..."]], float] | None = None,
    resamples: int = 1000,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a statistic over many units, such as the 150 cells of a sample.

    Not for seeds: of 5 to 20 of them it covers too little.

    Args:
        values: `(r, ...)` one entry a unit along the first axis; all that belongs to a unit is drawn together.
        statistic: from resampled values of the same shape to a number; the mean of all entries by default.
        resamples: number of bootstrap resamples.
        rng: the only source of randomness.

    Raises:
        DataError: fewer than two units, from which no spread can be estimated.
    """
    _require_pairs(len(values), 2)
    rows = rng.integers(len(values), size=(resamples, len(values)))
    drawn = values[rows]
    found = drawn.reshape(resamples, -1).mean(axis=1) if statistic is None else [statistic(one) for one in drawn]
    low, high = np.quantile(found, TAILS)
    return float(low), float(high)


def share_interval(successes: int, runs: int) -> tuple[float, float]:
    """95 % interval of a share of runs, exact (Clopper and Pearson 1934): it covers at least so often.

    The only one that says something where no run, or every run, is a success: after none of 20 the share may be 17 %.

    Args:
        successes: runs that are.
        runs: of all, at least one.

    Raises:
        DataError: no run, or more successes than runs.

    Example:
        >>> from predictornas.analysis.statistics import share_interval
        >>> [round(end, 3) for end in share_interval(7, 20)]
        [0.154, 0.592]
    """
    if not 0 <= successes <= runs or runs < 1:
        raise DataError(f"{successes} of {runs} runs is no share. Count runs that there are.")
    low = float(betaincinv(successes, runs - successes + 1, TAILS[0])) if successes else 0.0
    high = float(betaincinv(successes + 1, runs - successes, TAILS[1])) if successes < runs else 1.0
    return low, high


def paired_difference(a: Float[np.ndarray, " r"], b: Float[np.ndarray, " other"]) -> Difference:
    """Mean of a - b over seeds with a 95 % t interval of the pairs.

    Pairing removes what the two methods share through the seed (their T0), so the interval is narrower than that of
    two independent means.

    Args:
        a: `(r,)` one value a seed.
        b: `(r,)` the other method's value at the same seeds, in the same order.

    Raises:
        DataError: the numbers of seeds differ, or are below two.
    """
    _require_pairs(min(len(a), len(b)), max(2, len(a), len(b)))
    differences = a - b
    low, high = t_interval(differences)
    return Difference(
        float(differences.mean()), float(low), float(high), len(a), int(np.count_nonzero(np.abs(differences) > _TIE))
    )


def over_seeds(frame: pl.DataFrame, by: Sequence[str], value: str, *, bounds: Bounds | None = None) -> pl.DataFrame:
    """Mean, standard deviation and 95 % t interval of `value` over the runs of each group.

    The one function for summaries over seeds, of bounded quantities too: `over_seeds(frame, by, "tau",
    bounds=CORRELATION)` gives intervals that stay in [-1, 1], see `around`. Null values are left out. `low` and `high`
    are null for a single run (as is `std`) and where all runs are equal.

    Args:
        frame: one row a run and group.
        by: columns that name a group.
        value: column that is summarised.
        bounds: of the quantity, such as `SHARE`; None where it has none.

    Returns:
        The columns `by`, then `mean`, `std` (with r - 1), `low`, `high`, `runs`; groups in order of appearance.

    Raises:
        DataError: values beyond the bounds.
    """
    present = frame.filter(pl.col(value).is_not_null())
    column = pl.col(value)
    summary = present.group_by(by, maintain_order=True).agg(
        mean=column.mean(),
        std=column.std(),
        runs=pl.len().cast(pl.Int64),
        differ=column.max() - column.min() > _TIE * column.abs().max(),
    )
    runs = summary["runs"].to_numpy()
    spread = np.where(
        summary["differ"].to_numpy(), summary["std"].cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan
    )
    low, high = around(
        summary["mean"].cast(pl.Float64).to_numpy(), spread / np.sqrt(np.maximum(runs, 1)), runs - 1, bounds
    )
    ends = {name: pl.Series(end, dtype=pl.Float64).fill_nan(None) for name, end in (("low", low), ("high", high))}
    return summary.select(*by, "mean", "std", **ends, runs=pl.col("runs"))


def _require_pairs(given: int, needed: int) -> None:
    if given < needed:
        raise DataError(
            f"{given} runs were given and {needed} are needed (at least two, and as many on both sides of a pair). "
            "Run more seeds, or compare the seeds that both methods have."
        )
