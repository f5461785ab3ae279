"""How much better one method is than another after the same number of epochs, paired over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from predictornas.analysis.epochs import errors_after
from predictornas.analysis.statistics import over_seeds
from predictornas.errors import ConfigurationError


def differences_at(
    curves: pl.DataFrame, reference: str, *, at: Sequence[int], traces: Sequence[str] = ("chosen", "best")
) -> pl.DataFrame:
    """The error of every method less that of a reference after equal epochs, over the seeds that both have.

    Args:
        curves: from `predictornas.analysis.regret.incumbent_curves`, of runs with a budget of epochs.
        reference: the method that the others are compared with.
        at: numbers of epochs, ascending.
        traces: which errors.

    Returns:
        `method`, `reference`, `trace`, `at`, `difference` (mean of method - reference, a fraction; below 0 where the
        method is better), `std`, `low`, `high` (95 % t interval over the pairs), `runs` (pairs).

    Raises:
        ConfigurationError: no run of the reference.
    """
    if reference not in curves["method"].unique():
        raise ConfigurationError(f"No run of {reference!r} is there to compare with. Run it, or name another method.")
    after = errors_after(curves, np.asarray(sorted(at), np.int64))
    long = after.unpivot(
        on=list(traces), index=["method", "seed", "cost_epochs"], variable_name="trace", value_name="error"
    ).drop_nulls("error")
    own = long.filter(method=reference).drop("method")
    pairs = long.filter(pl.col("method") != reference).join(
        own, on=["seed", "cost_epochs", "trace"], suffix="_reference"
    )
    pairs = pairs.with_columns(
        difference=pl.col("error") - pl.col("error_reference"),
        reference=pl.lit(reference),
        at=pl.col("cost_epochs").cast(pl.Int64),
    ).sort("method", "trace", "at", "seed")
    return over_seeds(pairs, ["method", "reference", "trace", "at"], "difference").rename({"mean": "difference"})
