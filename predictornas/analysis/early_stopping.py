"""What a scheduler that stops trainings early saves: its nominal bound, times the chance that the best survives.

Successive halving trains N candidates to the first level and the best share r of each level to the next. Started with N
it costs as many full trainings as N over the nominal bound (`predictornas.schedulers.rungs.nominal_saving`). It ends
with the best that survives, which is as good as the best of S N full trainings, where S is the chance that one of the
very best candidates survives every rung. So at equal quality it saves S times the bound, and less where the levels
disagree on the best. S is read off a table, for random candidates or for those that a predictor chose; without a table
it follows from how the levels of a pilot agree, as a Gaussian copula. docs/results/expected-gain.md compares all three
with what halvings saved. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import nan

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import invwishart

from predictornas.analysis.level_copula import drawn_levels, level_correlations, proper
from predictornas.analysis.statistics import TAILS, share_interval
from predictornas.errors import ConfigurationError
from predictornas.normal_scores import normal_scores
from predictornas.schedulers.rungs import check_levels, check_ratio, nominal_saving

FEWEST = 5
"""Architectures by which the survival of the best is measured at least."""

VERY_BEST = 2
"""Of N candidates so many are the very best."""

DRAWN = 20_000
"""Architectures that are drawn from a copula at least; a hundred times the candidates where that is more."""

PAYS = 1.5
"""Saving from which early stopping pays, as the boundary is drawn (ours)."""


@dataclass(frozen=True)
class Saving:
    """What is to be expected of a halving.

    Attributes:
        nominal: how many times fewer epochs it trains than all candidates would.
        survival: S, chance that one of the very best candidates survives every rung.
        low: where the 95 % interval of S begins; NaN where there is none.
        high: where it ends.
    """

    nominal: float
    survival: float
    low: float = nan
    high: float = nan

    @property
    def factor(self) -> float:
        """How many times fewer epochs it needs than full trainings for a result as good."""
        return self.nominal * self.survival

    @property
    def between(self) -> tuple[float, float]:
        """95 % interval of the factor."""
        return self.nominal * self.low, self.nominal * self.high


def expected_saving(
    values: Float[np.ndarray, "n l"],
    levels: tuple[int, ...],
    *,
    ratio: Fraction,
    candidates: int,
    resumes: bool = True,
) -> Saving:
    """The saving of a halving of random candidates.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np
        >>> from predictornas.analysis.early_stopping import expected_saving
        >>> final = np.random.default_rng(0).normal(size=10_000)
        >>> agreeing, random = (np.stack([first, final], axis=1) for first in (final, np.roll(final, 1)))
        >>> round(expected_saving(agreeing, (1, 9), ratio=Fraction(3, 10), candidates=100).factor, 2)
        2.65
        >>> round(expected_saving(random, (1, 9), ratio=Fraction(3, 10), candidates=100).factor, 1)
        0.7

    Args:
        values: of each architecture of the table at each level, the higher the better, all finite.
        levels: epochs, ascending.
        ratio: r, the share that is promoted.
        candidates: N; the very best are the best 2 / N of the table, at least five.
        resumes: whether a longer training continues a shorter one, which then costs the difference alone.

    Raises:
        ConfigurationError: levels that do not ascend, a ratio out of range, values that are not finite or not one a
            level, fewer candidates than one that survives.
    """
    _check(values, levels, ratio, candidates)
    good = _best(values[:, -1], candidates)
    found, best = survival(values, good, ratio), int(good.sum())
    return Saving(nominal_saving(levels, ratio, resumes=resumes), found, *share_interval(round(found * best), best))


def chosen_saving(
    values: Float[np.ndarray, "n l"],
    scores: Sequence[Float[np.ndarray, " n"]],
    levels: tuple[int, ...],
    *,
    ratio: Fraction,
    candidates: int,
    resumes: bool = True,
) -> Saving:
    """The saving of a halving of candidates that a predictor chose: the best N by its scores.

    S is the share of the two best of them that survives, in the mean over fits. All fits may lead to the same few
    architectures, so the interval is that of a share of as many as these are.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np
        >>> from predictornas.analysis.early_stopping import chosen_saving, expected_saving
        >>> rng = np.random.default_rng(21)
        >>> final = rng.normal(size=10_000)
        >>> values = np.stack([final + 2 * rng.normal(size=10_000), final], axis=1)
        >>> fits = [final + 0.5 * rng.normal(size=10_000) for _ in range(20)]
        >>> asked = {"levels": (1, 9), "ratio": Fraction(3, 10), "candidates": 100}
        >>> round(expected_saving(values, **asked).factor, 1), round(chosen_saving(values, fits, **asked).factor, 1)
        (2.0, 1.2)

    Args:
        values: as in `expected_saving`.
        scores: of every architecture, by fit, the higher the better; NaN where it learned from the architecture.
        levels: as in `expected_saving`.
        ratio: r.
        candidates: N.
        resumes: as in `expected_saving`.

    Raises:
        ConfigurationError: as in `expected_saving`; no fit, or one with fewer scores than candidates.
    """
    _check(values, levels, ratio, candidates)
    if not len(scores) or min(int(np.isfinite(own).sum()) for own in scores) < max(candidates, VERY_BEST):
        raise ConfigurationError(f"Scores of at least one fit are needed, of {candidates} architectures or more.")
    shares, best = [], set[int]()
    for own in scores:
        chosen = np.argsort(np.where(np.isfinite(own), -own, np.inf), kind="stable")[:candidates]
        good = np.zeros(candidates, bool)
        good[np.argsort(-values[chosen, -1], kind="stable")[:VERY_BEST]] = True
        shares.append(survival(values[chosen], good, ratio))
        best.update(chosen[good].tolist())
    found = float(np.mean(shares))
    ends = share_interval(round(found * len(best)), len(best))
    return Saving(nominal_saving(levels, ratio, resumes=resumes), found, *ends)


def agreement_saving(
    correlations: Float[np.ndarray, "p p"],
    levels: tuple[int, ...],
    *,
    ratio: Fraction,
    candidates: int,
    resumes: bool = True,
    chosen: float | None = None,
    rng: np.random.Generator,
) -> Saving:
    """The saving where nothing is known but how levels agree.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np
        >>> from predictornas.analysis.early_stopping import agreement_saving
        >>> agree = np.array([[1.0, 0.6], [0.6, 1.0]])
        >>> rng = np.random.default_rng(0)
        >>> round(agreement_saving(agree, (1, 9), ratio=Fraction(1, 2), candidates=100, rng=rng).survival, 1)
        0.9

    Args:
        correlations: between the normal scores of the levels, as `predictornas.analysis.level_copula` has them; with
            `chosen` a predictor's scores come first.
        levels: as in `expected_saving`.
        ratio: r.
        candidates: N.
        resumes: as in `expected_saving`.
        chosen: share of the architectures that have the predictor's best scores, of which the candidates are; None for
            random candidates.
        rng: the only source of randomness.

    Raises:
        ConfigurationError: as in `expected_saving`; correlations that contradict each other.
    """
    values = drawn_levels(correlations, max(DRAWN, 100 * candidates), rng, chosen=chosen)
    _check(values, levels, ratio, candidates)
    return Saving(
        nominal_saving(levels, ratio, resumes=resumes), survival(values, _best(values[:, -1], candidates), ratio)
    )


def saving_from_pilot(
    curves: Float[np.ndarray, "n l"],
    levels: tuple[int, ...],
    *,
    ratio: Fraction,
    candidates: int,
    resumes: bool = True,
    draws: int = 200,
    rng: np.random.Generator,
) -> Saving:
    """The saving of a halving of random candidates, from the learning curves of a few, about 30, without a table.

    Correlations of the normal scores of the levels are measured in the pilot. The interval is over what they may be: a
    Gaussian sample leaves the covariances an inverse Wishart distribution with n - 1 degrees of freedom (Jeffreys'
    prior).

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np
        >>> from predictornas.analysis.early_stopping import saving_from_pilot
        >>> rng = np.random.default_rng(0)
        >>> late = rng.normal(size=30)
        >>> curves = np.stack([late + rng.normal(size=30), late], axis=1)
        >>> found = saving_from_pilot(curves, (1, 9), ratio=Fraction(3, 10), candidates=100, draws=40, rng=rng)
        >>> round(found.nominal, 1), found.low < found.survival < found.high
        (2.6, True)

    Args:
        curves: of each architecture at each level, the higher the better, all finite; random architectures, two more
            than there are levels at least.
        levels: as in `expected_saving`.
        ratio: r.
        candidates: N of the halving that is asked about.
        resumes: as in `expected_saving`.
        draws: of correlations, for the interval.
        rng: the only source of randomness.

    Raises:
        ConfigurationError: as in `expected_saving`; too few curves, or a level at which all are equal.
    """
    _check(curves, levels, ratio, candidates)
    if len(curves) < len(levels) + 2:
        raise ConfigurationError(f"{len(curves)} curves say nothing about {len(levels)} levels. Train about 30.")
    measured = level_correlations(curves)

    def expected(correlations: Float[np.ndarray, "l l"]) -> Saving:
        return agreement_saving(correlations, levels, ratio=ratio, candidates=candidates, resumes=resumes, rng=rng)

    freedom = len(curves) - 1
    drawn = invwishart.rvs(freedom, freedom * proper(measured), size=draws, random_state=rng).reshape(
        draws, *measured.shape
    )
    spreads = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
    ends = np.quantile([expected(each).survival for each in drawn / spreads[:, :, None] / spreads[:, None, :]], TAILS)
    return replace(expected(measured), low=float(ends[0]), high=float(ends[1]))


def survival(values: Float[np.ndarray, "n l"], good: Bool[np.ndarray, " n"], ratio: Fraction) -> float:
    """Share of some architectures that survives every rung, where the whole table begins.

    Of equal values at the end of what goes on each survives in part, and so goes into the next rung: exact where no
    values are equal, a mean field where some are.

    Args:
        values: as in `expected_saving`.
        good: which architectures.
        ratio: r.
    """
    alive = np.ones(len(values))
    for level in range(values.shape[1] - 1):
        _, place = np.unique(-values[:, level], return_inverse=True)
        sizes = np.bincount(place, weights=alive)
        better = np.cumsum(sizes) - sizes
        room = np.clip(float(ratio) * alive.sum() - better, 0, sizes)
        alive *= np.divide(room, sizes, out=np.zeros_like(sizes), where=sizes > 0)[place]
    return float(alive[good].mean())


def halving_saving(
    values: Float[np.ndarray, "n l"],
    levels: tuple[int, ...],
    *,
    ratio: Fraction,
    candidates: int,
    resumes: bool = True,
    runs: int = 1000,
    rng: np.random.Generator,
) -> float:
    """The same, measured: halvings of random candidates beside as many full trainings as end equally well.

    Ends well: the mean normal score of the best survivor's rank at the last level. The number of full trainings is
    found without drawing any, from the table's order.

    Args:
        values: as in `expected_saving`.
        levels: epochs, ascending.
        ratio: r.
        candidates: N, drawn without replacement.
        resumes: as in `expected_saving`.
        runs: halvings.
        rng: the only source of randomness.

    Raises:
        ConfigurationError: as in `expected_saving`; more candidates than the table has.
    """
    _check(values, levels, ratio, candidates)
    if candidates > len(values):
        raise ConfigurationError(f"{candidates} candidates were asked for, the table has {len(values)}.")
    scores = normal_scores(values[:, -1])
    found = np.mean([_halved(values, scores, ratio, candidates, rng) for _ in range(runs)])
    full = _as_good(np.sort(scores)[::-1], float(found), candidates)
    return full * nominal_saving(levels, ratio, resumes=resumes) / candidates


def boundary(ratios: Sequence[float], factors: Sequence[float], pays: float = PAYS) -> float:
    """The largest share r up to which a scheduler pays, between the given ones; 0 where it never does.

    Args:
        ratios: ascending.
        factors: saving at each.
        pays: from which saving on it pays.
    """
    above = [place for place, factor in enumerate(factors) if factor >= pays]
    if not above:
        return 0.0
    last = above[-1]
    if last == len(ratios) - 1:
        return float(ratios[last])
    part = (factors[last] - pays) / (factors[last] - factors[last + 1])
    return float(ratios[last] + part * (ratios[last + 1] - ratios[last]))


def _halved(
    values: Float[np.ndarray, "n l"],
    scores: Float[np.ndarray, " n"],
    ratio: Fraction,
    size: int,
    rng: np.random.Generator,
) -> float:
    left = rng.choice(len(values), size, replace=False)
    for level in range(values.shape[1] - 1):
        kept = max(1, int(len(left) * ratio))
        left = left[np.argpartition(-values[left, level], kept - 1)[:kept]]
    return float(scores[left].max())


def _as_good(descending: Float[np.ndarray, " n"], aim: float, candidates: int) -> float:
    """Number of random full trainings, a real number, whose best has a mean score of `aim`."""
    table = len(descending)
    worse = 1 - np.arange(table + 1) / table

    def best_of(count: float) -> float:
        return float(descending @ (worse[:-1] ** count - worse[1:] ** count))

    low, high = np.log(0.5), np.log(5.0 * candidates)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if best_of(np.exp(middle)) < aim else (low, middle)
    return float(np.exp(low))


def _best(final: Float[np.ndarray, " n"], candidates: int) -> Bool[np.ndarray, " n"]:
    good = np.zeros(len(final), bool)
    good[np.argsort(-final, kind="stable")[: max(FEWEST, round(2 * len(final) / candidates))]] = True
    return good


def _check(values: Float[np.ndarray, "n l"], levels: tuple[int, ...], ratio: Fraction, candidates: int) -> None:
    check_levels(levels)
    check_ratio(ratio)
    if values.shape[1] != len(levels) or not np.isfinite(values).all():
        raise ConfigurationError(f"A finite value at each of the {len(levels)} levels is needed of every architecture.")
    if candidates * ratio ** (len(levels) - 1) < 1:
        raise ConfigurationError(
            f"Of {candidates} candidates none is left after {len(levels) - 1} rungs that promote {ratio}. Start more."
        )
