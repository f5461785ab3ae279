from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError
from predictornas.experiments.folder import claim
from predictornas.experiments.study import Study

STUDY = Study(methods=("random",), budget=20, seeds=(0,))


def test_claiming_again_adds_methods_and_seeds(store: Path, tmp_path: Path) -> None:
    benchmark = STUDY.open()
    claim(tmp_path, STUDY, benchmark)
    manifest = claim(tmp_path, replace(STUDY, methods=("uniform-9",), seeds=(4, 2)), benchmark)
    assert {name: entry["seeds"] for name, entry in manifest["methods"].items()} == {"random": [0], "uniform-9": [2, 4]}


def test_claiming_with_another_signal_names_what_differs(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, STUDY, STUDY.open())
    other = replace(STUDY, signal="valid_accuracy_200_run1", evaluation="valid_accuracy_200_run0")
    with pytest.raises(ConfigurationError, match="signal was 'valid_accuracy_200_run0'"):
        claim(tmp_path, other, other.open())


def test_what_made_the_runs_stays_when_another_version_goes_on(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = STUDY.open()
    monkeypatch.setattr("predictornas.experiments.folder._commit", lambda: "first")
    claim(tmp_path, STUDY, benchmark)
    claim(tmp_path, STUDY, benchmark)
    monkeypatch.setattr("predictornas.experiments.folder._commit", lambda: "second")
    manifest = claim(tmp_path, STUDY, benchmark)
    assert [made["commit"] for made in manifest["made_with"]] == ["first", "second"]


def test_a_method_that_means_something_else_now_is_refused(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, STUDY, STUDY.open())
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"batch": 10', '"batch": 11'))
    with pytest.raises(ConfigurationError, match="'random' in another configuration"):
        claim(tmp_path, STUDY, STUDY.open())
