"""Several trainings at once: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.executors import Task, Tell
from predictornas.executors.base import nothing
from predictornas.executors.processes import Processes
from predictornas.extras import extra
from predictornas.live.curve import Curve
from predictornas.live.images.partition import Partition
from predictornas.live.training import Job, train

Executor = Literal["processes", "ray"]
"""Where trainings run."""

_DIED = (
    "A training's process died (out of memory, or killed). Finished epochs are kept: start the same again to go on, "
    "perhaps with fewer workers."
)


Goal = tuple[Job, int]
"""A training, and the epoch to bring it to."""


def train_all(
    tasks: Sequence[Task[Goal]], images: Partition, *, workers: int = 1, executor: Executor = "processes"
) -> list[Curve]:
    """The curves of several trainings, in the order given; on CPUs they do not depend on who trained what.

    Args:
        tasks: trainings; each target is the folder of its checkpoint, on a cluster one that every machine sees.
        images: what all of them train and evaluate with.
        workers: "processes": so many train at once, and share the GPU if the jobs name one; 1 trains in this process.
            "ray": so many share a GPU; on CPUs the cluster decides by the jobs' threads.
        executor: "processes", or "ray" for the cluster that is connected, else what `ray.init()` finds or starts.

    Raises:
        PredictorNASError: what a training raised, or its process died. The others are killed; finished epochs are kept.
        ConfigurationError: fewer than one worker, or an executor that is not known.
        MissingDependencyError: Ray is asked for and not installed.
    """
    if workers < 1:
        raise ConfigurationError(f"workers={workers}: at least one is needed.")
    if executor not in ("processes", "ray"):
        raise ConfigurationError(f"There is no executor {executor!r}. Use 'processes' or 'ray'.")
    if executor == "ray":
        return _on_ray(tasks, images, workers)
    if workers == 1 or len(tasks) <= 1:
        return [_train(images, task.what, task.target) for task in tasks]
    return _in_processes(tasks, images, workers)


def _in_processes(tasks: Sequence[Task[Goal]], images: Partition, workers: int) -> list[Curve]:
    # torch.optim imports torch._dynamo: seconds, once for all workers
    executor = Processes(workers, preload=(__name__, "torch._dynamo"))
    curves = dict(executor.run(partial(_train, images), tasks))
    return [curves[task] for task in tasks]


def _train(images: Partition, goal: Goal, folder: Path, tell: Tell = nothing) -> Curve:
    job, until = goal
    return train(job, images, until=until, folder=folder, advance=tell)


def _on_ray(tasks: Sequence[Task[Goal]], images: Partition, workers: int) -> list[Curve]:
    with extra("ray", "executor='ray'"):
        ray: Any = importlib.import_module("ray")
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    shared = ray.put(images)
    remote = ray.remote(_train_on_ray)
    waiting = []
    for task in tasks:
        job, _ = task.what
        gpus = 0.0 if job.device == "cpu" else 1 / workers
        waiting.append(remote.options(num_cpus=job.threads, num_gpus=gpus).remote(task, shared))
    try:
        curves: list[Curve] = ray.get(waiting)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, PredictorNASError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise PredictorNASError(_DIED) from error
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)
    return curves


def _train_on_ray(task: Task[Goal], images: Partition) -> Curve:
    """Ray starts a task anew whose machine was lost: it goes on from its checkpoint."""
    return _train(images, task.what, task.target)
