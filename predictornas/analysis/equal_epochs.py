"""How much better one method is than another after the same number of epochs, paired over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from predictornas.analysis.epochs import errors_after
from predictornas.analysis.statistics import paired_difference
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
        method is better), `low`, `high` (95 % t interval), `pairs` (seeds; fewer than two make no row), `nonzero` (in
        how many of them the two differ).

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
    both = long.filter(pl.col("method") != reference).join(
        own, on=["seed", "cost_epochs", "trace"], suffix="_reference"
    )
    rows = []
    for key, pairs in both.sort("method", "trace", "cost_epochs", "seed").group_by(
        "method", "trace", "cost_epochs", maintain_order=True
    ):
        if len(pairs) > 1:
            facts = {"method": key[0], "reference": reference, "trace": key[1], "at": int(key[2])}
            found = paired_difference(pairs["error"].to_numpy(), pairs["error_reference"].to_numpy())
            rows.append({**facts, **vars(found)})
    return pl.DataFrame(rows, schema=_SCHEMA).rename({"mean": "difference"})


_SCHEMA = {
    **dict.fromkeys(("method", "reference", "trace"), pl.String),
    "at": pl.Int64,
    **dict.fromkeys(("mean", "low", "high"), pl.Float64),
    **dict.fromkeys(("pairs", "nonzero"), pl.Int64),
}
