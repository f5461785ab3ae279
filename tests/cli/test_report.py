from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.studies.folder import write_manifest
from predictornas.studies.predictor_study import PredictorStudy, run_predictor_study
from predictornas.studies.tasks import Execution, Share


@pytest.mark.slow
def test_gain_and_report_print_the_same(run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "one")
    benchmark = ["--benchmark", "nasbench101-digits"]
    assert run("gain", *benchmark, "--methods", "random", "--budget", "15", "--seeds", "1", "--out", out) == 0
    first = capsys.readouterr().out
    assert "1 run of 15 evaluations" in first
    (tmp_path / "one" / "report.html").unlink()
    assert run("report", out, "--style", "paper") == 0
    assert capsys.readouterr().out == first
    assert (tmp_path / "one" / "report.html").is_file()
    assert (tmp_path / "one" / "gain.pdf").is_file()
    assert run("report", out, "--json", "--format", "svg") == 0
    ((found),) = printed_json()
    assert (found["folder"], found["missing"], found["summary"][0]["method"]) == (out, 0, "random")


@pytest.mark.slow
def test_a_part_of_a_study_of_predictors_says_what_is_missing(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = PredictorStudy("nasbench101-digits", ("gp",), (10, 20), draws=1)
    with pytest.raises(Exception, match="1 of 2 tasks"):
        run_predictor_study(study, tmp_path, Execution(share=Share(1, 2)))
    assert run("report", str(tmp_path), "--format", "svg") == 0
    captured = capsys.readouterr()
    assert "mean over 1 draw " in captured.out
    assert "missing: 1 run." in captured.err
    assert "predictornas predictors --names gp --benchmark nasbench101-digits --sizes 10,20 --draws 1" in captured.err
    assert "1 fit had not been made" in (tmp_path / "report.html").read_text()


def test_a_folder_that_it_cannot_report_says_what_it_is(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report") == 2
    assert run("report", str(tmp_path)) == 2
    assert run("report", str(tmp_path / "nowhere")) == 2
    write_manifest(tmp_path, "supernet", {"options": {"method": "drnas"}})
    assert run("report", str(tmp_path)) == 2
    told = capsys.readouterr().err.splitlines()
    assert "Name at least one result folder" in told[0]
    assert "holds no result: it has no manifest.json" in told[1]
    assert "nowhere does not exist" in told[2]
    assert "holds results of `supernet`" in told[3]
    assert f"predictornas supernet --method drnas --out {tmp_path}" in told[3]
