"""Runs that fail: how many end worse than random search's median, and what the worst quarter of the runs gains.

A mean over seeds, and more so a gain that is pooled over them, hides runs that settled early and found nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.comparability import SAME, evaluations_of_all
from predictornas.analysis.proposals import comparable, counts_of, proposals_of
from predictornas.analysis.statistics import share_interval
from predictornas.analysis.urn import expected_trials, gain_db, place_of_best
from predictornas.errors import DataError
from predictornas.quantity import ERRORS, Quantities

TRACES = ("best", "chosen", "recommended")
"""Whose end is compared with random search's: see `predictornas.analysis.regret.TRACES`."""


def robustness_table(
    history: pl.DataFrame,
    curves: pl.DataFrame,
    signal: Float[np.ndarray, " n"],
    evaluation: Float[np.ndarray, " n"],
    targets: Mapping[str, float],
    quantities: Quantities = ERRORS,
) -> pl.DataFrame:
    """How many runs of each method end worse than random search's median, and the lower quartile of their gains.

    Random search is not asked: its median after as many evaluations follows from the table. A run that ends with just
    the median is not worse. Of random search itself about half of the runs are, fewer where many architectures are
    equally good.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity.
        curves: from `predictornas.analysis.regret.incumbent_curves` of it.
        signal: `(n,)` costs of the whole table that drive the search; NaN where missing.
        evaluation: `(n,)` costs that judge it.
        targets: error of each target of the gain, by name.
        quantities: of the signal and the evaluation.

    Returns:
        One row a method: `method`, `runs`, `evaluations` (that all of its runs have); for each of `TRACES` that there
        is `TRACE_median` (random search's), `TRACE_behind` (share of the runs that end worse) and `TRACE_behind_low`,
        `TRACE_behind_high` (exact binomial, 95 %); for each target `quartile_db, NAME`, the gain that a quarter of the
        runs does not exceed, each by its own urn: null where these runs proposed nothing that reaches the target.
    """
    quartiles = _quartiles(history, signal, targets, quantities)
    rows = []
    for (method,), runs in curves.group_by("method", maintain_order=True):
        count = evaluations_of_all(runs)
        ends = runs.filter(evaluations=count)
        row: dict[str, Any] = {"method": method, "runs": len(ends), "evaluations": count}
        for trace in TRACES:
            if not ends[trace].null_count():  # what has no value is neither ahead nor behind
                median = random_median(signal, evaluation, count, chosen=trace != "best")
                row |= _behind(trace, ends[trace].to_numpy(), median)
        rows.append(row | quartiles[str(method)])
    return pl.DataFrame(rows, infer_schema_length=None)


def random_median(
    signal: Float[np.ndarray, " n"], evaluation: Float[np.ndarray, " n"], evaluations: int, *, chosen: bool
) -> float:
    """The median cost of random search over those of its runs that end with a value, in closed form.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.robustness import random_median
        >>> costs = np.arange(1000.0)  # the better the earlier
        >>> random_median(costs, costs, 100, chosen=False)  # half of all runs have one of the best seven
        6.0

    Args:
        signal: `(n,)` costs that it chooses by; NaN where the space has no such architecture.
        evaluation: `(n,)` costs that judge it; NaN where missing, which costs a run an evaluation all the same.
        evaluations: of each run, distinct.
        chosen: what the best by the signal costs, instead of the lowest cost evaluated.

    Raises:
        DataError: no architecture has both.
    """
    searched = np.isfinite(signal)
    costs = evaluation[searched]
    judged = np.isfinite(costs)
    if not judged.any():
        raise DataError("No architecture has both a signal and an evaluation. Choose two columns of the same rows.")
    # what has no evaluation is drawn too, and is the best evaluated of no run that has another
    order = signal[searched] if chosen else np.where(judged, costs, np.inf)
    ranked = np.argsort(order, kind="stable")
    chances = place_of_best(len(costs), min(evaluations, len(costs)))
    # of equal ones each is as likely the first that is found, so all share the chances of their places
    _, group = np.unique(order[ranked], return_inverse=True)
    chances = (np.bincount(group, chances) / np.bincount(group))[group][judged[ranked]]
    ends = costs[ranked][judged[ranked]]
    by_cost = np.argsort(ends, kind="stable")
    half = np.searchsorted(np.cumsum(chances[by_cost]), chances.sum() * 0.5 - 1e-12)
    return float(ends[by_cost][half])


def _behind(trace: str, costs: Float[np.ndarray, " r"], median: float) -> dict[str, float]:
    behind = int((costs > median + SAME * max(1.0, abs(median))).sum())
    low, high = share_interval(behind, len(costs))
    return {
        f"{trace}_median": median,
        f"{trace}_behind": behind / len(costs),
        f"{trace}_behind_low": low,
        f"{trace}_behind_high": high,
    }


def _quartiles(
    history: pl.DataFrame, signal: Float[np.ndarray, " n"], targets: Mapping[str, float], quantities: Quantities
) -> dict[str, dict[str, Any]]:
    """By method, for each target the gain of the last run of the worst quarter; none where it has no hit."""
    table = signal[np.isfinite(signal)]
    errors = np.unique(list(targets.values()))  # `counts_of` wants them to ascend
    trials = expected_trials(len(table), (table[:, None] <= errors).sum(axis=0))
    compared = comparable(history)
    found = proposals_of(compared.history, table, with_initial=compared.with_initial, quantity=quantities.signal)
    rows: dict[str, dict[str, Any]] = {}
    for method, runs in found.items():
        counts = counts_of(runs, errors)
        gains = gain_db(trials, expected_trials(counts.proposals[:, None], counts.hits))
        # without a hit eq. 14 gives a bound, which may be far above 0 where the target is rare: here it is the worst
        ordered = np.sort(np.where(counts.resolved, gains, -np.inf), axis=0)
        quartile = dict(zip(errors.tolist(), ordered[-(-len(gains) // 4) - 1].tolist(), strict=True))
        rows[method] = {
            f"quartile_db, {name}": quartile[error] if np.isfinite(quartile[error]) else None
            for name, error in targets.items()
        }
    return rows
