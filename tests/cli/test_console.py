from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from predictornas.cli import console
from predictornas.cli.console import progress_bar, remark, say, show, show_rows, shown_in_browser


def test_rows_are_shown_as_a_table_with_a_title(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"name": "first", "count": 3}, {"name": "second", "count": None}], "Things", as_json=False)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == "Things"
    assert lines[1].split() == ["name", "count"]
    assert [line.split() for line in lines[3:]] == [["first", "3"], ["second"]]


def test_json_is_all_that_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    show(pl.DataFrame({"name": ["first"], "count": [3]}), "Things", as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"name": "first", "count": 3}]


def test_a_remark_goes_to_standard_error_word_for_word(capsys: pytest.CaptureFixture[str]) -> None:
    message = "[not markup] :warning: " + "long " * 40
    remark(message)
    assert capsys.readouterr() == ("", message + "\n")


def test_what_is_said_can_be_copied_from_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    message = "Tables and figures: runs[old]/" + "deep/" * 20
    say(message)
    assert capsys.readouterr() == (message + "\n", "")


def test_a_bar_that_was_never_started_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Nothing to do"):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_not_part_of_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Counting") as started:
        advance = started(2)
        advance(1)
        advance(1)
    assert capsys.readouterr().out == ""


def test_without_a_terminal_progress_is_a_line_after_15_seconds_and_then_one_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """600 of 1000 were there; 40 in 30 seconds leave 360 for nine times as long, 200 in 95 seconds as long again."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    with progress_bar("3 methods") as started:
        advance = started(1000)
        advance(600)
        for second, count in ((9, 10), (30, 30), (61, 60), (95, 100)):
            now[0] = float(second)
            advance(count)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["3 methods: 640 of 1,000 (64%), 0:04:30 to go", "3 methods: 800 of 1,000 (80%), 0:01:35 to go"]


def test_a_report_is_opened_where_that_is_wanted_and_a_remark_says_where_it_lies_if_no_browser_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    (tmp_path / "report.html").write_text("", encoding="utf-8")
    shown_in_browser(tmp_path, wanted=False)
    assert opened == []
    shown_in_browser(tmp_path, wanted=True)
    assert opened == [(tmp_path / "report.html").resolve().as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    shown_in_browser(tmp_path, wanted=True)
    assert capsys.readouterr().err == f"No browser opened {tmp_path / 'report.html'}. Open the file in one.\n"
