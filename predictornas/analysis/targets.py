"""The targets at which a gain is read: errors J with the number of architectures of the table that reach them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.errors import ConfigurationError, DataError


def targets_for(
    table_errors: Float[np.ndarray, " n"], *, count: int = 60, errors: Sequence[float] = ()
) -> pl.DataFrame:
    """Targets at log-spaced ranks of the table, from its best architecture to all of them, and at errors of your own.

    A target taken from a rank is the error of that architecture, exactly as stored, so it counts itself and everything
    tied with it. Targets are indexed by J and by M_S because J is not comparable between tables.

    Args:
        table_errors: `(n,)` error of every architecture of the table on the signal column, fractions.
        count: number of log-spaced ranks between 1 and n; ties and small tables leave fewer; 0 for none.
        errors: further targets J, fractions. One that no architecture reaches is kept, with `table_hits` 0.

    Returns:
        One row a target, ascending: `target_error` (J), `table_hits` (M_S, errors <= J), `quantile` (M_S / n).

    Raises:
        DataError: the table is empty or holds errors that are not finite.
        ConfigurationError: no target is left, or a target is not finite.
    """
    ordered = sorted_errors(table_errors)
    ranks = np.unique(np.geomspace(1, len(ordered), count).round().astype(np.int64)) if count > 0 else np.empty(0, int)
    chosen = np.unique(np.concatenate([ordered[ranks - 1], np.asarray(errors, np.float64)]))
    if len(chosen) == 0 or not np.isfinite(chosen).all():
        raise ConfigurationError(
            f"Targets need at least one finite error; count = {count} and errors = {list(errors)} give none. "
            "Ask for count >= 1 or name errors as fractions, such as 0.06."
        )
    hits = np.searchsorted(ordered, chosen, side="right")
    return pl.DataFrame({"target_error": chosen, "table_hits": hits.astype(np.int64), "quantile": hits / len(ordered)})


def sorted_errors(table_errors: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The table's errors in ascending order as float64, which holds every stored float32 exactly.

    Raises:
        DataError: the table is empty or holds errors that are not finite.
    """
    ordered = np.sort(table_errors.astype(np.float64))
    if len(ordered) == 0 or not np.isfinite(ordered).all():
        missing = int(np.count_nonzero(~np.isfinite(ordered)))
        raise DataError(
            f"The table has {len(ordered)} errors, {missing} of them not finite. A gain needs the error of every "
            "architecture: restrict the space to those that were measured."
        )
    return ordered
