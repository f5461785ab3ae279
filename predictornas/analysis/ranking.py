"""Average ranks of methods over blocks, and which of them Nemenyi's critical difference tells apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import chdtrc, fdtrc

from predictornas.analysis.statistics import LEVEL
from predictornas.errors import DataError

RANKS_SCHEMA = {
    "method": pl.String,
    "rank": pl.Float64,
    "groups": pl.String,
    "blocks": pl.Int64,
    "critical_difference": pl.Float64,
    "chi_square": pl.Float64,
    "chi_square_p": pl.Float64,
    "f": pl.Float64,
    "f_p": pl.Float64,
}
"""Columns of `rank_table`."""


@dataclass(frozen=True)
class FriedmanTest:
    """Whether methods that were ranked in the same blocks differ at all. Both p-values are of the null hypothesis that
    they do not, approximate, and rough for fewer than about ten blocks.

    Attributes:
        chi_square: Friedman's statistic with the correction for ties, k - 1 degrees of freedom.
        chi_square_p: its p-value.
        f: the less conservative form of Iman and Davenport 1980, k - 1 and (k - 1)(N - 1) degrees of freedom; None
            where all blocks agree, which makes it infinite.
        f_p: its p-value; None with `f`.
    """

    chi_square: float
    chi_square_p: float
    f: float | None
    f_p: float | None


def rank_table(values: pl.DataFrame) -> pl.DataFrame:
    """Average rank of every method over blocks, with the tests of Demsar 2006 (JMLR 7, section 3.2.2).

    What a block is, is up to the caller: a table with the mean over seeds, where the conclusion is about tables, or a
    seed on one table, where it is about that table alone.

    Args:
        values: `block`, `method` and `value`, one row for each block and method; the lowest value of a block gets
            rank 1, equal values share their mean rank.

    Returns:
        One row a method, best first: `method`, `rank` (1 to k), `groups` (numbers with a space between: methods that
        share one cannot be told apart), and in every row `blocks`, `critical_difference` (of two average ranks, at the
        level 0.05) and the fields of `FriedmanTest`.

    Raises:
        DataError: fewer than two blocks or methods, a missing value, or a block without exactly one value of a method.
    """
    _check_complete(values)
    ranked = values.with_columns(rank=pl.col("value").rank("average").over("block"))
    wide = ranked.pivot("method", index="block", values="rank", sort_columns=False).drop("block")
    test = friedman_test(wide.to_numpy())
    means = ranked.group_by("method", maintain_order=True).agg(pl.col("rank").mean())
    means = means.sort("rank", maintain_order=True)
    critical = critical_difference(wide.width, wide.height)
    groups = indistinct_groups(means["rank"].to_list(), critical)
    numbers = [
        " ".join(str(number) for number, (first, last) in enumerate(groups, 1) if first <= place <= last)
        for place in range(wide.width)
    ]
    shared = {"blocks": wide.height, "critical_difference": critical, **vars(test)}
    rows = [
        {**row, "groups": number, **shared} for row, number in zip(means.iter_rows(named=True), numbers, strict=True)
    ]
    return pl.DataFrame(rows, schema=RANKS_SCHEMA)


def friedman_test(ranks: Float[np.ndarray, "blocks methods"]) -> FriedmanTest:
    """Friedman's test on ranks, and its form by Iman and Davenport (Demsar 2006, section 3.2.2; ties: Conover 1999).

    Args:
        ranks: `(N, k)` rank of each method in each block, 1 to k; ties share their mean rank.
    """
    blocks, methods = ranks.shape
    middle = (methods + 1) / 2
    spread = float(((ranks - middle) ** 2).sum())  # N k (k^2 - 1) / 12 without ties
    if spread == 0:  # every method ties in every block
        return FriedmanTest(0.0, 1.0, 0.0, 1.0)
    freedom = methods - 1
    chi_square = freedom * float(((ranks.sum(axis=0) - blocks * middle) ** 2).sum()) / spread
    chi_square_p = float(chdtrc(freedom, chi_square))
    remainder = blocks * freedom - chi_square
    if remainder <= 1e-9 * blocks * freedom:
        return FriedmanTest(chi_square, chi_square_p, None, None)
    f = (blocks - 1) * chi_square / remainder
    return FriedmanTest(chi_square, chi_square_p, f, float(fdtrc(freedom, freedom * (blocks - 1), f)))


@cache
def critical_difference(methods: int, blocks: int) -> float:
    """How far two average ranks must lie apart: Nemenyi's test at the level 0.05, corrected for all pairs.

    q sqrt(k (k + 1) / (6 N)) with q the 95 % quantile of the studentised range of k means over sqrt(2) (Demsar 2006,
    section 3.2.2).

    Args:
        methods: k, at least 2.
        blocks: N, at least 1.
    """
    from scipy.stats import studentized_range  # over a second to import

    quantile = float(studentized_range.ppf(LEVEL, methods, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * blocks))


def indistinct_groups(ranks: Sequence[float], critical: float) -> list[tuple[int, int]]:
    """Maximal runs of methods whose average ranks differ by less than the critical difference.

    Args:
        ranks: average ranks, ascending.
        critical: the critical difference.

    Returns:
        First and last place of every run, from 0, both included; a method that differs from all others is a run of one.
    """
    groups: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(place for place in range(first, len(ranks)) if place == first or ranks[place] - rank < critical)
        if not groups or last > groups[-1][1]:
            groups.append((first, last))
    return groups


def _check_complete(values: pl.DataFrame) -> None:
    blocks, methods = values["block"].n_unique(), values["method"].n_unique()
    if blocks < 2 or methods < 2:
        raise DataError(
            f"Ranks need two blocks and two methods; got {blocks} and {methods}. Add tables, seeds or methods."
        )
    cells = values.drop_nulls("value").filter(pl.col("value").is_not_nan())
    if (
        len(cells) != len(values)
        or len(cells) != blocks * methods
        or cells.select("block", "method").is_duplicated().any()
    ):
        raise DataError(
            f"{blocks} blocks and {methods} methods need one value each, {blocks * methods}; got {len(cells)} of "
            f"{len(values)} rows. Leave out methods or blocks that are not complete."
        )
