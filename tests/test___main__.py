"""The entry point: what stands between a shell and the commands."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from predictornas import __main__ as entry
from predictornas import cli


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "predictornas", *arguments], capture_output=True, text=True, check=False
    )


def test_the_module_is_the_command() -> None:
    shown = asked("--version")
    assert (shown.returncode, shown.stdout.strip()) == (0, version("predictornas"))
    wrong = asked("gian")
    assert wrong.returncode == 2
    assert "gain" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_interrupts_are_answered_before_anything_that_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    order = list[str]()
    monkeypatch.setattr(entry, "stop_on_interrupt", lambda: order.append("interrupts"))
    monkeypatch.setattr(cli, "main", lambda: order.append("command"))
    entry.main()
    assert order == ["interrupts", "command"]
