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
    assert [row["quantity"] for row in rows] == [
        "tau", "hits_half", "hits", "hits_five", "best_of_ten", "regret", "coverage", "sharpness", "fit", "predict"
    ]  # fmt: skip
    assert rows[2]["random"] == pytest.approx(0.01, abs=1e-4)
    assert re.search(r"random scores +20 +0\.000", shown.out)
    for column in ("P@0.5 %", "N@10", "sharpness"):
        assert column in shown.out


@pytest.mark.usefixtures("store")
def test_an_unknown_predictor_is_answered_with_the_known_ones(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predictors", "--names", "gq", "--out", str(tmp_path)) == 2
    assert "gp" in capsys.readouterr().err


@pytest.mark.usefixtures("store")
def test_a_protocol_that_the_table_cannot_have_ends_in_a_sentence(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*ASKED, "--protocol", "pinat", "--out", str(tmp_path)) == 2
    assert "needs test accuracy" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--sizes", "abc"), "--sizes 'abc': give whole numbers"),
        (("--sizes", "50 100"), "give whole numbers"),
        (("--sizes", "20.5"), "give whole numbers"),
        (("--sizes", ""), "give whole numbers"),
        (("--sizes", "20,x"), "give whole numbers"),
        (("--sizes", "1" * 5000), "give whole numbers"),
        (("--names", ""), "No predictor was named"),
        (("--names", "gp", "--judged", "-5"), "not on -5"),
    ],
)
def test_numbers_that_are_none_end_in_a_sentence(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...], said: str
) -> None:
    assert run("predictors", *asked, "--out", str(tmp_path / "out")) == 2
    assert said in " ".join(capsys.readouterr().err.split())
