"""Several trainings at once, on any executor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from predictornas.errors import ConfigurationError
from predictornas.executors import Executor, Task, Tell, get_executor
from predictornas.executors.cluster import Ray
from predictornas.executors.processes import Processes
from predictornas.live.curve import Curve
from predictornas.live.devices import listed_devices, own_device
from predictornas.live.images.partition import Partition
from predictornas.live.training import Job, train

Goal = tuple[Job, int]
"""A training, and the epoch to bring it to."""


def train_all(
    tasks: Sequence[Task[Goal]],
    images: Partition,
    *,
    workers: int = 1,
    executor: Executor | str | None = None,
    devices: str | None = None,
) -> list[Curve]:
    """The curves of several trainings, in the order given; on CPUs they do not depend on who trained what.

    Args:
        tasks: trainings; each target is the folder of its checkpoint, the training's own.
        images: what all of them train and evaluate with.
        workers: so many train at once, and share a GPU if the jobs name one; on the CPUs of a cluster the jobs'
            threads decide.
        executor: where: an executor, or its name as `predictornas.executors.get_executor` knows it.
        devices: `cuda:0,cuda:1`: each worker trains on one of them, instead of on the jobs' own; results depend on
            their kind alone.

    Raises:
        PredictorNASError: what a training raised, or its process died. The others are killed; finished epochs are kept.
        ConfigurationError: fewer than one worker, an executor that is not known, or devices that cannot be.
        MissingDependencyError: Ray is asked for and not installed.
    """
    jobs = [task.what[0] for task in tasks]
    executor = prepared(executor, jobs, workers=workers, devices=devices)
    curves = dict(executor.run(partial(train_task, images, devices), tasks))
    return [curves[task] for task in tasks]


def prepared(
    executor: Executor | str | None, jobs: Sequence[Job], *, workers: int = 1, devices: str | None = None
) -> Executor:
    """An executor for trainings; arguments and errors as those of `train_all`.

    Args:
        executor: where.
        jobs: the trainings, or one that is like them.
        workers: so many train at once.
        devices: of which each worker has one.
    """
    if executor is None or isinstance(executor, str):
        executor = get_executor(executor, workers=workers)
    if devices is not None and len(listed_devices(devices)) > 1 and isinstance(executor, Ray):
        raise ConfigurationError(
            f"Ray gives each training a GPU itself. Name one kind of device, cpu or cuda, instead of {devices!r}."
        )
    return suited(executor, jobs, workers)


def suited(executor: Executor, jobs: Sequence[Job], workers: int) -> Executor:
    """The executor, with what trainings take.

    Args:
        executor: any.
        jobs: the trainings.
        workers: how many share a GPU.
    """
    if isinstance(executor, Processes):
        # torch.optim imports torch._dynamo: seconds, once for all workers
        return replace(executor, preload=(__name__, "torch._dynamo"))
    if isinstance(executor, Ray):
        gpus = 0 if all(job.device == "cpu" for job in jobs) else 1 / workers
        return replace(executor, cpus=max((job.threads for job in jobs), default=1), gpus=gpus)
    return executor


def train_task(images: Partition, devices: str | None, goal: Goal, folder: Path, tell: Tell) -> Curve:
    """A training as executors call it, in the process of a worker.

    Args:
        images: what it trains and evaluates with.
        devices: as in `train_all`.
        goal: the training, and the epoch to bring it to.
        folder: of its checkpoint.
        tell: told of every epoch.
    """
    job, until = goal
    if devices is not None:
        job = replace(job, device=own_device(devices))
    return train(job, images, until=until, folder=folder, advance=tell)
