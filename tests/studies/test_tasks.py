from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import BusyJournalError, ConfigurationError, StoreError
from predictornas.executors import Task, Tell, get_executor
from predictornas.studies.locks import Locks, lock_of
from predictornas.studies.tasks import Execution, Share, run_missing


def square(what: int, target: Path, tell: Tell) -> None:
    if what == 13:
        raise StoreError("thirteen")
    with target.open("a", encoding="utf-8") as stream:  # twice would show
        stream.write(f"{what * what} {os.getpid()}\n")
    tell(2)


def is_done(task: Task[int]) -> bool:
    return task.target.exists()


def two(_: Task[int]) -> int:
    return 2


def tasks_in(folder: Path, numbers: range) -> list[Task[int]]:
    return [Task(number, folder / str(number)) for number in numbers]


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text().split()[0] for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_missing_is_run_once_and_progress_counts_what_was_there(tmp_path: Path, workers: int) -> None:
    (tmp_path / "3").write_text("9 kept\n")
    told: list[int] = []
    totals: list[int] = []

    def started(total: int) -> Tell:
        totals.append(total)
        return told.append

    execution = Execution(get_executor(workers=workers), started)
    assert run_missing(square, tasks_in(tmp_path, range(6)), is_done=is_done, units=two, execution=execution) == []
    assert written(tmp_path) == {str(n): str(n * n) for n in range(6)}
    assert (totals, sum(told)) == ([12], 12)
    processes = {path.read_text().split()[1] for path in tmp_path.iterdir()}
    assert ("kept" in processes, str(os.getpid()) in processes) == (True, workers == 1)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]  # every lock was given back


def test_what_another_command_is_at_is_left_to_it(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, range(4))
    with Locks() as others:
        assert others.take(tmp_path / "1")
        assert run_missing(square, tasks, is_done=is_done, execution=Execution()) == [tasks[1]]
    assert written(tmp_path) == {"0": "0", "2": "4", "3": "9"}
    assert run_missing(square, tasks, is_done=is_done, execution=Execution()) == []


def test_what_another_command_gives_up_meanwhile_is_run_in_the_end(tmp_path: Path) -> None:
    others = Locks()
    others.__enter__()
    assert others.take(tmp_path / "0")

    def square_and_let_go(what: int, target: Path, tell: Tell) -> None:
        square(what, target, tell)
        others.free(tmp_path / "0")

    left = run_missing(square_and_let_go, tasks_in(tmp_path, range(3)), is_done=is_done, execution=Execution())
    others.__exit__(None, None, None)
    assert left == []
    assert written(tmp_path) == {"0": "0", "1": "1", "2": "4"}


def test_what_another_command_finished_meanwhile_is_not_run_again(tmp_path: Path) -> None:
    def square_and_meet(what: int, target: Path, tell: Tell) -> None:
        square(what, target, tell)
        (tmp_path / "2").write_text("theirs")

    told: list[int] = []
    execution = Execution(started=lambda _: told.append)
    assert (
        run_missing(square_and_meet, tasks_in(tmp_path, range(3)), is_done=is_done, units=two, execution=execution)
        == []
    )
    assert written(tmp_path)["2"] == "theirs"
    assert sum(told) == 6


def test_a_task_whose_journal_another_process_writes_is_left_to_it(tmp_path: Path) -> None:
    """As by a command that was stopped, lost its lock and still has the journal open."""
    tried: list[int] = []

    def square_unless_busy(what: int, target: Path, tell: Tell) -> None:
        if what == 1:
            tried.append(what)
            raise BusyJournalError("theirs")
        square(what, target, tell)

    tasks = tasks_in(tmp_path, range(3))
    assert run_missing(square_unless_busy, tasks, is_done=is_done, execution=Execution()) == [tasks[1]]
    assert tried == [1, 1]  # once more in the end, and no third time
    assert written(tmp_path) == {"0": "0", "2": "4"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_lock_of_a_command_that_was_killed_after_its_task_is_removed(tmp_path: Path) -> None:
    (tmp_path / "0").write_text("0")
    lock_of(tmp_path / "0").write_text("{}")
    os.utime(lock_of(tmp_path / "0"), (0, 0))
    assert run_missing(square, tasks_in(tmp_path, range(1)), is_done=is_done, execution=Execution()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_an_error_is_that_of_the_task_and_gives_every_lock_back(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="thirteen"):
        run_missing(square, tasks_in(tmp_path, range(12, 15)), is_done=is_done, execution=Execution())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["12"]


def test_a_share_runs_its_part_and_says_what_the_others_have(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, range(5))
    for part, missing in ((2, [0, 2, 4]), (1, [])):
        left = run_missing(square, tasks, is_done=is_done, execution=Execution(share=Share(part, 2)))
        assert [task.what for task in left] == missing


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shares_have_every_task_once_and_equally_many(tasks: list[int], of: int) -> None:
    parts = [Share(part, of).takes(tasks) for part in range(1, of + 1)]
    assert sorted(task for part in parts for task in part) == sorted(tasks)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/", "/2", "-1/3", "1/0", "1.5/2"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Share.parse(text)
    assert Share.parse(" 3/20") == Share(3, 20)


def test_with_as_many_methods_as_parts_every_part_has_some_of_each(tmp_path: Path) -> None:
    """In the order of tasks every third is of one method; targets are named by hashes."""
    names = [hashlib.sha256(bytes([number])).hexdigest() for number in range(100, 190)]
    tasks = [Task(number, tmp_path / name) for number, name in enumerate(names, start=100)]
    done = set()
    for part in (1, 2, 3):
        run_missing(square, tasks, is_done=is_done, execution=Execution(share=Share(part, 3)))
        mine = {number for number, name in enumerate(names, start=100) if (tmp_path / name).exists()} - done
        done |= mine
        assert len(mine) == 30
        assert {number % 3 for number in mine} == {0, 1, 2}
