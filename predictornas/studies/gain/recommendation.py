"""What a finished search names as its result."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.errors import AtWorkError, ConfigurationError
from predictornas.history import History
from predictornas.schedulers.base import incumbent
from predictornas.studies.gain.opened import OpenedStudy


def recommended_architecture(opened: OpenedStudy, history: pl.DataFrame) -> Int8[np.ndarray, " g"]:
    """The genes that a run recommends: those of its own opinion, else the best by the signal.

    Args:
        opened: a study of one method and one seed.
        history: rows as in `predictornas.history.SCHEMA`; those of other runs in the same folder are left out.

    Raises:
        AtWorkError: the run has not ended: another command is at it.
        ConfigurationError: every training failed.
    """
    study = opened.study
    mine = (pl.col("method") == study.method_names[0]) & (pl.col("seed") == study.seeds[0])
    run = history.filter(mine).sort("order")
    if run.is_empty():
        raise AtWorkError(f"Another command is at seed {study.seeds[0]}. The same command shows its result later.")
    seen, named = history_of(run), run["recommended"][-1]
    row = incumbent(seen) if named is None else int(np.flatnonzero(seen.keys == named)[0])
    if row is None:
        raise ConfigurationError("Every training failed, so there is nothing to recommend.")
    return np.asarray(seen.genes[row])


def history_of(run: pl.DataFrame) -> History:
    """What a strategy could look at after a run.

    Args:
        run: the rows of one run as in `predictornas.history.SCHEMA`, in order of evaluation, at least one.
    """
    return History(
        keys=run["key"].to_numpy(),
        genes=np.array(run["genes"].to_list(), np.int8),
        epochs=run["epochs"].to_numpy(),
        values=run["value"].fill_null(np.nan).to_numpy(),
        iterations=run["iteration"].to_numpy(),
    )
