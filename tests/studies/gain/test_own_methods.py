"""Strategies of your own in a study: figures, resume, comparison as for those of this package."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from predictornas.errors import ConfigurationError
from predictornas.samplers.uniform import Uniform
from predictornas.search.named import Named
from predictornas.search.strategies import PredictorSearch
from predictornas.studies.comparison import compare_folders
from predictornas.studies.folder import write_manifest
from predictornas.studies.gain.execution import advance_study, run_study
from predictornas.studies.gain.manifest import claim, read_manifest
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.tasks import Execution


class Counts:
    """Ranks by the number of one operation; no dataclass."""

    def __init__(self, operation: int) -> None:
        self.operation = operation

    def fit(self, space: Any, genes: Any, values: Any, *, epochs: Any = None, rng: np.random.Generator) -> Counts:
        self.seen_ = len(genes)
        return self

    def predict(self, genes: Any) -> Any:
        return (genes == self.operation).sum(axis=1) / 6


def study(operation: int = 3, **changes: Any) -> Study:
    mine = Named("by counts", PredictorSearch(Counts(operation), Uniform(), 50, 10, 10))
    return replace(Study(methods=("random", mine), budget=20, seeds=(0, 1)), **changes)


@pytest.mark.thorough
def test_figures_resume_and_comparison_are_those_of_any_method(store: Path, tmp_path: Path) -> None:
    first = run_study(study(), tmp_path / "a", workers=2)
    assert first.history["method"].unique().sort().to_list() == ["by counts", "random"]
    assert (tmp_path / "a" / "gain.png").stat().st_size > 0
    journals = {path: path.stat().st_mtime_ns for path in (tmp_path / "a" / "runs").iterdir()}
    assert_frame_equal(run_study(study(), tmp_path / "a").history, first.history)
    assert journals == {path: path.stat().st_mtime_ns for path in (tmp_path / "a" / "runs").iterdir()}
    run_study(study(seeds=(0, 1)), tmp_path / "b")
    names = {"by counts [a]", "by counts [b]", "random [a]", "random [b]"}
    assert set(compare_folders([tmp_path / "a", tmp_path / "b"]).errors["method"]) == names


@pytest.mark.thorough
def test_a_command_without_the_object_keeps_its_runs_and_makes_none(store: Path, tmp_path: Path) -> None:
    first = run_study(study(), tmp_path)
    later = run_study(Study(methods=("random",), budget=20, seeds=(0, 1, 2)), tmp_path)
    assert later.history.filter(method="by counts").equals(first.history.filter(method="by counts"))
    assert later.history.filter(method="random")["seed"].unique().sort().to_list() == [0, 1, 2]


def test_another_configuration_under_the_same_name_is_refused(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, open_study(study()))
    claim(tmp_path, open_study(study()))
    with pytest.raises(ConfigurationError, match="holds runs of 'by counts' in another configuration than it has now"):
        claim(tmp_path, open_study(study(operation=2)))


def test_a_folder_makes_no_module_be_imported_and_no_other_strategy_be_run(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    (tmp_path / "out").mkdir()
    asked = Study(methods=("random",), budget=20, seeds=())
    opened = open_study(replace(asked, seeds=(0,)))
    claim(tmp_path / "out", opened)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    entry = manifest["methods"].pop("random")
    manifest["methods"] |= {
        "trap:Part": {**entry, "seeds": [7]},
        "uniform-50@trap:Part": {**entry, "seeds": [7]},
        "uniform-50": {**entry, "seeds": [7]},
    }
    write_manifest(tmp_path / "out", "study", manifest)
    assert advance_study(opened, tmp_path / "out", Execution()) == 3
    assert len(list((tmp_path / "out" / "runs").glob("*.jsonl"))) == 1
    assert "trap" not in sys.modules
