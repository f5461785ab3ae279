from __future__ import annotations

import re
from pathlib import Path

import pytest

ASKED = ["expect", "--benchmark", "nasbench101-digits", "--budget", "30", "--pilots", "2", "--runs", "4"]


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_it_prints_the_gain_of_each_method_with_its_parts(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*ASKED, "--methods", "uniform-100@fast-gp", "--out", str(tmp_path / "out")]
    assert run(*asked) == 0
    shown = capsys.readouterr().out
    assert re.search(r"uniform-100@fast-gp +20", shown)
    assert "dB at top 1 %" in shown
    assert (tmp_path / "out" / "expected.csv").is_file()
    assert run(*asked, "--json") == 0
    rows = printed_json()
    assert [row["target"] for row in rows] == ["top 0.1 %", "top 1 %"]
    assert rows[1]["sampler"] + rows[1]["predictor"] == pytest.approx(rows[1]["gain"])
    assert rows[1]["law"] is not None


@pytest.mark.usefixtures("store")
def test_a_method_without_a_predictor_is_refused(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*ASKED, "--methods", "local-search", "--out", str(tmp_path)) == 2
    assert "predictornas gain" in " ".join(capsys.readouterr().err.split())
