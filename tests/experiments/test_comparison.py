from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import ConfigurationError, StoreError
from predictornas.experiments.comparison import compare_folders
from predictornas.experiments.execution import run_study
from predictornas.experiments.study import Study

STUDY = Study(methods=("random",), budget=20, seeds=(0, 1))


def test_folders_are_compared_after_as_many_evaluations_as_all_have(store: Path, tmp_path: Path) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    run_study(STUDY, short)
    history = run_study(replace(STUDY, budget=30), long).history
    table = compare_folders([short, long])
    assert table["evaluations"].unique().to_list() == [20]
    assert sorted(table["folder"].unique().to_list()) == [str(long), str(short)]
    expected = 1 - history.filter(pl.col("order") < 20).group_by("seed").agg(pl.col("value").max())["value"].mean()  # type: ignore[operator]
    found = table.filter((pl.col("folder") == str(long)) & (pl.col("trace") == "searched"))["mean"].item()
    assert found == pytest.approx(expected)


def test_what_cannot_be_compared(store: Path, tmp_path: Path) -> None:
    run_study(STUDY, tmp_path / "a")
    run_study(replace(STUDY, benchmark="nasbench201-cifar100"), tmp_path / "b")
    with pytest.raises(ConfigurationError, match="data_sha256"):
        compare_folders([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(StoreError, match="holds no finished study"):
        compare_folders([tmp_path / "nothing"])
    with pytest.raises(ConfigurationError, match="at least one"):
        compare_folders([])
