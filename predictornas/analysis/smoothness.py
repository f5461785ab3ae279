"""Whether architectures that look alike are about as good: accuracies of pairs by their edit distance.

That they are is the premise of evolutionary sampling (Mauch et al. 2020, section 3.2), which does not measure it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, UInt8
from scipy.stats import rankdata

from predictornas.analysis.statistics import bootstrap_interval
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.edit_distance import EditDistances
from predictornas.spaces.product import ProductSpace

FEWEST_PAIRS = 300
"""Pairs below which nothing is said of a distance (ours)."""

BEST, GOOD = 0.001, 0.01
"""Shares of a table: neighbours of the best are counted that are among the good."""

RANKS, ACCURACIES, GOOD_NEIGHBOURS = "rank correlation", "correlation", "share of the best 1 %"
"""Quantities of `smoothness_table`."""

DISTANCE, AGAIN, RANDOM = "distance", "trained again", "random pairs"
"""What its rows are about: pairs of a distance, an architecture and itself, or any two."""

_MOST = 32  # above every distance in the spaces of this package

_SCHEMA = {
    "quantity": pl.String,
    "of": pl.String,
    "distance": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "pairs": pl.Int64,
    "anchors": pl.Int64,
}


def smoothness_table(
    space: SearchSpace,
    genes: Genes,
    signal: Float[np.ndarray, " n"],
    again: Float[np.ndarray, " n"],
    *,
    anchors: int = 500,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Correlation of the accuracies of two architectures by their edit distance, and what is near the best ones.

    The pairs of a distance are those of some architectures, the anchors, with all others: of every architecture where
    the table is a whole space of independent choices, otherwise of `anchors` random ones. The noise of a training
    lowers every correlation: how far is shown by that of an architecture's accuracy with its own in `again`.

    Args:
        space: says how far apart two architectures are, see `EditDistances`.
        genes: `(n, g)` all of the table.
        signal: `(n,)` accuracies of one training each.
        again: `(n,)` accuracies of other trainings of the same architectures, or their means.
        anchors: how many random ones, and how many of the best at most.
        rng: the only source of randomness.

    Returns:
        `quantity`, `of`, `distance`, `value`, `low`, `high`, `pairs`, `anchors`. Rank correlations are Spearman's,
        correlations Pearson's, each within the pairs of its distance; the share of the best 1 % is that among the
        architectures at a distance from one of the best 0.1 %. Intervals, 95 %, are from a bootstrap of the anchors;
        null where all pairs were looked at. Distances with fewer than `FEWEST_PAIRS` pairs are left out.
    """
    distances = EditDistances(space, genes)
    scales = np.stack([rankdata(signal) / len(signal), signal])
    exact = isinstance(space, ProductSpace) and len(genes) == len(space)
    if isinstance(space, ProductSpace) and exact:
        sums = _all_sums(space.num_choices, scales[:, np.argsort(space.rows(genes))])
    else:
        chosen = rng.choice(len(genes), min(anchors, len(genes)), replace=False)
        sums = np.stack([_sums(distances.to(genes[row]), scales, row) for row in chosen.tolist()])
    rows = []
    for place, quantity in enumerate((RANKS, ACCURACIES)):
        rows += _by_distance(quantity, sums[:, place], None if exact else rng)
    order = rng.permutation(len(genes))
    again_scales = np.stack([rankdata(again), again])
    for place, quantity in enumerate((RANKS, ACCURACIES)):
        one, trained = scales[place], again_scales[place]
        rows.append(_row(quantity, AGAIN, _pearson(one, trained), pairs=len(one)))
        rows.append(_row(quantity, RANDOM, _pearson(one, one[order]), pairs=len(one)))
    rows += _near_the_best(distances, genes, signal, again, anchors)
    return pl.DataFrame(rows, schema=_SCHEMA)


def _all_sums(choices: tuple[int, ...], scales: Float[np.ndarray, "s n"]) -> Float[np.ndarray, "n s 6 d"]:
    """`_sums` of every row of a product of choices, from one pass over the genes."""
    others = np.stack([_at_distances(choices, values**power) for values in scales for power in (1, 2)])
    count = _at_distances(choices, np.ones(scales.shape[1]))
    sums = np.zeros((scales.shape[1], len(scales), 6, _MOST))
    for place, values in enumerate(scales):
        other, squares, own = others[2 * place], others[2 * place + 1], values[:, None]
        parts = (count, own * count, other, own**2 * count, squares, own * other)
        sums[:, place, :, 1 : count.shape[1]] = np.stack(parts, axis=1)[:, :, 1:]
    return sums


