from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.executors import Executor, get_executor
from predictornas.executors.processes import Processes
from predictornas.executors.serial import Serial


@pytest.mark.parametrize(
    ("name", "workers", "expected"),
    [
        (None, 1, Serial()),
        (None, 3, Processes(3)),
        ("serial", 3, Serial()),
        ("processes", 3, Processes(3)),
        ("processes", 1, Processes(1)),
    ],
)
def test_executors_by_name(name: str | None, workers: int, expected: Executor) -> None:
    assert get_executor(name, workers=workers) == expected


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(UnknownNameError, match=r"no executor named 'process'\. Did you mean 'processes'"):
        get_executor("process")
    with pytest.raises(ConfigurationError, match="at least one"):
        get_executor(workers=0)
    with pytest.raises(ConfigurationError, match="'auto' is that of a Ray cluster, but the executor is 'serial'"):
        get_executor(address="auto")
