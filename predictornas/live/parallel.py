"""Several trainings at once: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from predictornas.errors import ConfigurationError, PredictorNASError
from predictornas.extras import extra
from predictornas.live.curve import Curve
from predictornas.live.images.partition import Partition
from predictornas.live.training import Job, train
from predictornas.processes import Tell, run_in_workers

Executor = Literal["processes", "ray"]
"""Where trainings run."""

_DIED = (
    "A training's process died (out of memory, or killed). Finished epochs are kept: start the same again to go on, "
    "perhaps with fewer workers."
)


@dataclass(frozen=True)
class Task:
    """A training to bring to some epoch.

    Attributes:
        job: the training.
        until: the epoch.
        folder: where its checkpoint is; on a cluster one that every machine sees.
    """

    job: Job
    until: int
    folder: Path


def train_all(
    tasks: Sequence[Task], images: Partition, *, workers: int = 1, executor: Executor = "processes"
) -> list[Curve]:
    """The curves of several trainings, in the order given; on CPUs they do not depend on who trained what.

    Args:
        tasks: trainings in folders of their own.
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
        return [train(task.job, images, until=task.until, folder=task.folder) for task in tasks]
    return _in_processes(tasks, images, workers)


def _in_processes(tasks: Sequence[Task], images: Partition, workers: int) -> list[Curve]:
    # torch.optim imports torch._dynamo: seconds, once for all workers
    return run_in_workers(
        partial(_train, images), tasks, workers=workers, died=_DIED, preload=(__name__, "torch._dynamo")
    )


def _train(images: Partition, task: Task, _: Tell) -> Curve:
    return train(task.job, images, until=task.until, folder=task.folder)


def _on_ray(tasks: Sequence[Task], images: Partition, workers: int) -> list[Curve]:
    with extra("ray", "executor='ray'"):
        ray: Any = importlib.import_module("ray")
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    shared = ray.put(images)
    remote = ray.remote(_train_on_ray)
    waiting = []
    for task in tasks:
        gpus = 0.0 if task.job.device == "cpu" else 1 / workers
        waiting.append(remote.options(num_cpus=task.job.threads, num_gpus=gpus).remote(task, shared))
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


def _train_on_ray(task: Task, images: Partition) -> Curve:
    """Ray starts a task anew whose machine was lost: it goes on from its checkpoint."""
    return train(task.job, images, until=task.until, folder=task.folder)