def _at_distances(choices: tuple[int, ...], values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
    """For each row of choices the sum of the values of all rows at distance 0, 1, ... from it.

    A gene either stays or takes one of its other choices, which is one edit more.
    """
    sums = [values.reshape(choices)]
    for axis in range(len(choices)):
        stay = [*sums, np.zeros(choices)]
        changed = [np.zeros(choices), *(one.sum(axis=axis, keepdims=True) - one for one in sums)]
        sums = [same + other for same, other in zip(stay, changed, strict=True)]
    return np.stack([one.ravel() for one in sums], axis=1)


def _sums(distances: UInt8[np.ndarray, " n"], scales: Float[np.ndarray, "s n"], row: int) -> Float[np.ndarray, "s 6 d"]:
    """Of the pairs of one anchor, by distance: their number, and the sums of x, y, xx, yy, xy."""
    counts = np.bincount(distances, minlength=_MOST).astype(np.float64)
    sums = np.empty((len(scales), 6, _MOST))
    for place, values in enumerate(scales):
        own = values[row]
        other = np.bincount(distances, values, _MOST)
        squares = np.bincount(distances, values**2, _MOST)
        sums[place] = counts, own * counts, other, own**2 * counts, squares, own * other
    sums[:, :, 0] = 0  # the anchor itself
    return sums


def _correlation(sums: Float[np.ndarray, "a 6"]) -> float:
    """Pearson's correlation of the pairs of some anchors, each pair taken both ways round."""
    pairs, first, second, first_squares, second_squares, products = sums.sum(axis=0)
    mean = (first + second) / (2 * pairs)
    variance = (first_squares + second_squares) / (2 * pairs) - mean**2
    return float((products / pairs - mean**2) / variance)


def _by_distance(
    quantity: str, sums: Float[np.ndarray, "a 6 d"], rng: np.random.Generator | None
) -> list[dict[str, Any]]:
    rows = []
    for distance in np.flatnonzero(sums[:, 0].sum(axis=0) >= FEWEST_PAIRS):
        own = sums[sums[:, 0, distance] > 0, :, distance]
        ends = (None, None) if rng is None else bootstrap_interval(own, statistic=_correlation, rng=rng)
        row = _row(quantity, DISTANCE, _correlation(own), distance=int(distance), pairs=int(own[:, 0].sum()))
        rows.append({**row, "low": ends[0], "high": ends[1], "anchors": len(own)})
    return rows


def _near_the_best(
    distances: EditDistances,
    genes: Genes,
    signal: Float[np.ndarray, " n"],
    again: Float[np.ndarray, " n"],
    anchors: int,
) -> list[dict[str, Any]]:
    """The share of the best 1 % by distance from one of the best 0.1 %, and among those when trained again."""
    best = np.argsort(-signal, kind="stable")[: max(1, round(BEST * len(signal)))]
    good = _among_best(signal, GOOD)
    found = np.zeros((2, _MOST))
    for row in best[:anchors]:
        away = distances.to(genes[row])
        found += [np.bincount(away, minlength=_MOST), np.bincount(away[good], minlength=_MOST)]
    rows = []
    for distance in np.flatnonzero(found[0] >= FEWEST_PAIRS):
        if distance > 0:
            share, pairs = float(found[1, distance] / found[0, distance]), int(found[0, distance])
            row = _row(GOOD_NEIGHBOURS, DISTANCE, share, distance=int(distance), pairs=pairs)
            rows.append({**row, "anchors": len(best[:anchors])})
    still = float(_among_best(again, GOOD)[best].mean())
    return [
        *rows,
        _row(GOOD_NEIGHBOURS, AGAIN, still, pairs=len(best)),
        _row(GOOD_NEIGHBOURS, RANDOM, float(good.mean()), pairs=len(signal)),
    ]


def _among_best(values: Float[np.ndarray, " n"], share: float) -> Bool[np.ndarray, " n"]:
    count = max(1, round(share * len(values)))
    return np.asarray(values >= np.partition(values, len(values) - count)[len(values) - count])


def _pearson(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    return float(np.corrcoef(first, second)[0, 1])


def _row(quantity: str, of: str, value: float, *, pairs: int, distance: int | None = None) -> dict[str, Any]:
    facts = {"quantity": quantity, "of": of, "distance": distance, "value": value}
    return facts | {"low": None, "high": None, "pairs": pairs, "anchors": None}
