from __future__ import annotations

from pathlib import Path

import pytest

from tests.kills import COMMANDS, differences, failed, kill_all, table


@pytest.mark.thorough
@pytest.mark.parametrize(("command", "kills"), [("data import", 3)])
def test_a_handful_of_kills_does_no_harm(
    command: str, kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICTORNAS_DATA", "")  # the harness sets it, and this puts it back
    done = kill_all(kills, 17, tmp_path / "log.jsonl", [command])
    assert len(done) == kills
    assert [killed for killed in done if failed(killed)] == []
    assert all(killed.alive for killed in done)
    again = kill_all(kills, 17, tmp_path / "log.jsonl", [command])
    assert again == done  # from the log
    assert f"| `{command}` | {kills} |" in table(done)


def test_what_is_lost_too_much_or_different_is_found() -> None:
    assert differences({"a": 1, "b": 2, "c": [3]}, {"b": 2, "c": [4], "d": 5}) == [
        "differs: c",
        "left over: d",
        "lost: a",
    ]
    assert len(COMMANDS) == 7
