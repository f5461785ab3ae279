"""The targets at which every study reads its gain: log-spaced ranks of its table, and a few with a name."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.targets import targets_for

NAMED_QUANTILES = {"top 0.1 %": 1e-3, "top 1 %": 1e-2}
"""Targets that the summary prints: the error that this share of the table reaches."""


def named_errors(table_errors: Float[np.ndarray, " n"]) -> dict[str, float]:
    """The error J of each named target, as the table stores it; at least the best architecture counts."""
    ordered = np.sort(table_errors)
    ranks = {name: max(round(len(ordered) * share), 1) for name, share in NAMED_QUANTILES.items()}
    return {name: float(ordered[rank - 1]) for name, rank in ranks.items()}


def study_targets(table_errors: Float[np.ndarray, " n"]) -> pl.DataFrame:
    """Targets of a study, as `predictornas.analysis.targets.targets_for` gives them."""
    return targets_for(table_errors, errors=list(named_errors(table_errors).values()))
