"""What a scheduler that stops trainings early saves: its nominal bound, times the chance that the best survives.

Successive halving trains N candidates to the first level and the best share r of each level to the next. Started with N
it costs as many full trainings as N over the nominal bound (`predictornas.schedulers.rungs.nominal_saving`). It ends
with the best that survives, which is as good as the best of S N full trainings, where S is the chance that one of the
very best candidates survives every rung. So at equal quality it saves S times the bound, and less where the levels
disagree on the best. Nothing here is fitted; docs/results/expected-gain.md compares it with halvings on tables. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri
from scipy.stats import rankdata

from predictornas.errors import ConfigurationError
from predictornas.schedulers.rungs import check_levels, check_ratio, nominal_saving

FEWEST = 5
"""Architectures by which the survival of the best is measured at least."""

PAYS = 1.5
"""Saving from which early stopping pays, as the boundary is drawn (ours)."""


@dataclass(frozen=True)
class Saving:
    """What is to be expected of a halving.

    Attributes:
        nominal: how many times fewer epochs it trains than all candidates would.
        survival: chance that one of the best candidates survives every rung.
    """

    nominal: float
    survival: float

    @property
    def factor(self) -> float:
        """How many times fewer epochs it needs than full trainings for a result as good."""
        return self.nominal * self.survival


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
    nominal = nominal_saving(levels, ratio, resumes=resumes)
    return Saving(nominal, survival(values, _best(values[:, -1], candidates), ratio))


def survival(values: Float[np.ndarray, "n l"], good: Bool[np.ndarray, " n"], ratio: Fraction) -> float:
    """Share of some architectures that survives every rung, where the whole table begins.

    Args:
        values: as in `expected_saving`.
        good: which architectures.
        ratio: r.
    """
    alive = np.ones(len(values), bool)
    for level in range(values.shape[1] - 1):
        alive &= values[:, level] > np.quantile(values[alive, level], 1 - float(ratio))
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
    scores = ndtri((rankdata(values[:, -1]) - 0.5) / len(values))
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
