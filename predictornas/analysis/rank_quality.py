"""How well scores rank architectures: the correlation of the orders, and what the top of the order is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import kendalltau

from predictornas.analysis.urn import place_of_best
from predictornas.errors import DataError
from predictornas.normal_scores import normal_scores

HALF, ONE, FIVE = 0.005, 0.01, 0.05
"""Shares of all architectures that count as the top."""

PICKS = 10
"""Highest scores of which the best architecture counts, as in N@10 (Ning et al. 2020)."""

LEVEL = 0.9
"""Of the central interval whose coverage is measured."""


@dataclass(frozen=True)
class RankQuality:
    """What scores are worth for a search.

    Scores may be equal, and so may values: whatever depends on their order is the mean over all orders of the equal
    ones, exactly. So scores that are all equal have what random scores have on average.

    Attributes:
        tau: Kendall's tau-b between scores and values; NaN where all scores or all values are equal.
        hits_half: P@0.5 %, the share of the best 0.5 % by score that is among the best 0.5 % by value, in [0, 1].
        hits: P@1 %, the same of the best 1 %.
        hits_five: P@5 %, of the best 5 %.
        best_of_ten: N@10, the place of the best of the ten highest scores in the order by value; 1 is the best.
        regret: best value less that of the architecture with the highest score, >= 0, in the unit of the values.
    """

    tau: float
    hits_half: float
    hits: float
    hits_five: float
    best_of_ten: float
    regret: float


@dataclass(frozen=True)
class Calibration:
    """Whether a predictor is as sure as it may be.

    Attributes:
        coverage: share of the architectures whose value lies in the central 90 % interval of its prediction.
        sharpness: mean width of these intervals over the width of the one that holds 90 % of all values; the narrower
            the sharper, and worth something only where the coverage is near 90 %.
    """

    coverage: float
    sharpness: float


def rank_quality(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> RankQuality:
    """Compares the order of scores with the order of values.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.rank_quality import rank_quality
        >>> values = np.linspace(0.8, 0.9, 200)
        >>> found = rank_quality(-np.abs(values - 0.89), values)  # the best is taken for the 40th
        >>> round(found.tau, 2), found.hits, found.hits_five, found.best_of_ten, round(found.regret, 3)
        (0.96, 0.0, 0.0, 16.0, 0.01)

    Args:
        scores: `(n,)`, higher is better.
        values: `(n,)`, higher is better: accuracies as fractions, or what a column is worth.

    Raises:
        DataError: fewer than two architectures, or a value or score that is not finite.
    """
    _require(scores, values)
    half, one, five = (_precision(scores, values, share) for share in (HALF, ONE, FIVE))
    return RankQuality(
        tau=float(kendalltau(scores, values).statistic),
        hits_half=half,
        hits=one,
        hits_five=five,
        best_of_ten=_best_place(scores, values),
        regret=float(values.max() - values[scores == scores.max()].mean()),
    )


def random_quality(values: Float[np.ndarray, " n"]) -> RankQuality:
    """What random scores have on average, in closed form: the scale of `rank_quality` begins here.

    A share of k / n of the top k, where k is that share of n as a whole number; (n + 1) / 11 as the place of the best
    of ten where no values are equal; the distance from the mean to the best value as regret.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.rank_quality import random_quality
        >>> by_chance = random_quality(np.arange(1000.0))
        >>> by_chance.hits, round(by_chance.best_of_ten), by_chance.regret
        (0.01, 91, 499.5)

    Args:
        values: `(n,)`, as in `rank_quality`.

    Raises:
        DataError: as `rank_quality`.
    """
    _require(values, values)
    half, one, five = (_count(len(values), share) / len(values) for share in (HALF, ONE, FIVE))
    # every order is equally likely, which is what equal scores stand for
    place = _best_place(np.zeros(len(values)), values)
    return RankQuality(0.0, half, one, five, place, float(values.max() - values.mean()))


def calibration(
    scores: Float[np.ndarray, " n"], spread: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]
) -> Calibration:
    """Coverage and sharpness of the intervals that a predictor's uncertainty gives (ours).

    Scores have no unit, so both sides are brought to one scale: values are replaced by the normal quantiles of their
    ranks, and scores and spreads are shifted and stretched so that over the architectures, as the predictor sees them,
    mean and variance are 0 and 1. The variance is that of the scores and the mean square of the spreads together, as
    the law of total variance has it. So the unit of the scores does not matter, and a predictor that knows nothing but
    the distribution of the values has a coverage of 90 % and a sharpness of 1.

    A spread that is meant for the value without its noise covers less the noisier the values are.

    Example:
        >>> import numpy as np
        >>> from predictornas.analysis.rank_quality import calibration
        >>> rng = np.random.default_rng(0)
        >>> values = rng.normal(size=10_000)
        >>> scores = 0.75 * values + np.sqrt(0.75 * 0.25) * rng.normal(size=10_000)  # best guesses, sd 0.5 off
        >>> found = calibration(scores, np.full(10_000, 0.5), values)
        >>> round(found.coverage, 2), round(found.sharpness, 2)
        (0.9, 0.5)

    Args:
        scores: `(n,)`, as in `rank_quality`.
        spread: `(n,)` standard deviations of the scores, in their unit, >= 0.
        values: `(n,)`, as in `rank_quality`.

    Returns:
        Both 0 where the predictor says that all are equal and is sure of it.

    Raises:
        DataError: as `rank_quality`, or a spread that is negative or not finite.
    """
    _require(scores, values)
    if len(spread) != len(scores) or not (np.isfinite(spread).all() and (spread >= 0).all()):
        raise DataError(f"Each of {len(scores)} scores needs a standard deviation that is finite and not negative.")
    total = np.sqrt(scores.var() + np.mean(spread**2))
    if total == 0:
        return Calibration(0.0, 0.0)
    normal = normal_scores(values)
    centre, half = (scores - scores.mean()) / total, ndtri((1 + LEVEL) / 2) * spread / total
    inside = np.abs(normal - centre) <= half
    return Calibration(float(inside.mean()), float(half.mean() / ndtri((1 + LEVEL) / 2)))


def _require(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> None:
    if len(scores) < 2 or not (np.isfinite(scores).all() and np.isfinite(values).all()):
        raise DataError(
            f"Ranks need at least two architectures with finite scores and values; there are {len(scores)}. Leave out "
            "what was not measured."
        )


def _count(n: int, share: float) -> int:
    return max(1, round(share * n))


def _precision(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], share: float) -> float:
    count = _count(len(values), share)
    return float((_chance_in_top(scores, count) * _chance_in_top(values, count)).sum() / count)


def _chance_in_top(numbers: Float[np.ndarray, " n"], count: int) -> Float[np.ndarray, " n"]:
    """How likely each is among the `count` largest, equal ones in random order."""
    edge = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
    above, on = numbers > edge, numbers == edge
    return np.asarray(above + on * (count - above.sum()) / on.sum(), np.float64)


def _best_place(scores: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> float:
    """Mean place of the best of the highest scores over all orders of equal ones; equal values share the best place."""
    picks = min(PICKS, len(scores))
    place = 1 + len(values) - np.searchsorted(np.sort(values), values, side="right")
    edge = np.partition(scores, len(scores) - picks)[len(scores) - picks]
    sure = place[scores > edge]
    waiting = np.sort(place[scores == edge])
    chances = place_of_best(len(waiting), picks - len(sure))
    mean = (chances * np.minimum(waiting, sure.min(initial=len(values)))).sum()
    return round(float(mean), 9)  # a place that is certain is a whole number, whatever the sum of its chances
