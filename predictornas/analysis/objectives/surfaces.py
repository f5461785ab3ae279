"""What a quarter, half and three quarters of the runs attain, as a tidy table; in two objectives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from predictornas.fronts.attainment import attained

SHARES = (0.25, 0.5, 0.75)
"""Of the runs: the surfaces that are shown."""


def attainment_table(history: pl.DataFrame, names: Sequence[str], judged: Sequence[str]) -> pl.DataFrame:
    """The corners of each method's attainment surfaces after the last evaluation that all runs have.

    Args:
        history: rows with `run_id`, `method`, `order` and the judged costs; null beyond a limit.
        names: of the two objectives.
        judged: their columns.

    Returns:
        `method`, `share`, `runs` and a column for each objective, the first ascending; empty where there are not two.
    """
    if len(names) != 2:
        return pl.DataFrame()
    shortest = int(history.group_by("run_id").len()["len"].min())  # type: ignore[arg-type]
    kept = history.filter(pl.col("order").rank("ordinal").over("run_id") <= shortest)
    frames = []
    for method in kept["method"].unique(maintain_order=True):
        runs = kept.filter(pl.col("method") == method).partition_by("run_id", maintain_order=True)
        fronts = [run.select(judged).cast(pl.Float64).fill_null(np.nan).to_numpy() for run in runs]
        for share in SHARES:
            corners = attained(fronts, share)
            label = {"method": pl.lit(method), "share": pl.lit(share), "runs": pl.lit(len(runs), pl.Int64)}
            frames.append(
                pl.DataFrame(dict(zip(names, corners.T, strict=True))).select(
                    **label, **{name: pl.col(name) for name in names}
                )
            )
    return pl.concat(frames)
