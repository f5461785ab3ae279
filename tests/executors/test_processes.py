from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, PredictorNASError, UnknownNameError, WorkerLostError
from predictornas.executors.base import Crew, Crewed, Landed, Task, Tell
from predictornas.executors.processes import Processes, follow_parent, worker_number
from tests.crews import mortal

SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 30.0
"""Seconds until an answer counts as none; the tests take a small part of it."""


def answer(connection: Connection) -> None:
    """The work of a worker: ends by itself only when the test hangs up."""
    follow_parent()
    connection.send(os.getpid())
    while True:
        connection.send(connection.recv())


def start_worker(connection: Connection) -> None:
    worker = SPAWN.Process(target=answer, args=(connection,))
    worker.start()
    worker.join()


def started(target: Callable[[Connection], None]) -> tuple[multiprocessing.process.BaseProcess, Connection, int]:
    """A process, the line to the worker that it is or starts, and that worker's number."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(theirs,))
    process.start()
    theirs.close()  # so that the line ends when the last of the processes that hold it does
    assert ours.poll(PATIENCE)
    return process, ours, ours.recv()


def test_a_worker_ends_with_a_parent_that_was_killed() -> None:
    parent, line, _ = started(start_worker)
    with line:
        parent.kill()
        parent.join()
        assert line.poll(PATIENCE)
        with pytest.raises(EOFError):
            line.recv()


@pytest.mark.slow
def test_a_worker_leaves_interrupts_from_the_keyboard_to_its_parent() -> None:
    worker, line, number = started(answer)
    with line:
        os.kill(number, signal.SIGINT)
        line.send("still there?")
        assert line.poll(PATIENCE)
        assert line.recv() == "still there?"
    worker.kill()
    worker.join()


def work(offset: int, what: Any, target: Path, tell: Tell) -> Any:
    match what:
        case int():
            tell(what)
            tell(1)
            ignored = (
                signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            )  # before that it is blocked, or was by the server
            return what + offset, os.getpid(), ignored
        case "refuse":
            raise ConfigurationError("This task cannot work.")
        case "unknown":
            raise UnknownNameError("task", "unknown", ["known"])
        case "die":
            os._exit(7)
        case "long":
            target.touch()
            time.sleep(PATIENCE)
    return None


def tasks(*whats: Any, folder: Path = Path()) -> list[Task[Any]]:
    return [Task(what, folder / str(number)) for number, what in enumerate(whats)]


def test_every_task_comes_back_with_its_result_from_workers_that_no_interrupt_reaches() -> None:
    told: list[int] = []
    given = tasks(4, 3, 2, 1)
    found = dict(Processes(2).run(partial(work, 100), given, tell=told.append))
    assert [found[task][0] for task in given] == [104, 103, 102, 101]
    assert sum(told) == 4 + 3 + 2 + 1 + 4
    assert {number for _, number, _ in found.values()}.isdisjoint({os.getpid()})
    assert len({number for _, number, _ in found.values()}) <= 2
    assert all(ignored for *_, ignored in found.values())
    assert not multiprocessing.active_children()


MASK_OF_THE_FORK_SERVER = """
import re
from multiprocessing import forkserver
from pathlib import Path
from predictornas.executors.processes import _Workers

with _Workers(2, b"", ()):
    status = Path(f"/proc/{forkserver._forkserver._forkserver_pid}/status").read_text(encoding="utf-8")
print(int(re.search(r"SigBlk:\\s+(\\w+)", status)[1], 16))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the mask of a process is read from /proc")
@pytest.mark.slow
def test_an_interrupt_does_not_reach_what_workers_come_from_while_it_still_imports() -> None:
    """In a process of its own, where the fork server and multiprocessing's tracker have not been started yet."""
    command = [sys.executable, "-c", MASK_OF_THE_FORK_SERVER]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert int(done.stdout) & 1 << (signal.SIGINT - 1)


def test_tasks_are_drawn_one_by_one_when_a_worker_is_free() -> None:
    """Two of ten at first, and one more for each that is done, of which one may wait to be handed out."""
    drawn: list[int] = []

    def drawing() -> Iterator[Task[int]]:
        for task in tasks(*range(10)):
            drawn.append(task.what)
            yield task

    results = Processes(2).run(partial(work, 0), drawing())
    assert not drawn
    for done, _ in enumerate(results, start=1):
        assert len(drawn) <= done + 1 + 2
    assert drawn == list(range(10))


def numbered(folder: Path, what: Any, target: Path, tell: Tell) -> tuple[int, int]:
    """The number of the worker and its process, once the other worker has begun too."""
    (folder / str(what)).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.001)
    return worker_number(), os.getpid()


def test_workers_are_numbered_each_for_its_life(tmp_path: Path) -> None:
    found = [result for _, result in Processes(2, preload=()).run(partial(numbered, tmp_path), tasks(1, 2, 3, 4))]
    assert {number for number, _ in found} == {0, 1}
    assert len(set(found)) == len({process for _, process in found}) == 2
    assert worker_number() == 0


def test_no_process_is_started_for_one_task() -> None:
    [(_, (_, number, _))] = Processes(2).run(partial(work, 0), tasks(1))
    assert number == os.getpid()
    assert list(Processes(2).run(partial(work, 0), [])) == []


