"""The history of a study: what a search saw, and how it is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.errors import JournalError
from predictornas.journal import Journal
from predictornas.studies.gain.runs import Run
from predictornas.studies.objectives.execution import ObjectivesOutcome
from predictornas.studies.objectives.runs import history_of
from tests.studies.objectives.conftest import STUDY


def test_costs_are_those_of_the_table(outcome: ObjectivesOutcome) -> None:
    opened, history = STUDY.open(), outcome.history
    table = opened.benchmark
    rows = table.rows(history["key"].to_numpy())
    assert table.evaluation is not None
    assert history["searched_error"].to_numpy() == pytest.approx(1 - history["value"].to_numpy())
    assert np.array_equal(history["judged_error"].to_numpy(), 1 - table.values(table.evaluation)[rows].astype(float))
    assert np.array_equal(history["judged_parameters"].to_numpy(), table.values("parameters")[rows].astype(float))
    assert history.equals(pl.read_parquet(outcome.folder / "history.parquet"))


def test_a_journal_of_another_study_is_refused(tmp_path: Path) -> None:
    run = Run("ab", "random", 0)
    with Journal(run.journal(tmp_path)) as journal:
        journal.append({"kind": "run", **run.identity})
        journal.append({"kind": "end", "evaluations": 0})
    with pytest.raises(JournalError, match="another study"):
        history_of(tmp_path, STUDY.open(), [run])
