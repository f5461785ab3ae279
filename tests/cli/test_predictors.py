from __future__ import annotations

import re
from pathlib import Path

import pytest

ASKED = ["predictors", "--names", "gp", "--sizes", "20", "--draws", "2", "--workers", "1"]


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_it_prints_one_row_a_predictor_and_size(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*ASKED, "--out", str(tmp_path / "study")) == 0
    shown = capsys.readouterr()
    assert re.search(r"gp +20 +0\.\d{3} \[", shown.out)
    assert (tmp_path / "study" / "predictors.csv").is_file()
    assert run(*ASKED, "--out", str(tmp_path / "study"), "--json") == 0
    rows = printed_json()
    assert {row["quantity"] for row in rows} == {"tau", "hits", "regret", "fit", "predict"}


@pytest.mark.usefixtures("store")
def test_an_unknown_predictor_is_answered_with_the_known_ones(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predictors", "--names", "gq", "--out", str(tmp_path)) == 2
    assert "gp" in capsys.readouterr().err
