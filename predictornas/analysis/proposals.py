"""What each method proposed, read from a history: the set C of the gain, run by run, counted at every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from predictornas.analysis.comparability import SAME
from predictornas.analysis.targets import sorted_errors
from predictornas.analysis.urn import expected_trials
from predictornas.errors import DataError
from predictornas.quantity import ERROR, Quantity


@dataclass(frozen=True)
class RunProposals:
    """The distinct proposals of one run, in the order of their evaluation.

    Attributes:
        run_id: as in the history.
        errors: `(k,)` error of each proposal on the signal column, as the table stores it; infinite where it failed.
        iterations: `(k,)` the iteration that proposed each, not descending; 0 for T0.
    """

    run_id: str
    errors: Float[np.ndarray, " k"]
    iterations: Int[np.ndarray, " k"]


@dataclass(frozen=True)
class RunCounts:
    """All that the gain's estimators need to know about the runs of one method: r runs, j targets.

    Attributes:
        proposals: `(r,)` K_i.
        hits: `(r, j)` M_i(J).
        first_hit: `(r, j)` 1-based position of the first hit among the run's proposals, K_i where there is none.
        iterations: `(r,)` number of iterations T_i.
        iteration_trials: `(r, j)` sum over the run's iterations of (K_t + 1) / (M_t + 1).
    """

    proposals: Int[np.ndarray, " r"]
    hits: Int[np.ndarray, "r j"]
    first_hit: Int[np.ndarray, "r j"]
    iterations: Int[np.ndarray, " r"]
    iteration_trials: Float[np.ndarray, "r j"]

    @property
    def resolved(self) -> Bool[np.ndarray, "r j"]:
        """Which runs hit which targets."""
        return self.hits > 0


@dataclass(frozen=True)
class Comparable:
    """What of a history counts when gains stand side by side: the gain of fewer evaluations is higher by itself.

    Attributes:
        history: the first `evaluations` rows of every run.
        evaluations: as many as the shortest run has.
        with_initial: whether T0 counts as proposed, in every run: where runs differ in its size, they differ in how
            many evaluations are left without it.
    """

    history: pl.DataFrame
    evaluations: int
    with_initial: bool


def comparable(history: pl.DataFrame) -> Comparable:
    """Cuts all runs of a history to equally many evaluations, and says whether T0 has to count.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of the methods that are shown together.
    """
    sizes = history.group_by("run_id").agg(rows=pl.len(), initial=(pl.col("iteration") == 0).sum())
    evaluations = int(sizes["rows"].to_numpy().min())
    kept = history.filter(pl.col("order").rank("ordinal").over("run_id") <= evaluations)
    return Comparable(kept, evaluations, sizes["initial"].n_unique() > 1)


def proposals_of(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    *,
    with_initial: bool = False,
    quantity: Quantity = ERROR,
) -> dict[str, list[RunProposals]]:
    """The proposals of every run, by method; an architecture counts once in a run, at its first evaluation.

    Each error is replaced by the table's own stored value, so that comparing with a target taken from the table is
    exact however the numbers travelled (float32 columns, float64 journals).

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
        table_errors: `(n,)` costs of the signal in the whole table: 1 - accuracy, or a loss itself.
        with_initial: whether T0 counts too, as iteration 0; see `comparable`.
        quantity: that of the signal.

    Raises:
        DataError: the history mixes fidelities, holds values that the table does not, or has a run without proposals.
    """
    if history["epochs"].n_unique() > 1:
        raise DataError(
            f"The gain compares evaluations of one fidelity; this history mixes {sorted(history['epochs'].unique())} "
            "epochs. Keep the rows of the table's fidelity, as in history.filter(pl.col('epochs') == 108)."
        )
    columns = ["run_id", "method", "seed", "iteration", "order", "key", "value"]
    rows = history.select(columns).sort("method", "seed", "run_id", "order")
    everyone = rows.select("method", "run_id").unique(maintain_order=True)
    rows = rows.unique(["run_id", "key"], keep="first", maintain_order=True)
    rows = rows.filter(pl.col("iteration") >= (0 if with_initial else 1))
    errors = _as_stored(quantity.cost(rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy()), table_errors)
    runs = _runs(rows, errors)
    by_method: dict[str, list[RunProposals]] = {}
    for method, run_id in everyone.iter_rows():
        if run_id not in runs:
            raise DataError(
                f"Run {run_id} of {method} evaluated its initial set T0 only. Leave it out, or raise its budget."
            )
        by_method.setdefault(method, []).append(runs[run_id])
    return by_method


def counts_of(runs: Sequence[RunProposals], target_errors: Float[np.ndarray, " j"]) -> RunCounts:
    """Counts the runs of one method at `target_errors`, which must ascend."""
    per_run = [_count(run, target_errors) for run in runs]
    hits, first_hit, trials, iterations = (np.stack(column) for column in zip(*per_run, strict=True))
    return RunCounts(np.array([len(run.errors) for run in runs]), hits, first_hit, iterations, trials)


def _runs(rows: pl.DataFrame, errors: Float[np.ndarray, " m"]) -> dict[str, RunProposals]:
    """Splits rows that are sorted by run."""
    if rows.is_empty():
        return {}
    lengths = rows.group_by("run_id", maintain_order=True).len()
    ends = lengths["len"].cum_sum().to_numpy()[:-1].astype(np.int64)
    pieces = zip(
        lengths["run_id"].to_list(), np.split(errors, ends), np.split(rows["iteration"].to_numpy(), ends), strict=True
    )
    return {run_id: RunProposals(run_id, own, iterations) for run_id, own, iterations in pieces}


def _as_stored(errors: Float[np.ndarray, " m"], table_errors: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """The table's value nearest to each error; a failed evaluation (NaN) becomes an infinite error."""
    values = np.unique(sorted_errors(table_errors))
    right = np.searchsorted(values, errors).clip(0, len(values) - 1)
    left = (right - 1).clip(0)
    nearest = np.where(errors - values[left] <= values[right] - errors, values[left], values[right])
    strange = np.abs(nearest - errors) > SAME * np.maximum(1, np.abs(nearest))
    if strange.any():
        raise DataError(
            f"{np.count_nonzero(strange)} of {len(errors)} proposals have an error that the table does not hold, "
            f"such as {errors[strange][0]:.6f}. Pass the costs of the very column that drove the search."
        )
    return np.where(np.isnan(errors), np.inf, nearest)


def _count(
    run: RunProposals, targets: Float[np.ndarray, " j"]
) -> tuple[Int[np.ndarray, " j"], Int[np.ndarray, " j"], Float[np.ndarray, " j"], int]:
    """Hits, position of the first hit, summed trials of the iterations, and the number of iterations of one run."""
    hits = np.searchsorted(np.sort(run.errors), targets, side="right")
    incumbent = np.minimum.accumulate(run.errors)
    first = np.searchsorted(-incumbent, -targets, side="left") + 1  # first position with incumbent <= J
    starts = np.flatnonzero(np.diff(run.iterations, prepend=-1))
    sizes = np.diff(starts, append=len(run.errors))
    # A proposal hits every target from its own rank on: count ranks per iteration, then accumulate over the targets.
    ranks = np.searchsorted(targets, run.errors, side="left")
    members = np.zeros((len(starts), len(targets) + 1), np.int64)
    np.add.at(members, (np.repeat(np.arange(len(starts)), sizes), ranks), 1)
    iteration_hits = members[:, :-1].cumsum(axis=1)
    trials = expected_trials(sizes[:, None], iteration_hits).sum(axis=0)
    return hits, np.minimum(first, len(run.errors)), trials, len(starts)
