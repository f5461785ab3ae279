"""What runs are compared on: as many evaluations as all of them have, and costs that differ by more than rounding."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

SAME = 1e-7
"""Costs that differ by less are one cost: above the rounding of a float32 error (6e-8), below one image of a test."""


def evaluations_of_all(curves: pl.DataFrame) -> int:
    """The most evaluations that every run has.

    Args:
        curves: rows with `run_id` and `evaluations`, which counts from 1 in each run.
    """
    return int(curves.group_by("run_id").agg(pl.col("evaluations").max())["evaluations"].min())  # type: ignore[arg-type]


def cut_to_shared(curves: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The rows of evaluations that every run of a group has: a mean over a changing set of runs would jump.

    Args:
        curves: as in `evaluations_of_all`.
        by: columns that say which group a run belongs to.
    """
    reached = curves.group_by(*by, "run_id").agg(reached=pl.col("evaluations").max())
    shortest = reached.group_by(by).agg(pl.col("reached").min())
    joined = curves.join(shortest, on=list(by), how="left", maintain_order="left")
    return joined.filter(pl.col("evaluations") <= pl.col("reached")).drop("reached")
