"""What a finished search names as its result."""

from __future__ import annotations

import numpy as np
import polars as pl

from predictornas.experiments.study import Study


def recommended_architecture(study: Study, history: pl.DataFrame) -> str:
    """The architecture that a run recommends by its own predictor, else its best by the signal, as its space writes it.

    Args:
        study: of one method and one seed.
        history: rows as in `predictornas.history.SCHEMA`; those of other runs in the same folder are left out.
    """
    mine = (pl.col("method") == study.methods[0]) & (pl.col("seed") == study.seeds[0])
    run = history.filter(mine).sort("order")
    recommended = run["recommended"][-1]
    named = (
        run.sort("value", descending=True, maintain_order=True)
        if recommended is None
        else run.filter(pl.col("key") == recommended)
    )
    return study.open().space.describe(np.asarray(named["genes"][0].to_numpy(), np.int8))
