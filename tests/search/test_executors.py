from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.search.executors import Advance, run_tasks


def record_thread_count(path: Path, advance: Advance) -> None:
    numbers = {torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info())}
    path.write_text(f"{max(numbers)} {os.getpid()}", encoding="utf-8")
    advance(3)


def fail(path: Path, advance: Advance) -> None:
    raise ConfigurationError("This task cannot work.")


def die(path: Path, advance: Advance) -> None:
    os._exit(7)


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


def test_a_dead_worker_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PredictorNASError, match="start the same command again"):
        run_tasks(die, [tmp_path, tmp_path], workers=2)
