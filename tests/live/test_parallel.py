from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import CheckpointError, ConfigurationError, MissingDependencyError, PredictorNASError
from predictornas.executors import Task
from predictornas.journal import read_records
from predictornas.live.parallel import Goal, train_all
from predictornas.live.training import CHECKPOINT, EPOCH_LOG, train
from tests.extras import needed
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


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"workers": 0}, "at least one"), ({"executor": "slurm"}, "no executor 'slurm'")],
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


ON_RAY = """
import sys
from dataclasses import replace
from pathlib import Path

import ray

from predictornas.errors import InvalidArchitectureError
from predictornas.live.parallel import train_all
from tests.live.test_parallel import PARTS, tasks

folder = Path(sys.argv[1])
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
curves = train_all(tasks(folder), PARTS, executor="ray")
print([[curve.train_loss.tolist(), curve.validation_accuracy.tolist()] for curve in curves])
task = tasks(folder / "wrong")[0]
try:
    train_all([replace(task, what=(replace(task.what[0], genes=(9, 0, 0, 0, 0, 0)), 2))], PARTS, executor="ray")
except InvalidArchitectureError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_ray_cluster(tmp_path: Path) -> None:
    """In a process of its own, because Ray's own processes outlive its shutdown for a moment."""
    needed("ray")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", ON_RAY, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    curves, error = done.stdout.splitlines()[-2:]
    alone = [train(job(row), PARTS, until=2) for row in range(3)]
    assert json.loads(curves) == [[curve.train_loss.tolist(), curve.validation_accuracy.tolist()] for curve in alone]
    assert "no architecture of nasbench201" in error
