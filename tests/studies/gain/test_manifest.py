from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, StoreError
from predictornas.studies.folder import write_manifest
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study

STUDY = Study(methods=("random",), budget=20, seeds=(0,))


def test_claiming_again_adds_methods_and_seeds(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, open_study(STUDY))
    manifest = claim(tmp_path, open_study(replace(STUDY, methods=("uniform-9",), seeds=(4, 2))))
    assert {name: entry["seeds"] for name, entry in manifest["methods"].items()} == {"random": [0], "uniform-9": [2, 4]}


@pytest.mark.slow
def test_claiming_with_another_signal_names_what_differs(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, open_study(STUDY))
    other = replace(STUDY, signal="valid_accuracy_200_run1", evaluation="valid_accuracy_200_run0")
    with pytest.raises(ConfigurationError, match="signal was 'valid_accuracy_200_run0'"):
        claim(tmp_path, open_study(other))


@pytest.mark.slow
def test_what_made_the_runs_stays_when_another_version_goes_on(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictornas.studies.provenance._commit", lambda: "first")
    claim(tmp_path, open_study(STUDY))
    claim(tmp_path, open_study(STUDY))
    monkeypatch.setattr("predictornas.studies.provenance._commit", lambda: "second")
    manifest = claim(tmp_path, open_study(STUDY))
    assert [made["commit"] for made in manifest["made_with"]] == ["first", "second"]


@pytest.mark.slow
def test_a_method_that_means_something_else_now_is_refused(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, open_study(STUDY))
    manifest = claim(tmp_path, open_study(STUDY))
    manifest["methods"]["random"]["strategy"]["batch"] = 11
    write_manifest(tmp_path, "study", manifest)
    with pytest.raises(ConfigurationError, match="'random' in another configuration"):
        claim(tmp_path, open_study(STUDY))


DAMAGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "no study": lambda manifest: manifest.pop("study"),
    "no budget": lambda manifest: manifest["study"].pop("budget"),
    "a budget in words": lambda manifest: manifest["study"].update(budget="many"),
    "methods in a list": lambda manifest: manifest.update(methods=["random"]),
    "a method without strategy": lambda manifest: manifest["methods"]["random"].pop("strategy"),
    "a method without seeds": lambda manifest: manifest["methods"]["random"].pop("seeds"),
    "a seed in words": lambda manifest: manifest["methods"]["random"].update(seeds=["0"]),
    "a seed below zero": lambda manifest: manifest["methods"]["random"].update(seeds=[-1]),
    "made with nothing": lambda manifest: manifest.update(made_with={}),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_manifest_that_lacks_something_is_refused(
    damage: Callable[[dict[str, Any]], object], store: Path, tmp_path: Path
) -> None:
    manifest = claim(tmp_path, open_study(STUDY))
    damage(manifest)
    write_manifest(tmp_path, "study", manifest)
    with pytest.raises(StoreError, match=r"no manifest of a (study|result)"):
        claim(tmp_path, open_study(STUDY))


@pytest.mark.slow
def test_an_altered_seed_is_found(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, open_study(replace(STUDY, seeds=(0, 7))))
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace("        7", "        8"))
    with pytest.raises(StoreError, match="checksum"):
        claim(tmp_path, open_study(STUDY))
