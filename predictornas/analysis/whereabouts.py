"""Where proposals lie, as edits from what was known to be good when they were made, and what they are worth there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.statistics import jackknife_interval, left_out, over_seeds
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.edit_distance import EditDistances

FARTHEST = 8
"""Distances from here on are counted together (ours)."""

HITS, PLACES, GOOD_THERE, BAD_THERE = "hits so far", "share of proposals", "share of hits", "share of bad ones"
"""Quantities of `whereabouts_table`."""

_SCHEMA = {
    "method": pl.String,
    "quantity": pl.String,
    "at": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "runs": pl.Int64,
    "proposals": pl.Int64,
}


def proposal_distances(history: pl.DataFrame, space: SearchSpace, *, parents: int = 10) -> pl.DataFrame:
    """Every proposal with its edit distance from the nearest of the best architectures evaluated before it.

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
        space: says how far apart architectures are.
        parents: how many of the best by the signal, as many as `Evolutionary` takes.

    Returns:
        `method`, `seed`, `order`, `iteration`, `distance`, `error` (1 - signal); T0, iteration 0, is left out.
    """
    return pl.concat(
        [
            _distances_of(run.sort("order"), space, parents)
            for run in history.partition_by("run_id", maintain_order=True)
        ]
    )


def _distances_of(run: pl.DataFrame, space: SearchSpace, parents: int) -> pl.DataFrame:
    genes = np.array(run["genes"].to_list(), np.int8)
    values, iterations = run["value"].to_numpy(), run["iteration"].to_numpy()
    distances = EditDistances(space, genes)
    nearest = np.zeros(len(run), np.int64)
    for iteration in range(1, int(iterations.max()) + 1):
        before = np.flatnonzero(iterations < iteration)
        best = before[np.argsort(-values[before], kind="stable")[:parents]]
        for row in np.flatnonzero(iterations == iteration):
            nearest[row] = distances.to(genes[row])[best].min()
    found = run.select("method", "seed", "order", "iteration", distance=pl.Series(nearest), error=1 - pl.col("value"))
    return found.filter(pl.col("iteration") > 0)


def whereabouts_table(
    proposals: pl.DataFrame, *, target: float, bad: float, early: int, at: Sequence[int]
) -> pl.DataFrame:
    """How many proposals hit, how far from the best ones they lie, and what those at a distance are worth.

    Args:
        proposals: from `proposal_distances`.
        target: an error; proposals at or below it are hits.
        bad: proposals above this error are bad ones.
        early: proposals of a run that are its first ones; bad ones are counted among them, hits at a distance after.
        at: numbers of proposals after which hits are counted.

    Returns:
        `method`, `quantity`, `at` (proposals for `HITS`, else a distance, `FARTHEST` for all from there on), `value`,
        `low`, `high` (95 % over runs), `runs`, `proposals`. Shares are of a method's proposals: those at a distance,
        and of these the hits and the bad ones. `PLACES` counts all of them.
    """
    place = pl.int_range(pl.len()).over("method", "seed")
    rows = proposals.sort("method", "seed", "order").with_columns(
        place=place, distance=pl.col("distance").clip(upper_bound=FARTHEST), hit=pl.col("error") <= target
    )
    rows = rows.with_columns(bad=pl.col("error") > bad)
    first = pl.col("place") < early
    return pl.concat(
        [
            _hits(rows, at),
            *(
                _shares(rows.filter(kept), quantity, of)
                for quantity, kept, of in (
                    (PLACES, pl.lit(True), None),
                    (BAD_THERE, first, "bad"),
                    (GOOD_THERE, ~first, "hit"),
                )
            ),
        ]
    )


def _hits(rows: pl.DataFrame, at: Sequence[int]) -> pl.DataFrame:
    parts = []
    for count in at:
        so_far = (
            rows.filter(pl.col("place") < count)
            .group_by("method", "seed", maintain_order=True)
            .agg(value=pl.col("hit").sum().cast(pl.Float64))
        )
        parts.append(over_seeds(so_far, ["method"], "value", bounds=(0.0, np.inf)).with_columns(at=pl.lit(count)))
    table = pl.concat(parts)
    told = table.with_columns(quantity=pl.lit(HITS), value="mean", proposals=pl.col("at") * pl.col("runs"))
    return told.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _shares(rows: pl.DataFrame, quantity: str, of: str | None) -> pl.DataFrame:
    """A ratio of counts at each distance, over all runs of a method, with its jackknife interval."""
    found = []
    for (method,), own in rows.group_by("method", maintain_order=True):
        seeds = own["seed"].unique(maintain_order=True).to_list()
        counts = np.stack([_counts(own.filter(pl.col("seed") == seed), of) for seed in seeds])
        estimate, low, high, runs = _ratio(counts)
        for distance in np.flatnonzero(counts[:, 1].sum(axis=0) if of else counts[:, 0].sum(axis=0)).tolist():
            amount = int(counts[:, 1 if of else 0, distance].sum())
            value = {"method": method, "quantity": quantity, "at": distance, "value": float(estimate[distance])}
            ends = {"low": float(low[distance]), "high": float(high[distance])}
            found.append({**value, **ends, "runs": runs, "proposals": amount})
    return pl.DataFrame(found, schema=_SCHEMA).with_columns(pl.col("low", "high").fill_nan(None))


def _counts(run: pl.DataFrame, of: str | None) -> Float[np.ndarray, "2 d"]:
    """Numerator and denominator at each distance: those of a kind among all there, or all there among all."""
    distance = run["distance"].to_numpy()
    there = np.bincount(distance, minlength=FARTHEST + 1).astype(np.float64)
    if of is None:
        return np.stack([there, np.full(len(there), float(len(run)))])
    return np.stack([np.bincount(distance, run[of].to_numpy().astype(np.float64), FARTHEST + 1), there])


def _ratio(
    counts: Float[np.ndarray, "r 2 d"],
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"], Float[np.ndarray, " d"], int]:
    with np.errstate(invalid="ignore", divide="ignore"):
        total = counts.sum(axis=0)
        estimate = total[0] / total[1]
        without = np.einsum("ir,rkd->ikd", left_out(len(counts)).astype(np.float64), counts)
        low, high = jackknife_interval(estimate, without[:, 0] / without[:, 1], (counts[:, 1] > 0).sum(axis=0))
    return estimate, np.maximum(low, 0), np.minimum(high, 1), len(counts)
