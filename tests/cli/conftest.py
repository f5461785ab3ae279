"""The command line in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from predictornas.cli import main

Command = Callable[..., int]

UNITS = {"db", "percent", "pp", "ms", "s", "seconds", "milliseconds", "minutes", "hours", "gb", "mb"}
"""Words that no name in JSON may hold: a quantity has one unit everywhere."""


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


@pytest.fixture
def printed_json(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """What was printed as JSON; its names are snake_case, without units."""

    def read() -> Any:
        value = json.loads(capsys.readouterr().out)
        assert [name for name in names_in(value) if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []
        assert [name for name in names_in(value) if UNITS & set(name.split("_"))] == []
        return value

    return read


def names_in(value: Any) -> Iterator[str]:
    """The names of all objects in JSON."""
    if isinstance(value, dict):
        yield from value
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names_in(entry)
