from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import CheckpointError, ConfigurationError, MissingDependencyError, PredictorNASError
from predictornas.executors import Task
from predictornas.executors.cluster import Ray
from predictornas.executors.processes import Processes
from predictornas.executors.serial import Serial
from predictornas.journal import read_records
from predictornas.live.parallel import Goal, suited, train_all
from predictornas.live.training import CHECKPOINT, EPOCH_LOG, train
from tests.live.training_examples import RECIPE, images, job

PARTS = images()


def tasks(folder: Path, until: int = 2) -> list[Task[Goal]]:
    return [Task((job(row), until), folder / str(row)) for row in range(3)]


@pytest.mark.slow
def test_processes_change_nothing(tmp_path: Path) -> None:
    expected = [train(job(row), PARTS, until=2) for row in range(3)]
    for workers in (1, 2):
        curves = train_all(tasks(tmp_path / str(workers)), PARTS, workers=workers)
        for curve, alone in zip(curves, expected, strict=True):
            np.testing.assert_array_equal(curve.train_loss, alone.train_loss)
            np.testing.assert_array_equal(curve.validation_accuracy, alone.validation_accuracy)


def test_what_a_training_raises_reaches_the_caller(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / CHECKPOINT).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="is damaged"):
        train_all(tasks(tmp_path), PARTS, workers=2)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_killed_process_is_reported_and_its_training_goes_on(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=100_000)
    long = [Task((job(row, recipe=recipe), 100_000), tmp_path / str(row)) for row in range(2)]

    def kill_one() -> None:
        while not all((task.target / CHECKPOINT).exists() for task in long):
            time.sleep(0.01)
        # the one that was started last: the pool itself may not have seen it yet
        os.kill(max(child.pid for child in multiprocessing.active_children()), signal.SIGKILL)

    thread = threading.Thread(target=kill_one)
    thread.start()
    with pytest.raises(PredictorNASError, match=r"process died .* What was finished is kept"):
        train_all(long, PARTS, workers=2)
    thread.join()
    done = [[record["epoch"] for record in read_records(task.target / EPOCH_LOG)] for task in long]
    again = [replace(task, what=(task.what[0], max(before) + 1)) for task, before in zip(long, done, strict=True)]
    curves = train_all(again, PARTS, workers=1)
    assert [len(curve) for curve in curves] == [task.what[1] for task in again]
    for task, before in zip(again, done, strict=True):
        epochs = [record["epoch"] for record in read_records(task.target / EPOCH_LOG)]
        assert epochs[: len(before)] == before
        # at most the epoch whose checkpoint was cut off is trained again
        assert epochs[len(before)] in (before[-1], before[-1] + 1)
        assert sorted(set(epochs)) == list(range(1, task.what[1] + 1))


@pytest.mark.slow
def test_a_list_of_equal_devices_changes_nothing(tmp_path: Path) -> None:
    alone = train_all(tasks(tmp_path / "one"), PARTS)
    listed = train_all(tasks(tmp_path / "two"), PARTS, workers=2, devices="cpu,cpu")
    for curve, expected in zip(listed, alone, strict=True):
        np.testing.assert_array_equal(curve.train_loss, expected.train_loss)
    again = [Task((job(row), 3), tmp_path / "two" / str(row)) for row in range(3)]  # goes on without the list
    assert [len(curve) for curve in train_all(again, PARTS)] == [3, 3, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "at least one"),
        ({"executor": "slurm"}, "no executor named 'slurm'"),
        ({"devices": "cpu,"}, "has an empty entry"),
        ({"devices": "cpu,cpu", "executor": Ray()}, "Ray gives each training a GPU itself"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, object], message: str, tmp_path: Path) -> None:
    # past the type checker of the tests, as from a command line
    function = getattr(train_all, "__wrapped__", train_all)
    with pytest.raises(ConfigurationError, match=message):
        function(tasks(tmp_path), PARTS, **settings)


def test_ray_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'predictornas\[ray\]'"):
        train_all(tasks(tmp_path), PARTS, executor="ray")


def test_trainings_say_what_they_take() -> None:
    on_cpus = [replace(job(), threads=threads) for threads in (1, 3)]
    assert suited(Ray("auto"), on_cpus, 2) == Ray("auto", cpus=3, gpus=0)
    assert suited(Ray(), [replace(job(), device="cuda")], 4) == Ray(cpus=1, gpus=0.25)
    assert suited(Processes(3), on_cpus, 2) == Processes(3, preload=("predictornas.live.parallel", "torch._dynamo"))
    assert suited(Serial(), on_cpus, 1) == Serial()
