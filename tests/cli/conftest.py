"""The command line in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from predictornas.cli import main

Command = Callable[..., int]


@pytest.fixture
def run() -> Command:
    """`run("gain", "--help")` gives the exit code; what it wrote is in `capsys`."""

    def call(*arguments: str) -> int:
        try:
            main([*arguments])
        except SystemExit as stopped:
            return int(stopped.code or 0)
        return 0

    return call
