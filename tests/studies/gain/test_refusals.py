"""Tables that are too small for the initial set, or have one value everywhere, are refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import write_benchmark
from predictornas.errors import ConfigurationError
from predictornas.files import data_home
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.refusals import refuse_constant, refuse_small
from predictornas.studies.gain.study import Study
from predictornas.studies.objectives.execution import run_objectives
from predictornas.studies.objectives.study import ObjectivesStudy
from predictornas.studies.predictor_study import PredictorStudy, run_predictor_study

METHODS = ("random", "local-search", "uniform-100")


def table(values: np.ndarray) -> None:
    """`mine` in the store: cells of NAS-Bench-201 with one accuracy each."""
    column = Column.named(metric="accuracy", split="valid", epochs=9, run="0")
    write_benchmark(
        data_home() / "mine",
        name="mine",
        space=NASBench201(),
        genes=NASBench201().enumerate()[: len(values)],
        columns={
            column: values,
            Column.named(metric="parameters", split=None, epochs=None, run=None): np.arange(len(values)) + 1.0,
        },
        signal=column.name,
        evaluation=column.name,
        source={"file": "made"},
        licence="MIT",
    )


def test_the_initial_set_must_leave_something() -> None:
    refuse_small("mine", 11, "random", 10)
    with pytest.raises(ConfigurationError, match=r"'mine' has 10 architectures .* 'random' is 10: nothing is left"):
        refuse_small("mine", 10, "random", 10)


def test_values_must_differ() -> None:
    refuse_constant("mine", "loss", np.array([1.0, 2.0]))
    refuse_constant("mine", "loss", np.array([np.nan]))
    with pytest.raises(ConfigurationError, match="All 2 values of 'loss' in 'mine' are equal"):
        refuse_constant("mine", "loss", np.array([1.0, np.nan, 1.0]))


@pytest.mark.parametrize("method", METHODS)
def test_a_study_on_seven_rows_is_refused_and_leaves_no_folder(store: Path, tmp_path: Path, method: str) -> None:
    table(np.linspace(0.1, 0.7, 7))
    with pytest.raises(ConfigurationError, match="7 architectures"):
        run_study(Study(benchmark="mine", methods=(method,), budget=60, seeds=(0,)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_row_more_than_the_initial_set_is_enough(store: Path) -> None:
    table(np.linspace(0.1, 0.7, 11))
    assert open_study(Study(benchmark="mine", methods=("random",), budget=60)).strategy("random").initial == 10


def test_objectives_within_limits_that_leave_too_few_are_refused(store: Path, tmp_path: Path) -> None:
    table(np.linspace(0.1, 0.7, 40))
    study = ObjectivesStudy(
        benchmark="mine", objectives=("error",), limits=("parameters<=7",), methods=("random",), budget=60, seeds=(0,)
    )
    with pytest.raises(ConfigurationError, match="7 architectures"):
        run_objectives(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_of_equal_values_is_refused_early(store: Path, tmp_path: Path) -> None:
    table(np.full(40, 0.905))
    with pytest.raises(ConfigurationError, match="All 40 values of 'valid_accuracy_9_run0' in 'mine' are equal"):
        run_study(Study(benchmark="mine", methods=("random",), budget=20, seeds=(0,)), tmp_path / "out")
    with pytest.raises(ConfigurationError, match="are equal"):
        ObjectivesStudy(benchmark="mine", objectives=("error", "parameters"), methods=("random",)).open()
    with pytest.raises(ConfigurationError, match="are equal"):
        run_predictor_study(PredictorStudy(benchmark="mine", predictors=("gp",), sizes=(10,)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
