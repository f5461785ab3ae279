from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.cli.architecture import tables_as_json, tables_in_words

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"
SIZE = "8:16:24:32:64"


def test_every_line_that_is_printed_can_be_given_again(run, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("architecture", SIZE) == 0
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if ": " in line]
    assert [line.partition(":")[0] for line in lines] == ["string", "genes", "index", "key"]
    for line in lines:
        assert run("architecture", line, "--space", "natsbench-size") == 0
        again = capsys.readouterr().out
        assert again.splitlines()[1:] == shown.splitlines()[1:]


def test_as_json(run, printed_json, store: Path) -> None:
    assert run("architecture", SIZE, "--json") == 0
    facts = printed_json()
    assert (facts["space"], facts["genes"], facts["key"]) == ("natsbench-size", [0, 1, 2, 3, 7], "1030570820162767215")
    assert {"notation": "index", "text": "671"} in facts["notations"]
    assert facts["sizes"] == facts["tables"] == facts["nearest"] == []


@pytest.mark.slow
def test_of_a_table_with_a_picture(run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "cell.svg"
    command = ["architecture", "010/001/000", "input,maxpool3x3,output", "--benchmark", "nasbench101-digits"]
    assert run(*command, "--picture", str(picture)) == 0
    shown = capsys.readouterr().out
    assert "hash: " in shown
    assert "M multiply-adds (" in shown
    assert "valid_accuracy_9_run0" in shown
    assert "The nearest of nasbench101-digits" in shown
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    assert list(tmp_path.glob("*")) == [store] * store.exists() + [picture]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["3,5,1,2,4,5", "--space", "nasbench201"], "if numbers begin with 1"),
        (["DARTS-V3"], "Did you mean 'DARTS-V2'"),
        ([SIZE, "--space", "nasbench201"], "It fits string of natsbench-size"),
        ([SIZE, "--picture", "cell.gif"], "no format of figures named 'gif'"),
        (["\x1b[31m" * 2000], r"\x1b[31m"),
    ],
)
def test_what_is_none_is_told_in_a_screen(
    arguments: list[str], reason: str, run, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("architecture", *arguments) == 2
    told = capsys.readouterr().err
    assert reason in told
    assert len(told) < 2100
    assert "\x1b" not in told


def test_what_tables_have_in_words_and_as_json() -> None:
    tables = {"nasbench201-cifar10": {"valid_accuracy_200_run0": 0.8822, "test_accuracy_mean": None}}
    assert tables_in_words(tables) == ["In nasbench201-cifar10: valid_accuracy_200_run0 0.8822, test_accuracy_mean -."]
    assert tables_as_json(tables) == [
        {
            "table": "nasbench201-cifar10",
            "values": [
                {"column": "valid_accuracy_200_run0", "value": 0.8822},
                {"column": "test_accuracy_mean", "value": None},
            ],
        }
    ]
