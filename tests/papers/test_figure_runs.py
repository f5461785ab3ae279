from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.figure_runs import figure_runs
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.study import Study


def request(folder: Path, **options: object) -> FigureRequest:
    return FigureRequest(folder, "nasbench201-cifar10", **{"budget": 20, "seeds": 2, **options})


def journals(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.jsonl")}


@pytest.mark.slow
def test_figures_share_runs_and_each_sees_only_its_own(store: Path, tmp_path: Path) -> None:
    first = figure_runs(request(tmp_path), ["random", "uniform-50"])
    before = journals(tmp_path)
    assert len(before) == 4
    second = figure_runs(request(tmp_path, seeds=1), ["random"])
    assert journals(tmp_path) == before  # nothing was evaluated anew
    assert second.history["run_id"].n_unique() == 1
    assert second.pools.is_empty()
    assert first.history.filter(method="random", seed=0).equals(second.history)
    figure_runs(request(tmp_path), ["random", "uniform-60"])
    assert {name: content for name, content in journals(tmp_path).items() if name in before} == before
    assert len(journals(tmp_path)) == 6


def test_the_facts_name_the_data_and_the_strategies(store: Path, tmp_path: Path) -> None:
    runs = figure_runs(request(tmp_path), ["random"])
    assert runs.facts["study"] == runs.study.identity(runs.benchmark)
    assert len(runs.facts["study"]["data_sha256"]) == 64
    assert runs.facts["methods"] == {"random": {"type": "RandomSearch", "initial": 10, "batch": 10}}
    assert runs.facts["seeds"] == [0, 1]
    assert "20 evaluations a run, 10 an iteration, 2 seeds" in runs.setting
    assert runs.errors.shape == (15625,)
    assert runs.oracles.signal_on_signal == runs.errors.min()


@pytest.mark.slow
def test_an_existing_study_fixes_its_setting_and_is_extended(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    study = Study(methods=("random",), budget=30, seeds=(3, 5))
    run_study(study, folder)
    before = journals(folder)
    runs = figure_runs(FigureRequest(tmp_path, study=folder), ["random", "uniform-50"])
    assert runs.history.group_by("method", "seed").len()["len"].to_list() == [30] * 4
    assert sorted(runs.history["seed"].unique()) == [3, 5]
    assert {name: content for name, content in journals(folder).items() if name in before} == before
    with pytest.raises(ConfigurationError, match="Leave out --budget"):
        figure_runs(FigureRequest(tmp_path, study=folder, budget=30), ["random"])
    with pytest.raises(StoreError, match="holds no study"):
        figure_runs(FigureRequest(tmp_path, study=tmp_path / "nowhere"), ["random"])


@pytest.mark.slow
def test_an_unknown_method_is_refused_before_anything_is_run(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="randm"):
        figure_runs(request(tmp_path / "out"), ["random", "randm"])
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_history_is_that_of_the_study_of_the_same_flags(store: Path, tmp_path: Path) -> None:
    runs = figure_runs(request(tmp_path, seeds=1), ["random"])
    outcome = run_study(Study(methods=("random",), budget=20, seeds=(0,)), tmp_path / "other")
    assert runs.history.drop("cost_seconds").equals(outcome.history.drop("cost_seconds"))


@pytest.mark.thorough
def test_a_study_whose_journals_are_gone_is_drawn_from_its_history(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    run_study(Study(methods=("random", "uniform-50"), budget=20, seeds=(0, 1)), folder)
    for path in folder.rglob("*.jsonl"):
        path.unlink()
    runs = figure_runs(FigureRequest(tmp_path, study=folder), ["random"])
    assert journals(folder) == {}  # nothing was evaluated anew
    assert runs.history.group_by("method", "seed").len().sort("seed").rows() == [("random", 0, 20), ("random", 1, 20)]
    figure_runs(FigureRequest(tmp_path, study=folder), ["random", "uniform-60"])  # which the history lacks
    assert len(journals(folder)) == 6
