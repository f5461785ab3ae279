"""The distribution of the error, by the signal, of what each method proposed (Mauch et al. 2020, fig. 2 and 6)."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.proposals import proposals_of
from predictornas.analysis.targets import sorted_errors
from predictornas.errors import ConfigurationError
from predictornas.quantity import ERROR, Quantity

WHOLE_TABLE = "whole table"
"""Name under which the search space itself stands among the methods."""


def distribution_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    *,
    bins: int = 60,
    upper: float | None = None,
    quantity: Quantity = ERROR,
) -> pl.DataFrame:
    """Histograms of the proposals' errors on the signal column, pooled over runs, on bins that all methods share.

    Bins are equally wide from the table's best error to `upper`. Tables have a long tail of architectures that fail to
    train (errors up to 90 %), so what lies above is counted rather than drawn.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        table_errors: `(n,)` costs of the signal in the whole table: 1 - accuracy, or a loss itself.
        bins: number of bins.
        upper: upper end of the last bin; the table's 90 % quantile by default, its worst error where nine in ten
            architectures have the best one.
        quantity: that of the signal.

    Returns:
        One row for each method (and `WHOLE_TABLE`, first) and bin: `method`, `error_low`, `error_high`, `density`
        (per unit of error, over all proposals, so it integrates to 1 - `clipped_share`), `clipped_share` (above
        `upper`), `median`, `proposals_total`, `runs` (0 for the table).

    Raises:
        DataError: history and table do not belong together.
        ConfigurationError: `upper` is not above the table's best error.
    """
    ordered = sorted_errors(table_errors)
    end = float(np.quantile(ordered, 0.9)) if upper is None else upper
    if upper is None and end <= ordered[0]:
        end = float(ordered[-1])
    if end <= ordered[0]:
        raise ConfigurationError(
            f"The axis would end at {end:.6f}, not above the table's best error {ordered[0]:.6f}. Raise `upper`."
        )
    edges = np.linspace(ordered[0], end, bins + 1)
    frames = [_histogram(WHOLE_TABLE, ordered, 0, edges)]
    for method, runs in proposals_of(history, table_errors, quantity=quantity).items():
        frames.append(_histogram(method, np.concatenate([run.errors for run in runs]), len(runs), edges))
    return pl.concat(frames)


def _histogram(method: str, errors: Float[np.ndarray, " m"], runs: int, edges: Float[np.ndarray, " e"]) -> pl.DataFrame:
    counts = np.histogram(errors, edges)[0]
    return pl.DataFrame({"error_low": edges[:-1], "error_high": edges[1:]}).select(
        pl.lit(method).alias("method"),
        "error_low",
        "error_high",
        pl.Series("density", counts / len(errors) / np.diff(edges)),
        clipped_share=pl.lit(float((errors > edges[-1]).mean())),
        median=pl.lit(float(np.median(errors))),
        proposals_total=pl.lit(len(errors), pl.Int64),
        runs=pl.lit(runs, pl.Int64),
    )
