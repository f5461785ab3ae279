"""A study is resumed, extended, and refuses the folder of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError
from predictornas.executors.serial import Serial
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.gain.study import Study
from predictornas.studies.objectives.execution import ObjectivesOutcome, advance_objectives, run_objectives
from predictornas.studies.objectives.study import objectives_in
from predictornas.studies.tasks import Execution, Share
from tests.studies.objectives.conftest import STUDY


def test_everything_is_written(outcome: ObjectivesOutcome) -> None:
    names = {path.name for path in outcome.folder.iterdir()}
    tables = {
        "hypervolume.csv",
        "front.csv",
        "attainment.csv",
        "gain.csv",
        "pairs.csv",
        "summary.csv",
        "history.parquet",
    }
    assert tables | {"fronts.png", "hypervolume.svg", "report.html", "manifest.json"} <= names


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_history(outcome: ObjectivesOutcome, tmp_path: Path) -> None:
    whole = outcome.history.filter(method="nsga-ii", seed=1)
    again = tmp_path / "again"
    opened = replace(STUDY, methods=("nsga-ii",), seeds=(1,)).open()
    advance_objectives(opened, again, Execution(Serial()))
    (journal,) = (again / "runs").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:24]) + lines[24][:20])  # killed in the middle of a generation
    resumed = run_objectives(opened.study, again).history
    assert resumed.equals(whole)


def test_a_folder_keeps_its_study(outcome: ObjectivesOutcome) -> None:
    with pytest.raises(ConfigurationError, match="holds another study: budget was 26 and is 24"):
        run_objectives(replace(STUDY, budget=24), outcome.folder)
    with pytest.raises(ConfigurationError, match="--objectives or --limit"):
        read_manifest(outcome.folder)


@pytest.mark.slow
def test_parts_have_all_runs(tmp_path: Path) -> None:
    opened = STUDY.open()
    left = [
        advance_objectives(opened, tmp_path / "parts", Execution(Serial(), share=Share(part, 2))) for part in (1, 2)
    ]
    assert left == [2, 0]


def test_the_folder_of_a_plain_study_is_refused(tmp_path: Path) -> None:
    from predictornas.studies.gain.manifest import claim
    from predictornas.studies.gain.opened import open_study

    claim(tmp_path / "plain", open_study(Study(methods=("random",), budget=20, seeds=(0,))))
    with pytest.raises(ConfigurationError, match="holds results of `gain` or `search`"):
        run_objectives(STUDY, tmp_path / "plain")


def test_a_manifest_says_which_study_it_was(outcome: ObjectivesOutcome) -> None:
    manifest = read_manifest(outcome.folder, "objectives")
    assert manifest is not None
    assert objectives_in(manifest).open().identity == STUDY.open().identity