def test_whoever_wants_no_more_results_kills_what_runs(tmp_path: Path) -> None:
    results = Processes(2).run(partial(work, 0), tasks(1, "long", folder=tmp_path))
    before = time.monotonic()
    next(results)
    results.close()
    assert time.monotonic() - before < PATIENCE
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("refuse", ConfigurationError, r"^This task cannot work\.$"),
        ("unknown", UnknownNameError, "There is no task named 'unknown'"),
        ("die", PredictorNASError, "start the same command again"),
    ],
)
def test_what_goes_wrong_reaches_the_caller_and_ends_the_others(
    tmp_path: Path, task: str, error: type[Exception], message: str
) -> None:
    before = time.monotonic()
    with pytest.raises(error, match=message) as caught:
        list(Processes(2).run(partial(work, 0), tasks("long", task, folder=tmp_path)))
    assert time.monotonic() - before < PATIENCE
    assert not multiprocessing.active_children()
    assert ("in work" in str(caught.value.__cause__)) == (task != "die")


def kill_when(paths: list[Path], victim: Callable[[], int]) -> threading.Thread:
    """Kills a process as soon as all tasks run."""

    def wait_and_kill() -> None:
        while not all(path.exists() for path in paths):
            time.sleep(0.01)
        os.kill(victim(), signal.SIGKILL)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


@pytest.mark.parametrize("which", [min, max])
def test_a_killed_worker_ends_the_work(tmp_path: Path, which: Callable[[list[int]], int]) -> None:
    given = tasks("long", "long", folder=tmp_path)
    children = multiprocessing.active_children
    thread = kill_when([task.target for task in given], lambda: which([child.pid or 0 for child in children()]))
    before = time.monotonic()
    with pytest.raises(PredictorNASError, match="A worker process died"):
        list(Processes(2).run(partial(work, 0), given))
    thread.join()
    assert time.monotonic() - before < PATIENCE


def ended(crew: Crew, count: int) -> list[Landed]:
    found: list[Landed] = []
    while len(found) < count:
        found += crew.landed()
    return found


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from predictornas.executors import Task, get_executor\n"
        "def double(number, target, tell):\n"
        "    return 2 * number\n"
        "print(list(get_executor(workers=2).run(double, [Task(n, Path(str(n))) for n in (1, 2)])))\n",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ran.returncode == 1
    assert "ended before it could begin, with exit code 1" in ran.stderr
    assert "if __name__ == '__main__':" in ran.stderr.splitlines()[-1]


def cut_off(what: Any, target: Path, tell: Tell) -> None:
    raise ConnectionRefusedError("the database at db:5432 is away")


@pytest.mark.slow
def test_a_connection_of_a_task_is_not_that_of_its_worker(tmp_path: Path) -> None:
    with pytest.raises(ConnectionRefusedError, match="db:5432 is away"):
        list(Processes(2, preload=()).run(cut_off, tasks(1, 2, folder=tmp_path)))


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3600.0 * 700, float("inf")])
def test_a_crew_may_be_waited_for_as_long_as_anybody_likes(tmp_path: Path, seconds: float) -> None:
    with Processes(1, preload=()).crew(mortal) as crew:
        crew.send(Task("fine", tmp_path / "task"))
        found: list[Landed] = []
        while not found:
            found = crew.landed(seconds)
        assert found[0].result == (0, "fine")


def test_a_crew_takes_tasks_one_by_one_and_what_fails_costs_no_other(tmp_path: Path) -> None:
    """A task that dies twice goes on, if it does something in between; one that never does had two lives."""
    executor, told = Processes(2, preload=()), list[int]()
    assert isinstance(executor, Crewed)
    with executor.crew(mortal, tell=told.append, lives=2) as crew:
        given = tasks(2, "raise", -9, "fine", folder=tmp_path)
        found: list[Landed] = []
        for task in given:
            while not crew.has_room():
                found += crew.landed()
            crew.send(task)
        found += ended(crew, 4 - len(found))
        assert not crew.running
        assert crew.has_room()
        by_task = {landed.task.what: landed for landed in found}
        assert by_task[2].result[1] == "2"
        assert by_task["fine"].result[1] == "fine"
        assert isinstance(by_task["raise"].error, ValueError)
        assert isinstance(by_task[-9].error, WorkerLostError)
        assert {by_task[what].result[0] for what in (2, "fine")} <= {0, 1}
        assert given[2].target.read_text(encoding="utf-8") == "xx"
        assert sum(told) == 2
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_crew_replaces_a_worker_that_dies_with_nothing_to_do(tmp_path: Path) -> None:
    with Processes(1, preload=()).crew(mortal) as crew:
        for number in range(2):
            crew.send(Task("fine", tmp_path / str(number)))
            [landed] = ended(crew, 1)
            assert landed.result == (0, "fine")
            [worker] = multiprocessing.active_children()
            worker.kill()
            worker.join()


@pytest.mark.slow
def test_a_crew_waits_no_longer_than_it_is_told_and_kills_what_runs(tmp_path: Path) -> None:
    before = time.monotonic()
    with Processes(1, preload=()).crew(partial(work, 0)) as crew:
        crew.send(tasks("long", folder=tmp_path)[0])
        assert crew.landed(0.05) == []
        assert crew.running == 1
    assert time.monotonic() - before < PATIENCE
    assert not multiprocessing.active_children()


@pytest.mark.thorough
def test_workers_go_on_without_the_process_that_forked_them() -> None:
    """And the next workers get a new one."""
    list(Processes(2).run(partial(work, 0), tasks(1, 2)))
    server = forkserver._forkserver  # type: ignore[attr-defined]
    first = server._forkserver_pid
    os.kill(first, signal.SIGKILL)
    time.sleep(0.2)  # until then the next workers end in "a worker process died", as those in between do
    results = Processes(2).run(partial(work, 0), tasks(1, 2))
    assert sorted(value for _, (value, *_) in results) == [1, 2]
    assert server._forkserver_pid != first
