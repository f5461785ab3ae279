from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from predictornas.errors import StoreError
from predictornas.studies import locks
from predictornas.studies.locks import Locks, lock_of, locked
from tests.full_disk import file_size_limit

HOLD = """
import sys, time
from pathlib import Path
from predictornas.studies.locks import Locks
with Locks() as locks:
    print(locks.take(Path(sys.argv[1])), flush=True)
    time.sleep(100)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock of `a`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def left_by(target: Path, host: str, process: int, age: float = 0.0) -> Path:
    """A lock file as another command left it."""
    path = lock_of(target)
    path.write_text(json.dumps({"host": host, "process": process, "mark": "theirs"}))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_one_of_two_has_it_until_it_is_given_back(tmp_path: Path) -> None:
    target = tmp_path / "below" / "a"
    with Locks() as one, Locks() as other:
        assert one.take(target)
        assert not other.take(target)
        assert not one.take(target)  # not twice in one command either
        one.free(target)
        assert other.take(target)
    assert list(target.parent.iterdir()) == []


def test_a_living_process_of_this_machine_keeps_it_and_a_killed_one_loses_it_at_once(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with Locks() as mine:
        assert not mine.take(tmp_path / "a")
        holder.kill()
        holder.wait()
        assert mine.take(tmp_path / "a")
        assert json.loads(lock_of(tmp_path / "a").read_text())["process"] == os.getpid()


@pytest.mark.parametrize(("age", "taken"), [(0.0, False), (30.0, False), (90.0, True)])
def test_a_lock_of_another_machine_is_taken_over_once_it_is_no_longer_touched(
    tmp_path: Path, age: float, taken: bool
) -> None:
    left_by(tmp_path / "a", "elsewhere", os.getpid(), age)
    with Locks() as mine:
        assert mine.take(tmp_path / "a") == taken


def test_of_many_that_want_a_stale_one_a_single_one_gets_it(tmp_path: Path) -> None:
    left_by(tmp_path / "a", "elsewhere", 1, age=90)
    commands = [Locks() for _ in range(20)]
    for each in commands:
        each.__enter__()
    assert [each.take(tmp_path / "a") for each in commands].count(True) == 1
    for each in commands:
        each.__exit__(None, None, None)
    assert not lock_of(tmp_path / "a").exists()


def test_somebody_who_takes_over_right_now_is_left_alone_and_one_killed_while_at_it_blocks_nobody(
    tmp_path: Path,
) -> None:
    path = left_by(tmp_path / "a", "elsewhere", 1, age=90)
    second = path.with_name(path.name + ".takeover")
    second.write_text("{}")
    with Locks() as mine:
        assert not mine.take(tmp_path / "a")
        os.utime(second, (0, 0))
        assert mine.take(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_of_many_that_find_a_killed_take_over_a_single_one_goes_on_with_it(tmp_path: Path) -> None:
    """Each has looked before anybody acts: whoever comes later must not remove the second lock of the first."""
    path = left_by(tmp_path / "a", "elsewhere", 1, age=90)
    second = path.with_name(path.name + ".takeover")
    second.write_text(json.dumps({"host": "elsewhere", "process": 2, "mark": "second"}))
    os.utime(second, (0, 0))
    commands = [Locks() for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(lambda each: each.take(tmp_path / "a"), commands))
    assert taken.count(True) <= 1
    assert sum(each.take(tmp_path / "a") for each in commands) == 1 - taken.count(True)
    assert not second.exists()


def test_a_process_number_of_another_container_means_nothing_here(tmp_path: Path) -> None:
    """Containers may share the name of their machine; 2**22 is above any process number of Linux."""
    facts = {"host": socket.gethostname(), "process": 2**22 + 1, "mark": "theirs"}
    with Locks() as mine:
        lock_of(tmp_path / "a").write_text(json.dumps({**facts, "processes": "pid:[1]"}))
        assert not mine.take(tmp_path / "a")
        here = str(Path("/proc/self/ns/pid").readlink())
        lock_of(tmp_path / "a").write_text(json.dumps({**facts, "processes": here}))
        assert mine.take(tmp_path / "a")


def test_what_killed_commands_left_beside_targets_is_swept_and_nothing_else(tmp_path: Path) -> None:
    old = [left_by(tmp_path / name, "elsewhere", 1, age=90) for name in ("a", "b", "other")]
    living = left_by(tmp_path / "c", "elsewhere", 1)
    with Locks() as mine:
        mine.sweep([tmp_path / name for name in ("a", "b", "c", "missing")] + [tmp_path / "no" / "folder"])
    assert sorted(tmp_path.iterdir()) == sorted([old[2], living])


def test_a_lock_that_another_command_took_over_is_known_to_be_lost(tmp_path: Path) -> None:
    with locked(tmp_path / "a") as lock:
        assert lock.holds(tmp_path / "a")
        left_by(tmp_path / "a", "elsewhere", 1)
        assert not lock.holds(tmp_path / "a")
        assert not lock.holds(tmp_path / "b")


def test_what_is_held_is_touched_and_what_was_lost_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    with Locks() as mine:
        assert mine.take(tmp_path / "a")
        assert mine.take(tmp_path / "b")
        os.utime(lock_of(tmp_path / "a"), (0, 0))
        theirs = left_by(tmp_path / "b", "elsewhere", 1, age=30)
        before = theirs.stat().st_mtime
        deadline = time.monotonic() + 5
        while lock_of(tmp_path / "a").stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert theirs.stat().st_mtime == before
        mine.free(tmp_path / "b")
    assert theirs.exists()  # another command has it now
    assert not lock_of(tmp_path / "a").exists()


def test_an_empty_lock_is_fresh_until_it_is_old(tmp_path: Path) -> None:
    """It was made, and not written yet; or its maker was killed just there."""
    lock_of(tmp_path / "a").touch()
    with Locks() as mine:
        assert not mine.take(tmp_path / "a")
        os.utime(lock_of(tmp_path / "a"), (0, 0))
        assert mine.take(tmp_path / "a")


def test_a_reused_process_number_of_this_machine_is_waited_for(tmp_path: Path) -> None:
    left_by(tmp_path / "a", socket.gethostname(), os.getpid(), age=30)
    with Locks() as mine:
        assert not mine.take(tmp_path / "a")


def test_waiting_ends_when_the_other_one_gives_it_back(tmp_path: Path) -> None:
    with Locks() as other:
        assert other.take(tmp_path / "a")
        begin = time.monotonic()
        giving = threading.Timer(0.2, other.free, [tmp_path / "a"])
        giving.start()
        with locked(tmp_path / "a"):
            assert 0.15 < time.monotonic() - begin < 5
        giving.join()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Locks() as mine, pytest.raises(StoreError, match="Choose another --out"):
        mine.take(tmp_path / "file" / "a")


def test_a_full_disk_leaves_no_lock_without_an_owner(tmp_path: Path) -> None:
    with Locks() as mine:
        with file_size_limit(0), pytest.raises(StoreError, match=r"Could not lock .*: File too large"):
            mine.take(tmp_path / "run.jsonl")
        assert list(tmp_path.iterdir()) == []
        assert mine.take(tmp_path / "run.jsonl")
