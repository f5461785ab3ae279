"""The gain in dB for several objectives: how much earlier a search has an architecture that dominates a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float, UInt64
from scipy.stats import rankdata

from predictornas.analysis.gain import gain_table
from predictornas.analysis.targets import targets_for
from predictornas.fronts.dominance import Costs

BALANCED = "balanced"
"""The trade-off that asks for the same quantile in every objective."""

FIRST = 3.0
"""How many times better the quantile has to be of an objective that comes first."""

BEYOND = 2.0
"""The level of what is beyond a limit: no target is that low."""

NAMED = {"top 0.1 %": 1e-3, "top 1 %": 1e-2}
"""Targets that the summary prints: what this share of the table dominates."""


def trade_offs(names: Sequence[str]) -> dict[str, Float[np.ndarray, " m"]]:
    """The trade-offs between objectives: balanced, and each objective first; one alone has none.

    Returns:
        For each, by its name, the weight of each objective: at level s a target is the quantile s times that weight.
    """
    found = {BALANCED: np.ones(len(names))}
    for place, name in enumerate(names if len(names) > 1 else ()):
        found[f"{name} first"] = np.where(np.arange(len(names)) == place, 1 / FIRST, 1.0)
    return found


def levels(costs: Costs, weights: Float[np.ndarray, " m"]) -> Float[np.ndarray, " n"]:
    """The lowest level whose target each architecture of a table dominates, in (0, 1 / the lowest weight].

    A target at level s is, in each objective, what a share s * weight of the table is at least as good as. So the
    targets of a trade-off lie on one curve through the table, whatever the units, and those that dominate the target of
    one level dominate that of any higher one.

    Args:
        costs: `(n, m)` of the table as searched, lower is better; rows with NaN are beyond a limit.
        weights: from `trade_offs`.
    """
    inside = ~np.isnan(costs).any(axis=1)
    found = np.full(len(costs), BEYOND / weights.min())
    shares = np.column_stack([rankdata(column, method="max") for column in costs[inside].T]) / inside.sum()
    found[inside] = (shares / weights).max(axis=1)
    return found


def dominating_gain(
    history: pl.DataFrame, keys: UInt64[np.ndarray, " n"], costs: Costs, names: Sequence[str], rng: np.random.Generator
) -> pl.DataFrame:
    """The gain of every method at targets along every trade-off.

    It is `predictornas.analysis.gain.gain_table`, the urn of Mauch et al. 2020, with the level of an architecture in
    the place of its error: the hits of a target are the architectures that dominate it or equal it.

    Args:
        history: rows with `run_id`, `method`, `seed`, `iteration`, `order`, `key` and `epochs`.
        keys: `(n,)` of the table.
        costs: `(n, m)` of the table as searched; NaN beyond a limit.
        names: of the objectives.
        rng: of the null.

    Returns:
        The rows of `gain_table` with `trade_off` first, `level` in the place of `target_error`, and the target itself,
        one column an objective, named `target_NAME`.
    """
    frames = []
    for trade_off, weights in trade_offs(names).items():
        found = levels(costs, weights)
        known = pl.DataFrame({"key": pl.Series(keys, dtype=pl.UInt64), "level": found})
        told = history.join(known, on="key", how="left", maintain_order="left")
        told = told.with_columns(value=1 - pl.col("level")).drop("level")
        targets = targets_for(found, errors=list(named_levels(found).values()))
        targets = targets.filter(pl.col("target_error") < BEYOND / weights.min())
        table = gain_table(told, found, targets, estimators=("pooled",), rng=rng)
        vectors = _vectors(costs, names, weights, targets["target_error"].to_numpy())
        table = table.rename({"target_error": "level"}).join(vectors, on="level", how="left", maintain_order="left")
        frames.append(table.select(pl.lit(trade_off).alias("trade_off"), pl.all()))
    return pl.concat(frames)


def named_levels(found: Float[np.ndarray, " n"]) -> Mapping[str, float]:
    """The level of each target with a name: the one that this share of the table reaches, at least one architecture."""
    ordered = np.sort(found)
    return {name: float(ordered[max(round(len(ordered) * share), 1) - 1]) for name, share in NAMED.items()}


def _vectors(
    costs: Costs, names: Sequence[str], weights: Float[np.ndarray, " m"], at: Float[np.ndarray, " j"]
) -> pl.DataFrame:
    """The target of each level: in each objective the worst value of the table within the share."""
    inside = costs[~np.isnan(costs).any(axis=1)]
    columns = {"level": at}
    for name, column, weight in zip(names, np.sort(inside, axis=0).T, weights, strict=True):
        shares = rankdata(column, method="max") / len(column)  # of equal values each counts all
        columns[f"target_{name}"] = column[np.searchsorted(shares, at * weight + 1e-12, side="right").clip(1) - 1]
    return pl.DataFrame(columns)
