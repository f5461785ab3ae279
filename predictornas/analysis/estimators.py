"""Four ways to read the gain off a method's runs; each takes weighted runs, so a jackknife is one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Num

from predictornas.analysis.proposals import RunCounts
from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.errors import UnknownNameError

Weights = Num[np.ndarray, "b r"]
"""How often each of r runs counts in each of b evaluations of an estimator: ones, or a jackknife's rows."""

Estimator = Callable[[RunCounts, Float[np.ndarray, " j"], Weights], Float[np.ndarray, "b j"]]
"""From counts, the table's expected trials E_S and weights to gains in dB.

A target that no run of a row hits gets the bound that eq. 14 gives at M = 0; NaN where the estimator has no value.
"""


def pooled(counts: RunCounts, table_trials: Float[np.ndarray, " j"], weights: Weights) -> Float[np.ndarray, "b j"]:
    """One urn over all runs with copies kept: E_C = (sum K_i + 1) / (sum M_i + 1)."""
    # one urn, so copies of an architecture in several runs are several members: what all seeds found counts as often as
    # they found it
    sizes = weights @ counts.proposals
    return gain_db(table_trials, expected_trials(sizes[:, None], weights @ counts.hits))


def per_run(counts: RunCounts, table_trials: Float[np.ndarray, " j"], weights: Weights) -> Float[np.ndarray, "b j"]:
    """Mean over runs of the run's own gain in dB; runs without a hit are left out while any run has one."""
    gains = gain_db(table_trials, expected_trials(counts.proposals[:, None], counts.hits))
    resolved = weighted_mean(gains, counts.resolved, weights)
    return np.where(np.isnan(resolved), weighted_mean(gains, ~counts.resolved, weights), resolved)


def per_iteration(
    counts: RunCounts, table_trials: Float[np.ndarray, " j"], weights: Weights
) -> Float[np.ndarray, "b j"]:
    """Trials (K_t + 1) / (M_t + 1) averaged over iterations and runs before the logarithm.

    Does not separate methods for small M_S: its whole range is 10 log10(K_t + 1), 7 dB at four proposals an iteration.
    """
    trials = (weights @ counts.iteration_trials) / (weights @ counts.iterations)[:, None]
    return gain_db(table_trials, trials)


def observed(counts: RunCounts, table_trials: Float[np.ndarray, " j"], weights: Weights) -> Float[np.ndarray, "b j"]:
    """True proposals until the first hit, in the order they were made, instead of the urn's expectation.

    A run without a hit is censored at its last proposal. The waiting time is the Kaplan-Meier mean restricted to the
    most proposals that any run made (the horizon), so censored runs make it too short and the gain too high.
    """
    horizon = int(counts.proposals.max())
    trials = [
        restricted_mean(first[None], hit[None], weights, horizon)
        for first, hit in zip(counts.first_hit.T, counts.resolved.T, strict=True)
    ]
    return gain_db(table_trials, np.stack(trials, axis=1))


ESTIMATORS: dict[str, Estimator] = {
    "pooled": pooled,
    "per_run": per_run,
    "per_iteration": per_iteration,
    "observed": observed,
}
"""Every estimator by name; `pooled` is the headline."""

CAPPED_BY_PROPOSALS = ("pooled", "per_run")
"""Estimators on the urn of all proposals, whose gain cannot exceed (n + 1) / (K + 1); the others can reach E_S."""


def estimator_named(name: str) -> Estimator:
    """Looks an estimator up.

    Raises:
        UnknownNameError: with the nearest known name.
    """
    if name not in ESTIMATORS:
        raise UnknownNameError("estimator of the gain", name, ESTIMATORS)
    return ESTIMATORS[name]


def weighted_mean(
    values: Float[np.ndarray, "r j"], kept: Bool[np.ndarray, "r j"], weights: Weights
) -> Float[np.ndarray, "b j"]:
    """Mean over the runs that are kept, for each row of weights; NaN where none is."""
    total = weights @ kept
    mean = np.full(total.shape, np.nan)
    np.divide(weights @ np.where(kept, values, 0.0), total, out=mean, where=total > 0)
    return mean


def restricted_mean(
    times: Num[np.ndarray, "#b r"], hit: Bool[np.ndarray, "#b r"], weights: Num[np.ndarray, "#b r"], horizon: int
) -> Float[np.ndarray, " b"]:
    """Kaplan-Meier mean waiting time restricted to a horizon: the area under the survival curve up to it.

    At equal times hits come before censorings, as usual. After the last time the curve stays level up to the horizon.

    Args:
        times: waiting time, or the time at which a run was censored; all <= horizon.
        hit: whether the waiting ended in a hit.
        weights: how often each run counts, >= 0.
        horizon: where the area ends, in the unit of `times`.
    """
    # a hit has an even key and a censoring the odd one above it, so that at equal times hits come first
    order = np.argsort(2 * times + ~hit, axis=1, kind="stable")
    time, event = np.take_along_axis(times, order, 1), np.take_along_axis(hit, order, 1)
    shared = len(order) == 1  # one order for all resamples, which is much faster
    weight = weights[:, order[0]] if shared else np.take_along_axis(np.broadcast_to(weights, order.shape), order, 1)
    at_risk = weight[:, ::-1].cumsum(axis=1)[:, ::-1]
    # nobody at risk means nobody with a weight either: 0 / 1, not 0 / 0
    survival = np.cumprod(1 - event * weight / np.maximum(at_risk, 1), axis=1)
    widths = np.diff(time, append=horizon, axis=1)
    # up to the first time the curve is 1, and its area that time
    return np.asarray(time[:, 0] + (survival * widths).sum(axis=1), np.float64)
