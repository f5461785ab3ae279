from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

from predictornas.errors import ConfigurationError
from predictornas.executors.base import Task, Tell
from predictornas.executors.serial import Serial


def threads() -> int:
    return max(torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info()))


def count_threads(what: int, target: Path, tell: Tell) -> int:
    target.write_text(str(what), encoding="utf-8")
    tell(what)
    return threads()


def refuse(what: int, target: Path, tell: Tell) -> None:
    raise ConfigurationError("This task cannot work.")


def test_tasks_run_in_their_order_on_one_thread_and_are_drawn_one_by_one(tmp_path: Path) -> None:
    torch.set_num_threads(2)
    drawn: list[int] = []

    def drawing() -> Iterator[Task[int]]:
        for number in range(3):
            drawn.append(number)
            yield Task(number, tmp_path / str(number))

    told: list[int] = []
    for done, (task, result) in enumerate(Serial().run(count_threads, drawing(), tell=told.append), start=1):
        assert (task.what, result, len(drawn)) == (done - 1, 1, done)
        assert torch.get_num_threads() == 2
        assert task.target.read_text(encoding="utf-8") == str(task.what)
    assert told == drawn == [0, 1, 2]


def test_an_error_of_a_task_reaches_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot work"):
        list(Serial().run(refuse, [Task(0, tmp_path)]))
