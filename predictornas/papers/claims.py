"""What papers say beside what was found over seeds, with a verdict that follows from the interval by rule."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import polars as pl

from predictornas.analysis.statistics import Bounds, over_seeds

UNDECIDED = "cannot be said at this size"
"""What is said of an interval that contains both answers."""

DIFFERENCE: Bounds = (-1.0, 1.0)
"""Bounds of the difference of two shares, such as accuracies."""

SPREAD = ("std", "low", "high", "runs")
"""Columns of `over_seeds` that follow a mean."""

_CLAIM = re.compile(r"(>=|>|<=|<|about)? ?(-?\d*\.?\d+)(, .*| \(.*\))?")


def verdict(said: object, low: float | None, high: float | None) -> str | None:
    """Whether an interval bears a claim out: "yes" or "no" where it lies on one side, else `UNDECIDED`.

    That a quantity equals a number can be refuted only: every interval around it contains other values too. Where
    there is no interval, because one seed was run or all are alike, nothing can be said.

    Args:
        said: "> 0", ">= 0", "< 0", "<= 0", "about 0", or "0" for what it should equal, with any number, perhaps with a
            remark after a comma or in brackets. Nothing follows from other words, and nothing from a float: that is
            what the paper measured at its own size, and no claim about ours.
        low: lower end of the interval; None where there is none.
        high: upper end, likewise.
    """
    found = _CLAIM.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        return None
    if low is None or high is None:
        return UNDECIDED
    relation, limit = found[1] or "about", float(found[2])
    if relation == "about":
        return "no" if low > limit or high < limit else UNDECIDED
    above, below = ("yes", "no") if relation[0] == ">" else ("no", "yes")
    return above if low > limit else below if high < limit else UNDECIDED


def alike(rows: pl.DataFrame) -> str:
    """Whether all rows may have one value: "no" where two of their intervals do not meet, else `UNDECIDED`."""
    known = rows.drop_nulls(["low", "high"])
    apart = len(known) > 1 and float(known["low"].to_numpy().max()) > float(known["high"].to_numpy().min())
    return "no" if apart else UNDECIDED


def judged(rows: pl.DataFrame, said: str) -> pl.DataFrame:
    """The rows with a last column `verdict` of what their column `said` claims of their interval."""
    verdicts = [verdict(row[said], row["low"], row["high"]) for row in rows.iter_rows(named=True)]
    return rows.with_columns(verdict=pl.Series(verdicts, dtype=pl.String))


def beside(
    values: pl.DataFrame, quantity: str, said: Mapping[str, Any], *, column: str = "paper", bounds: Bounds | None = None
) -> pl.DataFrame:
    """What the paper says of each setting, a claim or a number, beside the mean of ours, and the verdict.

    Args:
        values: columns `setting` and `value`, one row a seed.
        quantity: what is compared.
        said: by setting.
        column: where that is written.
        bounds: of the values, as in `over_seeds`.
    """
    ours = over_seeds(values, ["setting"], "value", bounds=bounds).rename({"mean": "ours"})
    rows = pl.DataFrame({"setting": list(said), column: list(said.values())})
    rows = rows.join(ours, on="setting", how="left", maintain_order="left")
    return judged(rows.select(pl.lit(quantity).alias("quantity"), "setting", column, "ours", *SPREAD), column)


def difference_of(bounds: Bounds | None) -> Bounds | None:
    """The bounds of a difference of two quantities with these bounds; None where it has none."""
    width = math.inf if bounds is None else bounds[1] - bounds[0]
    return None if math.isinf(width) else (-width, width)


def steps(
    values: pl.DataFrame, quantity: str, paper: Mapping[str, float], *, bounds: Bounds | None = None
) -> pl.DataFrame:
    """Whether the order of the paper's numbers holds from each setting to the next, paired by seed.

    Args:
        values: columns `setting`, `seed` and `value`.
        quantity: what is compared; ", difference" is added to it.
        paper: the paper's numbers, all different, by setting in the order in which they are compared.
        bounds: of the values.
    """
    said: dict[str, str] = {}
    parts = []
    for first, second in pairwise(paper):
        name = f"{first} - {second}"
        said[name] = "> 0" if paper[first] > paper[second] else "< 0"
        both = values.filter(pl.col("setting") == first).join(values.filter(pl.col("setting") == second), on="seed")
        parts.append(both.select(setting=pl.lit(name), value=pl.col("value") - pl.col("value_right")))
    named, bounds = f"{quantity}, difference", difference_of(bounds)
    return beside(pl.concat(parts), named, said, column="claim", bounds=bounds)


def together(*tables: pl.DataFrame) -> pl.DataFrame:
    """Tables of the paper's numbers and of its claims, one below the other."""
    both = pl.concat(tables, how="diagonal_relaxed")
    return both.select("quantity", "setting", "paper", "claim", "ours", *SPREAD, "verdict")
