"""An oracle that trains networks for real, and goes on where it stopped; loaded on demand, because it needs torch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int8

from predictornas.errors import ConfigurationError, UnknownArchitectureError
from predictornas.executors import Executor, Task, Tell
from predictornas.executors.base import Crew, crewed, nothing
from predictornas.history import Pending
from predictornas.live.checkpoints import read_progress
from predictornas.live.curve import Curve
from predictornas.live.devices import kind_of_device
from predictornas.live.images.image_sets import ImageData
from predictornas.live.images.partition import Partition, partition
from predictornas.live.parallel import Goal, prepared, train_all, train_task
from predictornas.live.trainable_network import NetworkShape
from predictornas.live.training import CHECKPOINT, Job, stored_curve
from predictornas.live.training_recipes import Recipe
from predictornas.oracles.base import Evaluations
from predictornas.seeding import seed_sequence
from predictornas.spaces.base import Genes, SearchSpace, require_members


@dataclass(frozen=True)
class LiveOracle:
    """Trains each architecture and answers with its validation accuracy.

    An architecture is trained once: its seed is a function of `seed` and its key, its checkpoint lies in
    `folder/KEY`, and a longer training continues a shorter one. So answers are functions of architecture and epochs.
    Rows of one key are one architecture, trained with the genes that came first.

    Attributes:
        space: of the architectures, known by name in the registry.
        data: the images; their test part is seen by `test_accuracy` alone.
        shape: depth and width of the networks.
        recipe: how they learn. A shorter training is the beginning of the whole one.
        folder: where checkpoints are kept.
        validation: number of training images that are set aside to validate with, or their share.
        seed: decides which images these are, and the seed of every training.
        device: `cpu`, `cuda` or `cuda:N`; with commas between, `cuda:0,cuda:1`, each worker trains on one of them.
        workers: how many train at once; see `predictornas.live.parallel.train_all`.
        executor: where they train: an executor, or the name of one; None for this process or, with several workers, as
            many processes. Machines of a cluster need not see the folder: checkpoints come home.
        threads: CPU threads of each training.
        compiled: whether torch.compile makes each network faster first.
        evaluate_at: epochs that can be asked for; None for all. Fewer save time.
        resumes: a longer training pays only for the epochs that it adds: costs are those of the whole training so far.
    """

    space: SearchSpace
    data: ImageData
    shape: NetworkShape
    recipe: Recipe
    folder: Path
    _: KW_ONLY
    validation: int | float = 0.5
    seed: int = 0
    device: str = "cpu"
    workers: int = 1
    executor: Executor | str | None = None
    threads: int = 1
    compiled: bool = False
    evaluate_at: tuple[int, ...] | None = None
    resumes: bool = True

    @cached_property
    def images(self) -> Partition:
        """The data, taken apart."""
        return partition(self.data, self.validation, self.seed)

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        """Validation accuracies of `(n, g)` architectures; nothing is drawn from `rng`.

        A training whose loss left the finite numbers has the value 0; its costs are those until then.

        Args:
            genes: `(n, g)`.
            epochs: length of the training; None for the recipe's.
            rng: not used.

        Raises:
            ConfigurationError: epochs that cannot be asked for, settings that cannot work, no such device, no memory.
            InvalidArchitectureError: genes that break the rules of the space.
            CheckpointError: a checkpoint is damaged, or is that of another training (other settings, another seed).
            PredictorNASError: a training's process died; the next call goes on from its checkpoint.
        """
        length = self._length(epochs)
        genes = require_members(self.space, genes)
        keys, first, rows = np.unique(self.space.keys(genes), return_index=True, return_inverse=True)
        tasks = [self._task(int(key), genes[row], length) for key, row in zip(keys, first, strict=True)]
        curves = self._curves(tasks)
        value, seconds, trained = np.array([_answer(curve, length) for curve in curves]).reshape(-1, 3)[rows].T
        return Evaluations(value, np.full(len(genes), length, np.int64), seconds, trained)

    def crew(self, *, tell: Tell = nothing) -> AbstractContextManager[Crew]:
        """Workers that train one architecture after the other, each chosen when one of them is free.

        See `predictornas.oracles.elsewhere.Evaluator`; what `evaluate` raises of a training is the error of its task.

        Args:
            tell: told of every epoch.

        Raises:
            ConfigurationError: an executor whose tasks have to be known beforehand, or as in `evaluate`.
            MissingDependencyError: Ray is asked for and not installed.
        """
        like = self._job((), 0)
        executor = prepared(self.executor or "processes", [like], workers=self.workers, devices=self.device)
        return crewed(executor).crew(partial(_evaluate_task, self.images, self.device), tell=tell)

    def task(self, asked: Pending) -> Task[Goal]:
        """A training for one of these workers; the same errors as `evaluate`, of settings and genes."""
        genes = require_members(self.space, np.array([asked.genes], np.int8))
        return self._task(asked.key, genes[0], self._length(asked.epochs))

    def test_accuracy(self, genes: Genes, epochs: int | None = None) -> Float[np.ndarray, " n"]:
        """`(n,)` test accuracies of trainings of so many epochs, for who judges a search; nothing is trained.

        Args:
            genes: `(n, g)`, evaluated before.
            epochs: as in `evaluate`.

        Raises:
            UnknownArchitectureError: an architecture was not trained that long.
            CheckpointError: as in `evaluate`.
        """
        length = self._length(epochs)
        curves = [self.curve(row) for row in require_members(self.space, genes)]
        for row, curve in zip(genes, curves, strict=True):
            if not curve.reaches(length):
                raise UnknownArchitectureError(
                    f"{self.space.describe(row)} was trained for {len(curve)} epochs in {self.folder}, not for "
                    f"{length}. Evaluate it first."
                )
        return np.array([curve.until(length).test_accuracy[-1] for curve in curves], dtype=np.float64)

    def curve(self, row: Int8[np.ndarray, " g"]) -> Curve:
        """The learning curve of one architecture as far as it was trained.

        Raises:
            UnknownArchitectureError: it was not trained at all.
            CheckpointError: as in `evaluate`.
        """
        task = self._task(int(self.space.keys(row[None])[0]), row, 0)
        curve = stored_curve(task.target, task.what[0], self.images)
        if curve is None:
            raise UnknownArchitectureError(
                f"{self.space.describe(row)} was not trained in {self.folder}. Evaluate it first."
            )
        return curve

    def _length(self, epochs: int | None) -> int:
        length = self.recipe.epochs if epochs is None else epochs
        offered = range(1, self.recipe.epochs + 1) if self.evaluate_at is None else self.evaluate_at
        if length not in offered:
            listed = f"1 to {self.recipe.epochs}" if self.evaluate_at is None else ", ".join(map(str, offered))
            raise ConfigurationError(
                f"Accuracies after {length} epochs were asked for; this oracle measures them after {listed}. "
                "Choose one of these, or change the recipe's epochs or evaluate_at."
            )
        return length

    def _task(self, key: int, row: Int8[np.ndarray, " g"], until: int) -> Task[Goal]:
        folder = self.folder.absolute() / f"{key:016x}"  # other processes may work in another folder
        seed = int(seed_sequence(self.seed, 0, f"training {key:016x}").generate_state(1)[0])
        job = self._job(tuple(row.tolist()), seed)
        if (folder / CHECKPOINT).exists():
            # rows of one key may differ in their genes: the training goes on with those it began with
            job = replace(job, genes=tuple(read_progress(folder / CHECKPOINT)[0]["genes"]))
        return Task((job, until), folder)

    def _job(self, genes: tuple[int, ...], seed: int) -> Job:
        return Job(
            space=self.space.name,
            genes=genes,
            shape=self.shape,
            recipe=self.recipe,
            seed=seed,
            device=kind_of_device(self.device),
            threads=self.threads,
            compiled=self.compiled,
            evaluate_at=self.evaluate_at,
        )

    def _curves(self, tasks: list[Task[Goal]]) -> list[Curve]:
        """Every task's curve; only those that have to go on are trained, so that nothing is started for the others."""
        curves: dict[Task[Goal], Curve] = {}
        for task in tasks:
            job, until = task.what
            stored = stored_curve(task.target, job, self.images)
            if stored is not None and stored.reaches(until):
                curves[task] = stored.until(until)
        missing = [task for task in tasks if task not in curves]
        if missing:
            trained = train_all(missing, self.images, workers=self.workers, executor=self.executor, devices=self.device)
            curves.update(zip(missing, trained, strict=True))
        return [curves[task] for task in tasks]


def _evaluate_task(images: Partition, devices: str, goal: Goal, folder: Path, tell: Tell) -> Evaluations:
    value, seconds, epochs = _answer(train_task(images, devices, goal, folder, tell), goal[1])
    return Evaluations(np.array([value]), np.array([goal[1]], np.int64), np.array([seconds]), np.array([epochs]))


def _answer(curve: Curve, length: int) -> tuple[float, float, float]:
    """Value, seconds and epochs of a training of some length."""
    return float(curve.validation_accuracy[-1]), float(curve.seconds.sum()), float(len(curve))
