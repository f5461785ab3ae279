from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import ConfigurationError, StoreError
from predictornas.quantity import ERRORS
from predictornas.studies.compared import TABLE, Result, results_in
from tests.studies.test_comparison import finals, folder_of


def test_a_folder_says_which_table_it_is_of_before_its_history_is_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", finals({"a": [0.1, 0.2]}))
    (result,) = results_in([folder])
    assert [result.study[name] for name in TABLE] == ["toy", "0123456789", "run0", "rest"]
    assert result.quantities == ERRORS
    assert result.read()["value"].to_list() == [0.9, 0.8]
    (folder / "history.parquet").unlink()
    (again,) = results_in([folder])
    with pytest.raises(StoreError, match=r"history\.parquet"):
        again.read()


def test_no_folder_and_one_twice_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", finals({"a": [0.1]}))
    with pytest.raises(ConfigurationError, match="Name at least one result folder"):
        results_in([])
    with pytest.raises(ConfigurationError, match="is named 2 times"):
        results_in([folder, folder.parent / "mine"])


def test_columns_that_are_no_two_columns_are_refused() -> None:
    result = Result(Path("mine"), {"columns": ["loss"]}, pl.DataFrame)
    with pytest.raises(StoreError, match=r"mine/manifest\.json: columns: the signal and the evaluation were expected"):
        assert result.quantities
