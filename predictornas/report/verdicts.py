"""What may be said of a gain: sentences that follow by rule from the intervals, never wider than they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.counting import counted
from predictornas.looks import styles_of
from predictornas.report.markup import Content, element, joined
from predictornas.report.tables import interval_text

UNDECIDED = "cannot be said at this size"
"""What is said where an interval holds both answers, as in `predictornas.papers.claims`."""

NO_VERDICT = f"Fewer than {FEWEST_DIFFERENCES} seeds give no verdict."
"""What follows a measured number that rests on fewer seeds than a verdict needs."""

REFERENCE = "random"
"""The method whose gain is zero by definition: it never leads."""


@dataclass(frozen=True)
class Reached:
    """The gain of one method at one target.

    Attributes:
        method: its label.
        gain: in dB over random search; an upper bound where not resolved.
        low: lower end of the 95 % interval; None where there is none.
        high: upper end.
        resolved: whether any proposal reached the target.
        null_low: the least that random search with as many runs scores, 95 %, given that it is resolved.
        null_high: the most.
        runs: how many it rests on, each with a seed of its own.
    """

    method: str
    gain: float
    low: float | None
    high: float | None
    resolved: bool
    null_low: float | None
    null_high: float | None
    runs: int

    @property
    def is_enough(self) -> bool:
        """Whether it has the seeds that a verdict needs."""
        return self.runs >= FEWEST_DIFFERENCES

    @property
    def beats_random(self) -> bool:
        """Whether its whole interval is above zero, and its gain above what random search scores by chance.

        With fewer seeds than a verdict needs this is what was measured, not what is so.
        """
        above_chance = self.null_high is None or self.gain > self.null_high
        return self.resolved and self.low is not None and self.low > 0 and above_chance

    def ahead_of(self, other: Reached) -> bool:
        """Whether its interval lies above all that the other may have: the end of its interval, or its bound."""
        most = other.gain if not other.resolved else other.high
        apart = self.low is not None and most is not None and self.low > most
        return apart and self.is_enough and other.is_enough


def reached_at(gain: pl.DataFrame, target_error: float) -> list[Reached]:
    """What the methods have at a target, those that random search is compared with.

    Args:
        gain: from `predictornas.analysis.gain.gain_table`.
        target_error: one of its targets.
    """
    rows = gain.filter((pl.col("estimator") == "pooled") & (pl.col("target_error") == target_error))
    rows = rows.filter(pl.col("gain_db").is_not_null() & (pl.col("method") != REFERENCE))
    return [_reached(row) for row in rows.to_dicts()]


def sentence(name: str, found: Sequence[Reached]) -> Content:
    """What may be said at a target.

    Args:
        name: of the target, "best 1 %".
        found: from `reached_at`.
    """
    place = f"the {name} of the table"
    resolved = sorted((one for one in found if one.resolved), key=lambda one: -one.gain)
    if not found:
        return f"Only random search ran, so there is nothing to compare at {place}."
    if not resolved:
        return f"Whether any method reaches {place} with fewer trainings than random search {UNDECIDED}: none did."
    best = resolved[0]
    shown = f"{interval_text(best.gain, best.low, best.high, digits=1)} dB"
    if not best.beats_random:
        return joined(
            f"Whether any method reaches {place} with fewer trainings than random search {UNDECIDED}: the highest "
            f"gain, of {best.method}, is ",
            element("strong", shown) if best.is_enough else shown,
            f".{_by_chance(best)}",
        )
    ends = (best.gain, best.low, best.high)
    factor = interval_text(*(None if end is None else 10 ** (end / 10) for end in ends), digits=1)
    if not best.is_enough:
        return (
            f"At {place} the highest gain measured is that of {best.method}: {shown}, {factor} times fewer trainings "
            f"than random search over {counted(best.runs, 'seed')}. {NO_VERDICT}"
        )
    return joined(
        f"To reach {place}, ",
        element("strong", f"{best.method} needs {factor} times fewer trainings than random search"),
        f" ({shown}).",
        _compared(best, [one for one in found if one is not best]),
    )


def by_chance(row: Mapping[str, Any], name: str) -> str | None:
    """What random search shows, for a gain that has no interval; None where it has one, or is a bound.

    Args:
        row: of a summary, with `gain_db, NAME`, `low, NAME`, `resolved, NAME`, `null_low, NAME`, `null_high, NAME`.
        name: of the target.

    Example:
        >>> row = {"gain_db": 12.3, "low": None, "resolved": True, "null_low": 9.6, "null_high": 10.8}
        >>> by_chance({f"{part}, top 1 %": value for part, value in row.items()}, "top 1 %")
        'random search 9.6 to 10.8'
    """
    value, interval, low, high = (row.get(f"{part}, {name}") for part in ("gain_db", "low", "null_low", "null_high"))
    if value is None or interval is not None or low is None or high is None or not row[f"resolved, {name}"]:
        return None
    return f"random search {_range(low, high)}"


def _range(low: float, high: float) -> str:
    """ "9.6 to 10.8", or one number where both read the same."""
    return " to ".join(dict.fromkeys(f"{round(end, 1) + 0.0:.1f}" for end in (low, high)))


def _compared(best: Reached, others: Sequence[Reached]) -> str:
    if not others:
        return ""
    near = [one.method for one in others if not best.ahead_of(one)]
    if not near:
        return " It is ahead of every other method here: its interval lies above all of theirs."
    few = any(not one.is_enough for one in others if one.method in near)
    reason = f"the intervals meet, or there are fewer than {FEWEST_DIFFERENCES} seeds" if few else "the intervals meet"
    return f" Whether it is ahead of {_listed(near)} {UNDECIDED}: {reason}."


def _by_chance(best: Reached) -> str:
    """What random search would show, for where there is no interval that says it, or one that holds zero."""
    if best.null_low is None or best.null_high is None:
        return ""
    chance = f"random search that reaches it shows {_range(best.null_low, best.null_high)} dB in 95 of 100 such studies"
    if best.low is None:
        return f" There is no interval (one run, or all alike), so more {UNDECIDED}; {chance}."
    return f" For comparison, {chance}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _reached(row: dict[str, Any]) -> Reached:
    label = styles_of([row["method"]])[row["method"]].label
    ends = (row["low"], row["high"])
    return Reached(label, row["gain_db"], *ends, row["resolved"], row["null_low"], row["null_high"], row["runs"])
