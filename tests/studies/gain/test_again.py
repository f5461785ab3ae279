from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from predictornas.errors import ConfigurationError, StoreError
from predictornas.studies.folder import write_manifest
from predictornas.studies.gain.again import report_objectives, report_study
from predictornas.studies.gain.execution import Outcome, advance_study, run_epoch_study, run_study
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.runs import tasks_of
from predictornas.studies.gain.study import Study
from predictornas.studies.objectives.execution import run_objectives
from predictornas.studies.objectives.study import ObjectivesStudy
from predictornas.studies.pictures import Pictures
from predictornas.studies.tasks import Execution, Share

SMALL = Study("nasbench101-digits", ("random", "local-search"), budget=15, seeds=(0, 1))
EPOCHS = Study("nasbench101-digits", ("random", "nosh"), budget=None, seeds=(0,), budget_epochs=150)
SEVERAL = ObjectivesStudy(objectives=("error",), limits=("parameters<5e5",), methods=("random",), budget=20, seeds=(0,))

ONLY_SVG = Pictures(("svg",))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("make", "again"),
    [
        (lambda folder: run_study(SMALL, folder, pictures=ONLY_SVG), report_study),
        (lambda folder: run_epoch_study(EPOCHS, folder, pictures=ONLY_SVG), report_study),
        (lambda folder: run_objectives(SEVERAL, folder, pictures=ONLY_SVG), report_objectives),
    ],
    ids=["evaluations", "epochs", "objectives"],
)
def test_what_was_deleted_is_there_again_byte_for_byte(
    make: Callable[[Path], object], again: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    for name in before.keys() - {"manifest.json"}:
        (tmp_path / name).unlink()
    for module in ("gain", "objectives"):
        monkeypatch.setattr(
            f"predictornas.studies.{module}.execution.run_missing", lambda *_, **__: pytest.fail("runs")
        )
    again(tmp_path, ONLY_SVG)
    assert contents(tmp_path) == before


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_part_is_reported_with_what_it_has(tmp_path: Path) -> None:
    opened = open_study(SMALL)
    with pytest.raises(ConfigurationError, match="holds no study"):
        report_study(tmp_path)
    assert advance_study(opened, tmp_path, Execution(share=Share(1, 4))) == 3
    _, outcome = report_study(tmp_path, ONLY_SVG)
    assert isinstance(outcome, Outcome)
    assert (outcome.missing, outcome.history["run_id"].n_unique()) == (3, 1)
    assert "3 runs of other commands had not ended" in (tmp_path / "report.html").read_text()
    shutil.rmtree(tmp_path / "runs")  # handed on without its journals
    _, kept = report_study(tmp_path, ONLY_SVG)
    assert isinstance(kept, Outcome)
    assert kept.missing == 3
    assert_frame_equal(kept.history, outcome.history)
    (tmp_path / "history.parquet").unlink()
    with pytest.raises(StoreError, match=r"No run of .* has ended.*predictornas gain --benchmark nasbench101-digits"):
        report_study(tmp_path)


def test_another_table_under_the_same_name_is_refused(tmp_path: Path, store: Path) -> None:
    identity = open_study(SMALL).identity | {"data_sha256": "0" * 64}
    methods = {"random": {"strategy": {}, "seeds": [0]}}
    write_manifest(tmp_path, "study", {"study": identity, "methods": methods, "made_with": []})
    assert len(tasks_of(read_manifest(tmp_path) or {}, tmp_path)) == 1
    with pytest.raises(ConfigurationError, match="data_sha256 was '0000"):
        report_study(tmp_path)


def test_no_module_that_a_folder_names_is_imported(tmp_path: Path, store: Path) -> None:
    methods = {"no_such_module:thing": {"strategy": {}, "seeds": [0]}}
    facts = {"study": open_study(SMALL).identity, "methods": methods, "made_with": []}
    write_manifest(tmp_path, "study", facts)
    with pytest.raises(StoreError, match="No run of"):
        report_study(tmp_path)
