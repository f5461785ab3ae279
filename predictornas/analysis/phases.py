"""What a search proposed early and late, and what each run came to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.comparability import SAME
from predictornas.analysis.proposals import RunProposals, proposals_of
from predictornas.analysis.regret import incumbent_curves


def phases_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    phases: Sequence[tuple[int, int]],
    *,
    target: float,
    bad: float,
) -> pl.DataFrame:
    """The signal errors of what each method proposed in some ranges of iterations, over all runs.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        table_errors: `(n,)` 1 - signal of the whole table, fractions.
        phases: first and last iteration of each range; T0 is iteration 0 and belongs to none.
        target: an error of the table; proposals at or below it are hits.
        bad: proposals above this error are counted too.

    Returns:
        `method`, `first`, `last` (iterations), `proposals`, `mean` (error), `bad_share`, `hit_share`; no row where a
        method has no such iteration.

    Raises:
        DataError: as in `predictornas.analysis.proposals.proposals_of`.
    """
    rows = []
    for method, runs in proposals_of(history, table_errors).items():
        for first, last in phases:
            errors = np.concatenate([_within(run, first, last) for run in runs])
            if len(errors):
                shares = {"bad_share": float((errors > bad).mean()), "hit_share": float((errors <= target).mean())}
                facts = {"method": method, "first": first, "last": last, "proposals": len(errors)}
                rows.append({**facts, "mean": float(errors.mean()), **shares})
    return pl.DataFrame(rows)


def runs_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    *,
    target: float,
    signal_oracle: float,
    bad: float,
    early: int = 50,
) -> pl.DataFrame:
    """What each run came to.

    Args:
        history: as in `phases_table`, with the `evaluation` column joined.
        table_errors: as in `phases_table`.
        target: as in `phases_table`.
        signal_oracle: the lowest error of the table on the signal column.
        bad: as in `phases_table`.
        early: how many proposals are the first ones, whatever the size of an iteration.

    Returns:
        `method`, `seed`, `evaluations`, `proposals` (K), `hits` (distinct proposals at or below the target),
        `early_bad` (those above `bad` among the first), `best` (the lowest evaluation error among all evaluated), and
        `oracle_after`, the evaluations until the incumbent is as good as the signal oracle; null where it never is.

    Raises:
        DataError: as in `phases_table`.
    """
    counted = [
        {
            "method": method,
            "run_id": run.run_id,
            "proposals": len(run.errors),
            "hits": int((run.errors <= target).sum()),
            "early_bad": int((run.errors[:early] > bad).sum()),
        }
        for method, runs in proposals_of(history, table_errors).items()
        for run in runs
    ]
    curves = incumbent_curves(history)
    reached = pl.col("searched") <= signal_oracle + SAME
    ends = curves.group_by("method", "seed", "run_id", maintain_order=True).agg(
        pl.col("evaluations").max(),
        best=pl.col("best").min(),
        oracle_after=pl.col("evaluations").filter(reached).min(),
    )
    joined = ends.join(pl.DataFrame(counted), on=["method", "run_id"], maintain_order="left")
    return joined.select("method", "seed", "evaluations", "proposals", "hits", "early_bad", "best", "oracle_after")


def _within(run: RunProposals, first: int, last: int) -> Float[np.ndarray, " k"]:
    return run.errors[(run.iterations >= first) & (run.iterations <= last)]
