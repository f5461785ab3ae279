from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.experiments.execution import run_study
from predictornas.experiments.recommendation import recommended_architecture
from predictornas.experiments.study import Study


@pytest.mark.slow
def test_it_names_the_choice_of_the_predictor_or_the_best_by_the_signal(store: Path, tmp_path: Path) -> None:
    own = Study(methods=("uniform-20",), budget=20, seeds=(1,), preset="quick")
    run_study(own, tmp_path)
    signal = Study(methods=("random",), budget=20, seeds=(0,), preset="quick")
    history = run_study(signal, tmp_path).history  # both runs, in one folder
    space = own.open().space
    random = history.filter(pl.col("method") == "random")
    best = random["genes"][random["value"].arg_max()].to_numpy().astype("int8")
    assert recommended_architecture(signal, history) == space.describe(best)
    searched = history.filter(pl.col("method") == "uniform-20").sort("order")
    named = searched.filter(pl.col("key") == searched["recommended"][-1])["genes"][0].to_numpy().astype("int8")
    assert recommended_architecture(own, history) == space.describe(named)
