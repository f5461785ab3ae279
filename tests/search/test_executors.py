from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.search.executors import Advance, one_thread, run_tasks


def record_thread_count(path: Path, advance: Advance) -> None:
    path.write_text(f"{torch.get_num_threads()} {os.getpid()}", encoding="utf-8")
    advance(3)


def fail(path: Path, advance: Advance) -> None:
    raise ConfigurationError("This task cannot work.")


def fail_beside_work(path: Path, advance: Advance) -> None:
    if path.name == "bad":
        time.sleep(1)
        raise ConfigurationError("This task cannot work.")
    for _ in range(1200):
        with path.open(
            "a", encoding="utf-8"
        ) as file:  # appended, because the other process reads while this one writes
            file.write(".")
        time.sleep(0.05)
        advance(1)


def die(path: Path, advance: Advance) -> None:
    os._exit(7)


def work_on(path: Path, advance: Advance) -> None:
    path.touch()
    for _ in range(3000):
        time.sleep(0.02)
        advance(1)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_runs_on_one_thread_and_progress_adds_up(tmp_path: Path, workers: int) -> None:
    before = torch.get_num_threads()
    paths = [tmp_path / str(number) for number in range(4)]
    counts: list[int] = []
    run_tasks(record_thread_count, paths, workers=workers, advance=counts.append)
    threads = {path.read_text().split()[0] for path in paths}
    here = {int(path.read_text().split()[1]) == os.getpid() for path in paths}
    assert threads == {"1"}
    assert here == {workers == 1}
    assert sum(counts) == 12
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_reaches_the_caller(tmp_path: Path, workers: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot work"):
        run_tasks(fail, [tmp_path, tmp_path], workers=workers)


def test_after_an_error_the_other_tasks_stop_at_their_next_evaluation(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot work"):
        run_tasks(fail_beside_work, [tmp_path / "good", tmp_path / "bad"], workers=2)
    assert len((tmp_path / "good").read_text()) < 1000


def test_a_dead_worker_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PredictorNASError, match="start the same command again"):
        run_tasks(die, [tmp_path, tmp_path], workers=2)


def test_the_worker_that_was_started_last_is_watched_too(tmp_path: Path) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]

    def kill_the_last() -> None:
        while not all(path.exists() for path in paths):
            time.sleep(0.01)
        os.kill(max(child.pid for child in multiprocessing.active_children()), signal.SIGKILL)

    thread = threading.Thread(target=kill_the_last)
    thread.start()
    before = time.monotonic()
    with pytest.raises(PredictorNASError, match="start the same command again"):
        run_tasks(work_on, paths, workers=2)
    thread.join()
    assert time.monotonic() - before < 45  # the tasks alone take 60


def test_one_thread_puts_the_number_back_after_an_error() -> None:
    before = torch.get_num_threads()

    def work() -> None:
        with one_thread():
            raise ValueError(torch.get_num_threads())

    with pytest.raises(ValueError, match=r"^1$"):
        work()
    assert torch.get_num_threads() == before
