"""The sample-efficiency gain of each method over random search, with its cap, its null and its spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from predictornas.analysis.estimators import CAPPED_BY_PROPOSALS, estimator_named
from predictornas.analysis.null import Design, Null, null_of
from predictornas.analysis.proposals import Comparable, RunCounts, RunProposals, comparable, counts_of, proposals_of
from predictornas.analysis.statistics import jackknife_interval, left_out
from predictornas.analysis.urn import cap_db, expected_trials
from predictornas.quantity import ERROR, Quantity


def gain_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    targets: pl.DataFrame,
    *,
    estimators: Sequence[str] = ("pooled", "per_run"),
    rng: np.random.Generator,
    quantity: Quantity = ERROR,
) -> pl.DataFrame:
    """The gain of every method at every target (Mauch et al. 2020, eq. 10-15), in dB.

    S is the whole table and C what a method proposed: without T0, each architecture once a run, its error read on the
    signal column. All runs count with equally many evaluations, and where runs differ in the size of T0 it counts for
    all of them (`predictornas.analysis.proposals.comparable`). The gain is null where no architecture of the table
    reaches the target (M_S = 0: undefined). Where the table does and no proposal does, the row is *unresolved*:
    `gain_db` is an upper bound, without an interval.

    Example:
        >>> import numpy as np
        >>> import polars as pl
        >>> from predictornas import gain_table
        >>> from predictornas.analysis.targets import targets_for
        >>> accuracies = np.linspace(0.5, 0.9, 101)
        >>> found = [0.5, 0.9, 0.7]  # T0, then what the method proposed
        >>> history = pl.DataFrame({
        ...     "run_id": ["a"] * 3, "method": ["mine"] * 3, "seed": [0] * 3, "iteration": [0, 1, 1],
        ...     "order": [0, 1, 2], "key": [1, 2, 3], "epochs": [0] * 3, "value": found,
        ... })
        >>> targets = targets_for(1 - accuracies, count=3)
        >>> table = gain_table(history, 1 - accuracies, targets, rng=np.random.default_rng(0))
        >>> table.filter(estimator="pooled").select("table_hits", pl.col("gain_db").round(1)).rows()
        [(1, 15.3), (10, 7.9), (101, 0.0)]

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        table_errors: `(n,)` costs of the signal in the whole table: 1 - accuracy, or a loss itself.
        targets: from `predictornas.analysis.targets.targets_for` on the same table.
        estimators: names in `predictornas.analysis.estimators.ESTIMATORS`.
        rng: of the simulated random searches of the null.
        quantity: that of the signal.

    Returns:
        One row for each method, estimator and target: `method`, `estimator`, `target_error`, `table_hits`, `quantile`,
        `gain_db`, `low`, `high` (95 % over seeds: jackknife and t, at most the cap; null for one run, and where all
        runs are alike), `resolved`, `unresolved_share` (of the runs), `evaluations` (of every run),
        `with_initial` (whether T0 counts), `proposals` (K, the fewest of any run), `proposals_total` (sum of K),
        `runs`, `cap_db` (the most that perfect proposals score), and what random search scores with as many runs,
        given that it is resolved (see `predictornas.analysis.null`): `null_db` (mean), `null_low`, `null_high` (95 %).

    Raises:
        DataError: history and table do not belong together (see `proposals_of`).
        UnknownNameError: an estimator that does not exist.
    """
    for name in estimators:
        estimator_named(name)
    errors = targets["target_error"].to_numpy()
    nulls = NullColumns(len(table_errors), targets, rng)
    compared = comparable(history)
    frames = []
    by_method = proposals_of(compared.history, table_errors, with_initial=compared.with_initial, quantity=quantity)
    for method, runs in by_method.items():
        counts = counts_of(runs, errors)
        for name in estimators:
            bounds = nulls.of(name, runs)
            gains = _estimate(name, counts, len(table_errors), targets)
            gains["high"] = np.minimum(gains["high"], bounds["cap_db"])
            label = {"method": method, "estimator": name}
            frames.append(tidy(label, targets, gains | run_columns(counts, compared), bounds))
    return pl.concat(frames)


def gain_over_runs(
    name: str, counts: RunCounts, table_trials: Float[np.ndarray, " j"]
) -> tuple[Float[np.ndarray, " j"], Float[np.ndarray, " j"], Float[np.ndarray, " j"]]:
    """The gain of one method by an estimator, and the ends of its 95 % interval over runs, in dB.

    The interval is NaN for a single run, where no run or, for `per_run`, fewer than two have a hit, and where all runs
    are alike.

    Args:
        name: of an estimator in `predictornas.analysis.estimators.ESTIMATORS`.
        counts: of the method's runs.
        table_trials: E_S of each target.
    """
    estimator, runs = estimator_named(name), len(counts.proposals)
    point = estimator(counts, table_trials, np.ones((1, runs), np.int64))[0]
    # What leaves runs without a hit out has its spread from the others alone.
    counting = counts.resolved.sum(axis=0) if name == "per_run" else np.full(len(point), runs)
    without = estimator(counts, table_trials, left_out(runs)) if runs > 1 else point[None]
    low, high = jackknife_interval(point, without, counting)
    resolved = np.asarray(counts.resolved.any(axis=0))
    return point, defined(low, resolved), defined(high, resolved)


def _estimate(name: str, counts: RunCounts, table_size: int, targets: pl.DataFrame) -> dict[str, Any]:
    hits = targets["table_hits"].to_numpy()
    point, low, high = gain_over_runs(name, counts, expected_trials(table_size, hits))
    return {
        "gain_db": defined(point, hits > 0),
        "low": low,
        "high": high,
        "resolved": np.asarray(counts.resolved.any(axis=0)),
        "unresolved_share": 1 - counts.resolved.mean(axis=0),
    }


def defined(values: Float[np.ndarray, " j"], where: Bool[np.ndarray, " j"]) -> Float[np.ndarray, " j"]:
    """The values where the condition holds, NaN (null in the table) elsewhere."""
    return np.where(where, values, np.nan)


def run_columns(counts: RunCounts, compared: Comparable) -> dict[str, int]:
    """The sizes without which a gain means nothing."""
    return {
        "evaluations": compared.evaluations,
        "with_initial": compared.with_initial,
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

    def of(self, estimator: str, runs: Sequence[RunProposals]) -> dict[str, Any]:
        """Columns `cap_db`, `null_db`, `null_low`, `null_high`; NaN where the gain is undefined."""
        return self.of_sizes(estimator, [np.unique(run.iterations, return_counts=True)[1].tolist() for run in runs])

    def of_sizes(self, estimator: str, sizes: Sequence[Sequence[int]]) -> dict[str, Any]:
        """The same columns for runs whose iterations have so many proposals."""
        design = Design(
            self._table_size,
            tuple(sorted(sum(run) for run in sizes)),
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
            **{
                name: pl.Series(value) if isinstance(value, np.ndarray) else _constant(value)
                for name, value in group.items()
            }
        )
    return frame.fill_nan(None)


def _constant(value: int) -> pl.Expr:
    return pl.lit(value, pl.Boolean if isinstance(value, bool) else pl.Int64)
