"""The sample-efficiency gain of each method over random search, with its cap, its null and its spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from predictornas.analysis.estimators import CAPPED_BY_PROPOSALS, Estimator, estimator_named
from predictornas.analysis.null import Design, Null, null_of
from predictornas.analysis.proposals import Run, RunCounts, counts_of, proposals_of
from predictornas.analysis.statistics import TAILS, resampled_seeds
from predictornas.analysis.urn import cap_db, expected_trials


def gain_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    targets: pl.DataFrame,
    *,
    estimators: Sequence[str] = ("pooled", "per_run"),
    resamples: int = 1000,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """The gain of every method at every target (Mauch et al. 2020, eq. 10-15), in dB.

    S is the whole table and C what a method proposed: without T0, each architecture once a run, its error read on the
    signal column. The gain is null where no architecture of the table reaches the target (M_S = 0: undefined). Where
    the table does and no proposal does, the row is *unresolved*: `gain_db` is an upper bound, without an interval.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        table_errors: `(n,)` 1 - signal of the whole table, fractions.
        targets: from `predictornas.analysis.targets.targets_for` on the same table.
        estimators: names in `predictornas.analysis.estimators.ESTIMATORS`.
        resamples: bootstrap resamples of whole seeds for `low` and `high`.
        rng: the only source of randomness.

    Returns:
        One row for each method, estimator and target: `method`, `estimator`, `target_error`, `table_hits`, `quantile`,
        `gain_db`, `low`, `high` (95 % over seeds; null for one run), `resolved`, `unresolved_share` (of the runs),
        `proposals` (K, the fewest of any run), `proposals_total` (sum of K), `runs`, `cap_db` (the most that perfect
        proposals score), and what random search scores with as many runs: `null_db` (its expectation), `null_low`,
        `null_high` (95 %).

    Raises:
        DataError: history and table do not belong together (see `proposals_of`).
        UnknownNameError: an estimator that does not exist.
    """
    chosen = {name: estimator_named(name) for name in estimators}
    errors = targets["target_error"].to_numpy()
    nulls = NullColumns(len(table_errors), targets, rng)
    frames = []
    for method, runs in proposals_of(history, table_errors).items():
        counts = counts_of(runs, errors)
        weights = resampled_seeds(len(runs), resamples, rng)
        for name, estimator in chosen.items():
            gains = _estimate(estimator, counts, len(table_errors), targets, weights)
            label = {"method": method, "estimator": name}
            frames.append(tidy(label, targets, gains | run_columns(counts), nulls.of(name, runs)))
    return pl.concat(frames)


def _estimate(
    estimator: Estimator, counts: RunCounts, table_size: int, targets: pl.DataFrame, weights: Any
) -> dict[str, Any]:
    table_trials = expected_trials(table_size, targets["table_hits"].to_numpy())
    resolved = np.asarray(counts.resolved.any(axis=0))
    point = estimator(counts, table_trials, np.ones((1, weights.shape[1]), np.int64))[0]
    low, high = seed_interval(estimator(counts, table_trials, weights), weights.shape[1])
    return {
        "gain_db": defined(point, targets["table_hits"].to_numpy() > 0),
        "low": defined(low, resolved),
        "high": defined(high, resolved),
        "resolved": resolved,
        "unresolved_share": 1 - counts.resolved.mean(axis=0),
    }


def seed_interval(
    resampled: Float[np.ndarray, "b j"], runs: int
) -> tuple[Float[np.ndarray, " j"], Float[np.ndarray, " j"]]:
    """Ends of the 95 % percentile interval of each target; NaN for a single run, whose spread is unknown."""
    if runs < 2:
        nothing = np.full(resampled.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(resampled, TAILS, axis=0)
    return low, high


def defined(values: Float[np.ndarray, " j"], where: Bool[np.ndarray, " j"]) -> Float[np.ndarray, " j"]:
    """The values where the condition holds, NaN (null in the table) elsewhere."""
    return np.where(where, values, np.nan)


def run_columns(counts: RunCounts) -> dict[str, int]:
    """The sizes without which a gain means nothing."""
    return {
        "proposals": int(counts.proposals.min()),
        "proposals_total": int(counts.proposals.sum()),
        "runs": len(counts.proposals),
    }


class NullColumns:
    """Cap and null of random search at fixed targets, computed once for methods with runs of the same sizes.

    Args:
        table_size: n.
        targets: from `targets_for`.
        rng: the only source of randomness.
    """

    def __init__(self, table_size: int, targets: pl.DataFrame, rng: np.random.Generator) -> None:
        self._table_size = table_size
        self._table_hits = targets["table_hits"].to_numpy()
        self._rng = rng
        self._known: dict[tuple[str, Design], dict[str, Any]] = {}

    def of(self, estimator: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Columns `cap_db`, `null_db`, `null_low`, `null_high`; NaN where the gain is undefined."""
        sizes = [np.unique(run.iterations, return_counts=True)[1].tolist() for run in runs]
        design = Design(
            self._table_size,
            tuple(sorted(len(run.errors) for run in runs)),
            tuple(sorted(size for run in sizes for size in run)),
        )
        if (estimator, design) not in self._known:
            self._known[estimator, design] = self._columns(estimator, design)
        return self._known[estimator, design]

    def _columns(self, estimator: str, design: Design) -> dict[str, Any]:
        undefined = Null(np.nan, np.nan, np.nan)
        nulls = [null_of(estimator, design, int(m), self._rng) if m > 0 else undefined for m in self._table_hits]
        k = min(design.proposals) if estimator in CAPPED_BY_PROPOSALS else 0
        cap = cap_db(self._table_size, k, self._table_hits)
        return {
            "cap_db": defined(cap, self._table_hits > 0),
            "null_db": np.array([null.expected for null in nulls]),
            "null_low": np.array([null.low for null in nulls]),
            "null_high": np.array([null.high for null in nulls]),
        }


def tidy(label: dict[str, str], targets: pl.DataFrame, *columns: dict[str, Any]) -> pl.DataFrame:
    """One row a target: the label, the target's columns, then the others; numbers broadcast and NaN becomes null."""
    constants = [pl.lit(value).alias(name) for name, value in label.items()]
    frame = targets.select(*constants, "target_error", "table_hits", "quantile")
    for group in columns:
        frame = frame.with_columns(
            **{k: pl.Series(v) if isinstance(v, np.ndarray) else pl.lit(v, pl.Int64) for k, v in group.items()}
        )
    return frame.fill_nan(None)
