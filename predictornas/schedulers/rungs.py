"""Levels and shares of promotions, and a history seen by level: who reached which one, and who comes first there."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from predictornas.errors import ConfigurationError, DataError
from predictornas.history import History
from predictornas.schedulers.base import Plan


@dataclass(frozen=True)
class Promotions:
    """What schedulers have in common that begin at the lowest level and promote a share of each.

    Attributes:
        levels: e_1 < ... < e_L in epochs.
        ratio: r, exact, 0 < r <= 1.

    Raises:
        ConfigurationError: levels that do not ascend, or a ratio out of range or not exact.
    """

    levels: tuple[int, ...]
    ratio: Fraction = Fraction(1, 2)

    def __post_init__(self) -> None:
        check_levels(self.levels)
        check_ratio(self.ratio)

    @property
    def entry(self) -> int:
        """Epochs that a newcomer is trained: e_1."""
        return self.levels[0]


@dataclass(frozen=True)
class Rungs:
    """The architectures of a history, in ascending order of their keys, against the levels of a scheduler.

    Attributes:
        history: what was evaluated.
        levels: `l` epochs, ascending.
        rows: `(n,)` the row of the history in which each architecture came in.
        reached: `(n, l)`, whether an architecture was trained to a level, or beyond it.
        begun: `(n, l)`, the same, or whether it is being promoted to it now.
        values: `(n, l)`, higher is better; -inf where an architecture was not evaluated, and where its training failed.
    """

    history: History
    levels: tuple[int, ...]
    rows: Int[np.ndarray, " n"]
    reached: Bool[np.ndarray, "n l"]
    begun: Bool[np.ndarray, "n l"]
    values: Float[np.ndarray, "n l"]

    @classmethod
    def of(cls, history: History, levels: tuple[int, ...]) -> Rungs:
        """Sorts the evaluations of a history.

        An architecture that somebody else trained to a higher level counts on the lower ones too, where it has no value
        and so is never promoted from: the pyramid keeps its shape.

        Raises:
            DataError: an evaluation after other epochs than those of a level, or one that is there twice.
        """
        columns = np.searchsorted(levels, history.epochs)
        odd = ~np.isin(history.epochs, levels)
        if odd.any():
            raise DataError(
                f"Row {odd.argmax()} of the history was evaluated after {history.epochs[odd.argmax()]} epochs, and the "
                f"scheduler's levels are {levels}. Give the scheduler the levels that the run was begun with."
            )
        keys, rows, members = np.unique(history.keys, return_index=True, return_inverse=True)
        times = np.zeros((len(keys), len(levels)), np.int64)
        np.add.at(times, (members, columns), 1)
        if (times > 1).any():
            member, column = np.argwhere(times > 1)[0]
            raise DataError(
                f"Architecture {keys[member]} has {times[member].tolist()} evaluations at the levels {levels}, and one "
                f"alone of those at {levels[column]} epochs has a place. Leave the others out."
            )
        values = np.full(times.shape, -np.inf)
        values[members, columns] = np.where(history.failed, -np.inf, history.values)
        reached = np.maximum.accumulate(times[:, ::-1], axis=1)[:, ::-1] > 0
        begun, places = reached.copy(), dict(zip(keys.tolist(), range(len(keys)), strict=True))
        for each in history.pending:
            if each.key in places and each.epochs in levels:
                begun[places[each.key], levels.index(each.epochs)] = True
        return cls(history, levels, rows, reached, begun, values)

    def waiting(self, level: int) -> Int[np.ndarray, " w"]:
        """Who succeeded at a level, counted from 0, and has not begun the next; best first, ties in order of keys."""
        succeeded = self.values[:, level] > -np.inf
        here = np.flatnonzero(succeeded & ~self.begun[:, level + 1])
        return here[np.argsort(-self.values[here, level], kind="stable")]

    def everyone(self, level: int) -> Int[np.ndarray, " r"]:
        """Who ever reached a level, counted from 0; best first, ties in order of keys."""
        here = np.flatnonzero(self.reached[:, level])
        return here[np.argsort(-self.values[here, level], kind="stable")]

    def best(self, level: int, count: int) -> Int[np.ndarray, " b"]:
        """The best `count` of everyone but those whose training failed: what is not there cannot go on."""
        ranked = self.everyone(level)[:count]
        return np.asarray(ranked[self.values[ranked, level] > -np.inf])

    def plan(self, chosen: Int[np.ndarray, " k"], level: int) -> Plan:
        """Trains some architectures to a level, counted from 0."""
        rows = self.rows[chosen]
        return Plan(self.history.genes[rows], self.history.keys[rows], self.levels[level])

    def nobody(self) -> Plan:
        """A plan without trainings."""
        return self.plan(np.empty(0, np.int64), len(self.levels) - 1)


def check_levels(levels: tuple[int, ...]) -> None:
    """Refuses levels that are none.

    Raises:
        ConfigurationError: no level, one below 1 epoch, or levels that do not ascend.
    """
    if not levels or levels[0] < 1 or any(high <= low for low, high in pairwise(levels)):
        raise ConfigurationError(f"Levels are epochs in ascending order, at least 1, not {levels}.")


def check_ratio(ratio: Fraction) -> None:
    """Refuses a share of promotions that is not exact, or none.

    Raises:
        ConfigurationError: no fraction, or one that is not in (0, 1].
    """
    if not isinstance(ratio, Fraction):
        raise ConfigurationError(
            f"The ratio {ratio!r} has to be exact, or floor(r n) is off by one where r n is whole. Give "
            f"Fraction({str(ratio)!r})."
        )
    if not 0 < ratio <= 1:
        raise ConfigurationError(f"The ratio of promotions is above 0 and at most 1, not {ratio}.")


def nominal_saving(levels: tuple[int, ...], ratio: Fraction, *, resumes: bool) -> float:
    """The most that promotions can save: epochs of a full training over those of an average newcomer.

    A newcomer reaches level i with share r^i, counted from 0. Where trainings resume it pays
    sum r^i (e_i - e_(i-1)), where each level is a training of its own sum r^i e_i.

    Args:
        levels: epochs of each level, ascending.
        ratio: share r of those on a level that are promoted to the next.
        resumes: whether a longer training continues a shorter one.
    """
    paid = [high - low if resumes else high for low, high in pairwise((0, *levels))]
    return levels[-1] / sum(float(ratio) ** level * epochs for level, epochs in enumerate(paid))
