"""What the document of the schedulers reads in addition to its studies follows from what is beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.test_results import RESULTS, script

NOSH = RESULTS / "nosh"


def test_bounds_are_those_of_the_levels() -> None:
    assert_frame_equal(pl.read_csv(NOSH / "bounds.csv"), script("nosh_comparisons").bounds(), check_dtypes=False)


@pytest.mark.slow
def test_savings_of_resumed_trainings_follow_from_the_history(tmp_path: Path) -> None:
    shutil.copyfile(NOSH / "val30k" / "history.parquet", tmp_path / "history.parquet")
    script("nosh_comparisons").resumed(tmp_path)
    assert_frame_equal(pl.read_csv(NOSH / "val30k" / "resumed.csv"), pl.read_csv(tmp_path / "resumed.csv"))
