"""Hypervolume against evaluations: what a run has found after each, and how far runs are from the table's front."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import polars as pl

from predictornas.analysis.comparability import cut_to_shared, evaluations_of_all
from predictornas.analysis.objectives.measure import HypervolumeScale
from predictornas.analysis.statistics import SHARE, over_seeds, paired_difference
from predictornas.fronts.dominance import Costs, non_dominated

TRACES = ("chosen", "best")
"""The front of what the search saw, judged; and the front of all evaluated by what judges, which no search knows."""


def hypervolume_curves(
    history: pl.DataFrame, measure: HypervolumeScale, searched: Sequence[str], judged: Sequence[str]
) -> pl.DataFrame:
    """The hypervolume regret of every run after each evaluation.

    Args:
        history: rows with `run_id`, `method`, `seed`, `order` and the costs of each evaluation; null beyond a limit.
        measure: of the table.
        searched: columns of the objectives as a search saw them.
        judged: the same as they are judged.

    Returns:
        `run_id`, `method`, `seed`, `evaluations`, and for each trace the regret: the share of the table's hypervolume
        that is not dominated, from 1 (none is) to 0.
    """
    frames = []
    for run in history.sort("method", "seed", "run_id", "order").partition_by("run_id", maintain_order=True):
        seen, true = (
            run.select(columns).cast(pl.Float64).fill_null(np.nan).to_numpy() for columns in (searched, judged)
        )
        regrets = {
            trace: 1 - np.array(list(shares))
            for trace, shares in zip(TRACES, _shares(seen, true, measure), strict=True)
        }
        counted = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("evaluations")
        frames.append(
            run.select(
                "run_id", "method", "seed", counted, **{name: pl.Series(column) for name, column in regrets.items()}
            )
        )
    return pl.concat(frames)


def _shares(seen: Costs, true: Costs, measure: HypervolumeScale) -> tuple[list[float], list[float]]:
    """Of each trace, the share after each evaluation; worked out anew only where a front has changed."""
    chosen: list[float] = []
    best: list[float] = []
    front, known = np.empty(0, np.int64), np.empty(0, np.int64)
    for row in range(len(seen)):
        grown, found = _with(seen, front, row), _with(true, known, row)
        chosen.append(chosen[-1] if row and np.array_equal(grown, front) else measure.share(true[grown]))
        best.append(best[-1] if row and np.array_equal(found, known) else measure.share(true[found]))
        front, known = grown, found
    return chosen, best


def _with(costs: Costs, front: np.ndarray, row: int) -> np.ndarray:
    rows = np.append(front, row)
    return np.asarray(rows[non_dominated(costs[rows])])


def hypervolume_table(curves: pl.DataFrame) -> pl.DataFrame:
    """Mean regret and its 95 % interval over the runs of each method, after each number of evaluations that all have.

    Returns:
        `method`, `trace`, `evaluations`, `mean`, `std`, `low`, `high`, `runs`.
    """
    return over_seeds(
        _long(cut_to_shared(curves, ["method"])), ["method", "trace", "evaluations"], "regret", bounds=SHARE
    )


def final_and_anytime(curves: pl.DataFrame) -> pl.DataFrame:
    """One row for each run, trace and quantity: the regret in the end, and its mean over all evaluations.

    Only as many evaluations count as every run has.
    """
    shortest = evaluations_of_all(curves)
    rows = _long(curves.filter(pl.col("evaluations") <= shortest))
    keys = ["method", "seed", "run_id", "trace"]
    final = rows.filter(pl.col("evaluations") == shortest).select(*keys, "regret", quantity=pl.lit("final"))
    means = rows.group_by(keys, maintain_order=True).agg(pl.col("regret").mean())
    return pl.concat([final, means.select(*keys, "regret", quantity=pl.lit("anytime"))])


def pairs_table(runs: pl.DataFrame) -> pl.DataFrame:
    """Every method beside every other, paired over the seeds that both have.

    Args:
        runs: from `final_and_anytime`.

    Returns:
        `trace`, `quantity`, `method`, `other`, `mean` (regret of the other minus that of the method: above 0 where the
        method is ahead), `low`, `high`, `seeds`, `differing`; no rows with fewer than two seeds.
    """
    rows = []
    for (trace, quantity), group in runs.group_by("trace", "quantity", maintain_order=True):
        methods = group["method"].unique(maintain_order=True).to_list()
        for method, other in permutations(methods, 2):
            one, two = (group.filter(pl.col("method") == name).select("seed", "regret") for name in (method, other))
            both = one.join(two, on="seed", suffix="_other").sort("seed")
            if len(both) < 2:
                continue
            difference = paired_difference(both["regret_other"].to_numpy(), both["regret"].to_numpy())
            names = {"trace": trace, "quantity": quantity, "method": method, "other": other}
            ends = {"mean": difference.mean, "low": difference.low, "high": difference.high}
            rows.append({**names, **ends, "seeds": difference.pairs, "differing": difference.nonzero})
    return pl.DataFrame(rows).fill_nan(None) if rows else pl.DataFrame()


def _long(curves: pl.DataFrame) -> pl.DataFrame:
    kept = ["run_id", "method", "seed", "evaluations"]
    return curves.unpivot(on=list(TRACES), index=kept, variable_name="trace", value_name="regret")
