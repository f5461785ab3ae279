"""How much of the gain comes from the sampler's pool and how much from the predictor that ranks it (eq. 16, 17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from predictornas.analysis.estimators import Weights, weighted_mean
from predictornas.analysis.gain import NullColumns, defined, run_columns, tidy
from predictornas.analysis.proposals import RunCounts, RunProposals, comparable, counts_of, proposals_of
from predictornas.analysis.statistics import jackknife_interval, left_out
from predictornas.analysis.targets import targets_for
from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.errors import DataError, UnknownNameError
from predictornas.quantity import ERROR, Quantity

PARTS = ("sampler", "predictor", "total")
"""The gain of the pool over the table, of the proposals over the pool, and of the proposals over the table."""


@dataclass(frozen=True)
class PoolCounts:
    """Pools of r runs summed over their iterations, repeats kept, at j targets."""

    sizes: Int[np.ndarray, " r"]
    hits: Int[np.ndarray, "r j"]


_Parts = tuple[Float[np.ndarray, "b j"], Float[np.ndarray, "b j"], Float[np.ndarray, "b j"]]


def split_table(
    history: pl.DataFrame,
    pools: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    *,
    estimators: Sequence[str] = ("pooled", "per_run"),
    rng: np.random.Generator,
    quantity: Quantity = ERROR,
) -> pl.DataFrame:
    """Splits the gain at the targets that the pools were counted at; sampler + predictor = total exactly.

    As in `gain_table`, all runs count with equally many evaluations. Where T0 has to count, it is one more pool of the
    run, all of which was proposed.

    The pools of a run make one urn, (sum N'_t + 1) / (sum M'_t + 1), and the same value stands in eq. 16 and eq. 17.
    `pooled` joins the pools of all runs as it joins their proposals; `per_run` splits each run and averages the dB over
    the runs that have a hit both in a pool and among the proposals.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        pools: rows as in `predictornas.history.POOL_SCHEMA`; methods without pools are left out.
        table_errors: `(n,)` costs of the signal in the whole table: 1 - accuracy, or a loss itself.
        estimators: of "pooled" and "per_run".
        rng: of the simulated random searches of the null.
        quantity: that of the signal.

    Returns:
        The columns of `gain_table` after a column `part`, one row for each method, estimator, part and target. Null
        where no pool holds a hit (undefined). Where pools do and no proposal does, `pooled` gives upper bounds of
        predictor and total, not `resolved`. Cap and null are those of the total.

    Raises:
        DataError: pools and history are not of the same runs, or the runs' pools were counted at different targets.
        UnknownNameError: an estimator that has no split.
    """
    for name in estimators:
        if name not in _SPLITS:
            raise UnknownNameError("estimator of the gain's split", name, _SPLITS)
    targets = targets_for(table_errors, count=0, errors=pools["target_error"].unique().to_list())
    nulls = NullColumns(len(table_errors), targets, rng)
    table_trials = expected_trials(len(table_errors), targets["table_hits"].to_numpy())
    compared = comparable(history)
    with_pools = compared.history.filter(pl.col("method").is_in(pools["method"].unique().to_list()))
    ends = with_pools.group_by("run_id").agg(end=pl.col("iteration").max())
    pools = pools.join(ends, on="run_id").filter(pl.col("iteration") <= pl.col("end"))
    frames = []
    by_method = proposals_of(with_pools, table_errors, with_initial=compared.with_initial, quantity=quantity)
    for method, runs in by_method.items():
        counts = counts_of(runs, targets["target_error"].to_numpy())
        pool = _with_initial(pool_counts(pools, runs, targets), runs, targets)
        for name in estimators:
            bounds = nulls.of(name, runs)
            parts = split_over_runs(name, counts, pool, table_trials)
            parts[-1]["high"] = np.minimum(parts[-1]["high"], bounds["cap_db"])
            for part, columns in zip(PARTS, parts, strict=True):
                label = {"method": method, "estimator": name, "part": part}
                frames.append(tidy(label, targets, columns | run_columns(counts, compared), bounds))
    return pl.concat(frames)


def split_over_runs(
    name: str, counts: RunCounts, pool: PoolCounts, table_trials: Float[np.ndarray, " j"]
) -> list[dict[str, Any]]:
    """The columns `gain_db`, `low`, `high`, `resolved` and `unresolved_share` of each of `PARTS`, for one method.

    Args:
        name: of an estimator that has a split.
        counts: of the method's runs.
        pool: their pools.
        table_trials: E_S of each target.
    """
    split, runs = _SPLITS[name], len(pool.sizes)
    points = split(counts, pool, table_trials, np.ones((1, runs), np.int64))
    without = split(counts, pool, table_trials, left_out(runs)) if runs > 1 else points
    both = counts.resolved & (pool.hits > 0)
    counting = both.sum(axis=0) if name == "per_run" else np.full(both.shape[1], runs)
    in_pool, proposed = (np.asarray(hit.any(axis=0)) for hit in (pool.hits > 0, counts.resolved))
    columns = []
    for part, point, others in zip(PARTS, points, without, strict=True):
        resolved = in_pool if part == "sampler" else in_pool & proposed
        low, high = jackknife_interval(point[0], others, counting)
        share = 1 - (pool.hits > 0 if part == "sampler" else counts.resolved).mean(axis=0)
        columns.append(
            {
                "gain_db": defined(point[0], in_pool),
                "low": defined(low, resolved),
                "high": defined(high, resolved),
                "resolved": resolved,
                "unresolved_share": share,
            }
        )
    return columns


def _pooled(counts: RunCounts, pool: PoolCounts, table_trials: Float[np.ndarray, " j"], weights: Weights) -> _Parts:
    pool_trials = expected_trials((weights @ pool.sizes)[:, None], weights @ pool.hits)
    trials = expected_trials((weights @ counts.proposals)[:, None], weights @ counts.hits)
    return gain_db(table_trials, pool_trials), gain_db(pool_trials, trials), gain_db(table_trials, trials)


def _per_run(counts: RunCounts, pool: PoolCounts, table_trials: Float[np.ndarray, " j"], weights: Weights) -> _Parts:
    pool_trials = expected_trials(pool.sizes[:, None], pool.hits)
    trials = expected_trials(counts.proposals[:, None], counts.hits)
    kept: Bool[np.ndarray, "r j"] = counts.resolved & (pool.hits > 0)
    parts = gain_db(table_trials, pool_trials), gain_db(pool_trials, trials), gain_db(table_trials, trials)
    sampler, predictor, total = (weighted_mean(part, kept, weights) for part in parts)
    return sampler, predictor, total


_SPLITS: dict[str, Callable[[RunCounts, PoolCounts, Float[np.ndarray, " j"], Weights], _Parts]] = {
    "pooled": _pooled,
    "per_run": _per_run,
}


def _with_initial(pool: PoolCounts, runs: Sequence[RunProposals], targets: pl.DataFrame) -> PoolCounts:
    """Adds what counts of T0, which is nothing where it was left out of the runs."""
    initial = [run.errors[run.iterations == 0] for run in runs]
    hits = np.stack(
        [np.searchsorted(np.sort(errors), targets["target_error"].to_numpy(), "right") for errors in initial]
    )
    return PoolCounts(pool.sizes + np.array([len(errors) for errors in initial]), pool.hits + hits)


def pool_counts(pools: pl.DataFrame, runs: Sequence[RunProposals], targets: pl.DataFrame) -> PoolCounts:
    """Sums each run's pools over iterations, runs in the order given, targets ascending."""
    sums = pools.group_by("run_id", "target_error").agg(pl.col("pool_size", "pool_hits").sum())
    grid = pl.DataFrame({"run_id": [run.run_id for run in runs]}).join(targets.select("target_error"), how="cross")
    joined = grid.join(sums, on=["run_id", "target_error"], how="left", maintain_order="left")
    missing = joined.filter(pl.col("pool_hits").is_null())
    sizes = joined["pool_size"].fill_null(0).to_numpy().reshape(len(runs), -1)
    if len(missing) > 0 or np.any(sizes != sizes[:, :1]):
        run_id = (
            missing["run_id"][0]
            if len(missing) > 0
            else runs[int(np.argmax((sizes != sizes[:, :1]).any(axis=1)))].run_id
        )
        raise DataError(
            f"The pools of run {run_id} were not counted at the same {len(targets)} targets in every iteration, or are "
            "missing. Split only runs that were made with one grid of targets."
        )
    return PoolCounts(sizes[:, 0], joined["pool_hits"].to_numpy().reshape(len(runs), -1))
