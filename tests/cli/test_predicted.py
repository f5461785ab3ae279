from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_it_prints_what_schedulers_will_save_and_where_to_ask_about_others(
    run, printed_json, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["gain", "--methods", "nosh-50,uniform-100", "--predict"]
    assert run(*asked) == 0
    shown = capsys.readouterr()
    assert "2.57x" in shown.out
    assert "chosen" not in shown.out
    assert "predictornas expect --benchmark nasbench101-digits --methods uniform-100" in shown.err
    assert run(*asked, "--json") == 0
    (row,) = printed_json()
    assert row["chosen"] is None
    assert row["random"]["factor"] == pytest.approx(row["nominal"] * row["random"]["survival"])


@pytest.mark.usefixtures("store")
def test_methods_without_promotions_are_refused(run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gain", "--methods", "random,rank-full", "--predict") == 2
    assert "No method promotes trainings (random,rank-full)" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_a_pilot_needs_no_table(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pilot.csv").write_text("\n".join(["1,9", *(f"{k * 7 % 31},{k}" for k in range(1, 31))]))
    assert run("gain", "--methods", "rank-nosh-50", "--pilot", str(tmp_path / "pilot.csv")) == 0
    shown = capsys.readouterr()
    assert "30 curves" in shown.out
    assert "A pilot tells of random newcomers" in shown.err
