from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import AtWorkError, ConfigurationError
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.recommendation import recommended_architecture
from predictornas.studies.gain.study import Study


@pytest.mark.thorough
def test_it_names_the_opinion_of_the_search_or_the_best_by_the_signal(store: Path, tmp_path: Path) -> None:
    own = Study(methods=("bayesian-optimisation",), budget=20, seeds=(1,), preset="quick")
    run_study(own, tmp_path)
    signal = Study(methods=("random",), budget=20, seeds=(0,), preset="quick")
    history = run_study(signal, tmp_path).history  # both runs, in one folder
    random = history.filter(pl.col("method") == "random")
    best = random["genes"][random["value"].arg_max()].to_numpy().astype("int8")
    assert recommended_architecture(open_study(signal), history).tolist() == best.tolist()
    searched = history.filter(pl.col("method") == "bayesian-optimisation").sort("order")
    named = searched.filter(pl.col("key") == searched["recommended"][-1])["genes"][0].to_numpy().astype("int8")
    assert recommended_architecture(open_study(own), history).tolist() == named.tolist()


def test_the_best_by_the_signal_was_trained_longest_and_did_not_fail() -> None:
    study = Study(methods=("random",), seeds=(0,))
    space = study.open().space
    genes = space.enumerate()[:3]
    history = pl.DataFrame(
        {
            "method": "random",
            "seed": 0,
            "iteration": [0, 0, 0, 1, 1],
            "order": range(5),
            "key": pl.Series(space.keys(genes[[0, 1, 2, 1, 2]]), dtype=pl.UInt64),
            "genes": genes[[0, 1, 2, 1, 2]].tolist(),
            "epochs": [1, 1, 1, 3, 3],
            "value": [0.9, 0.2, 0.4, 0.5, 0.0],
            "recommended": pl.Series([None] * 5, dtype=pl.UInt64),
        }
    )
    assert recommended_architecture(open_study(study), history).tolist() == genes[1].tolist()
    with pytest.raises(ConfigurationError, match="Every training failed"):
        recommended_architecture(open_study(study), history.with_columns(value=0.0))
    with pytest.raises(AtWorkError, match="seed 0"):
        recommended_architecture(open_study(study), history.with_columns(seed=1))
