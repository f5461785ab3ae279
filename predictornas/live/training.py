"""Trains one network for real: `train` starts, goes on from its checkpoint, and stops after any epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import Optimizer

from predictornas.errors import ConfigurationError
from predictornas.files import remove_leftovers
from predictornas.journal import Journal
from predictornas.live.checkpoints import (
    Checkpoint,
    Identity,
    load_checkpoint,
    read_progress,
    require_same,
    save_checkpoint,
)
from predictornas.live.curve import Curve, empty_curve, one_epoch
from predictornas.live.devices import checked_device, enough_memory, threads
from predictornas.live.images.partition import Partition
from predictornas.live.passes import MEMORY_FORMAT, Forward, accuracy, generator_for, train_epoch
from predictornas.live.rmsprop import TensorFlowRMSProp
from predictornas.live.trainable_network import CellNetwork, NetworkShape, build_network
from predictornas.live.training_recipes import Recipe
from predictornas.observers import SILENT, Announcer
from predictornas.spaces.registry import get_space

Advance = Callable[[int], None]
"""Told how many epochs were just trained."""

CHECKPOINT = "training.checkpoint"
"""The newest checkpoint, in the folder of a training."""

EPOCH_LOG = "epochs.jsonl"
"""One line for every epoch that was really trained, in the order of time, in the folder of a training."""


@dataclass(frozen=True)
class Job:
    """One training, apart from its images: equal jobs on equal images give equal weights, bit for bit on CPUs.

    Attributes:
        space: name of the search space in the registry.
        genes: the architecture.
        shape: depth and width of the network.
        recipe: how it learns.
        seed: of weights, order, augmentation and dropped paths, >= 0.
        device: `cpu`, `cuda` or `cuda:N`; GPUs compute in bfloat16.
        threads: CPU threads.
        compiled: whether torch.compile makes the network faster first, which takes minutes.
        evaluate_at: after which epochs (counted from 1) accuracies are measured; None for all.
    """

    space: str
    genes: tuple[int, ...]
    shape: NetworkShape
    recipe: Recipe
    seed: int
    device: str = "cpu"
    threads: int = 1
    compiled: bool = False
    evaluate_at: tuple[int, ...] | None = None


def train(
    job: Job,
    images: Partition,
    *,
    until: int | None = None,
    folder: Path | None = None,
    advance: Advance = lambda _: None,
    announce: Announcer = SILENT,
) -> Curve:
    """Trains a network, or goes on with it, until it has seen `until` epochs.

    After every epoch a checkpoint replaces the one before. A training that was killed goes on after its last checkpoint
    and, on CPUs, arrives at the same weights and curve (but for the seconds), bit for bit. A training that went further
    already is not touched. One whose loss is no longer finite ends there: its curve is `failed`.

    Args:
        job: what to train.
        images: what to train and evaluate with.
        until: epochs in all, 0 .. recipe.epochs; None for all of the recipe.
        folder: where the checkpoint is kept, this training's own; None to keep nothing.
        advance: told of every epoch once it is kept.
        announce: told that the training begins, of every epoch once it is kept, and that it has ended.

    Returns:
        The curve of the first `until` epochs, shorter if the training failed before.

    Raises:
        ConfigurationError: settings that cannot work, a device that is not there, or too little memory.
        CheckpointError: the folder's checkpoint is damaged or belongs to another training.
        JournalError: another process trains in this folder.
        StoreError: the checkpoint cannot be written.
        InvalidArchitectureError: genes that break the rules of the space.
    """
    until = job.recipe.epochs if until is None else until
    device = _check(job, images, until)
    with threads(job.threads), enough_memory(device, job.recipe.batch_size):
        if folder is None:
            return _go_on(Training.begin(job, images), until, lambda _: None, advance, announce)
        with Journal(folder / EPOCH_LOG) as log:
            return _train_in(folder, log, job, images, until, advance, announce)


def check_training(job: Job, images: Partition, folder: Path) -> Curve | None:
    """Refuses what `train` would refuse in this folder, before anything is written there.

    Returns:
        How far the training got, as in `stored_curve`.

    Raises:
        ConfigurationError: settings that cannot work, or a device that is not there.
        CheckpointError: the folder's checkpoint is damaged or belongs to another training.
    """
    with threads(job.threads):
        _check(job, images, job.recipe.epochs)
    return stored_curve(folder, job, images)


def _train_in(
    folder: Path, log: Journal, job: Job, images: Partition, until: int, advance: Advance, announce: Announcer
) -> Curve:
    """The same with a folder, which the open log keeps for this process alone."""
    curve = stored_curve(folder, job, images)
    if curve is not None and curve.reaches(until):
        done = curve.until(until)
        _announce_start(announce, job, images, len(done))
        announce("ended", done=len(done), unit="epochs")
        return done
    remove_leftovers(folder)
    training = Training.begin(job, images)
    if curve is not None:
        training.restore(load_checkpoint(folder / CHECKPOINT, job.device))

    def keep(training: Training) -> None:
        log.append({"epoch": len(training.curve), "seconds": float(training.curve.seconds[-1])})
        save_checkpoint(folder / CHECKPOINT, training.checkpoint())

    return _go_on(training, until, keep, advance, announce)


def _go_on(
    training: Training, until: int, keep: Callable[[Training], None], advance: Advance, announce: Announcer
) -> Curve:
    """Trains to the end, each epoch kept before anybody is told of it."""
    _announce_start(announce, training.job, training.images, len(training.curve))
    while not training.curve.reaches(until):
        training.run_epoch()
        keep(training)
        measured = {name: float(column[-1]) for name, column in training.curve.columns().items()}
        announce("evaluated", epoch=len(training.curve), **measured)
        advance(1)
    announce("ended", done=len(training.curve), unit="epochs")
    return training.curve


def _announce_start(announce: Announcer, job: Job, images: Partition, done: int) -> None:
    about = {"space": job.space, "genes": job.genes, "seed": job.seed, "images": images.name}
    announce("started", kind="training", done=done, unit="epochs", **about)


def stored_curve(folder: Path, job: Job, images: Partition) -> Curve | None:
    """How far a training got, or None where it has no checkpoint.

    Raises:
        CheckpointError: the checkpoint is damaged or belongs to another training.
    """
    path = folder / CHECKPOINT
    try:
        found, curve = read_progress(path)
    except FileNotFoundError:
        return None
    require_same(path, found, identity(job, images))
    return curve


def identity(job: Job, images: Partition) -> Identity:
    """Everything that decides what a training computes, as JSON has it: the job, its kind of device, its images."""
    settings = {**asdict(job), "device": torch.device(job.device).type, "images": images.digest}
    plain: Identity = json.loads(json.dumps(settings))
    return plain


@dataclass
class Training:
    """A network on its way: weights, optimiser and curve after some epochs.

    Attributes:
        job: what is trained.
        images: on the job's device.
        identity: which training it is.
        network: its weights so far.
        forward: how it is called in training.
        optimiser: what it holds so far.
        curve: what was measured so far.
    """

    job: Job
    images: Partition
    identity: Identity
    network: CellNetwork
    forward: Forward
    optimiser: Optimizer
    curve: Curve

    @classmethod
    def begin(cls, job: Job, images: Partition) -> Training:
        """A training before its first epoch."""
        device = torch.device(job.device)
        genes = np.array(job.genes, dtype=np.int8)
        # weights are drawn on the CPU, so that every device starts from the same
        drawn = build_network(
            get_space(job.space), genes, job.shape, generator=generator_for(job.seed, 0, "weights", "cpu")
        )
        drawn.drop_path = job.recipe.drop_path  # refused now, not in the second epoch, where there are no paths to drop
        network = _placed(drawn, device)
        forward: Forward = torch.compile(network.with_auxiliary) if job.compiled else network.with_auxiliary
        optimiser = optimiser_of(network, job.recipe)
        here = images.to(device)
        return cls(job, here, identity(job, images), network, forward, optimiser, empty_curve())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to a checkpoint of the same training."""
        self.network.load_state_dict(checkpoint.tensors["network"])
        self.optimiser.load_state_dict(checkpoint.tensors["optimiser"])
        self.curve = checkpoint.curve

    def checkpoint(self) -> Checkpoint:
        """What `restore` needs. Random numbers are functions of seed and epoch, so none are in it."""
        tensors = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        return Checkpoint(self.identity, self.curve, tensors)

    def run_epoch(self) -> None:
        """Trains for one more epoch and evaluates where that was asked for."""
        start = time.perf_counter()
        epoch, seed = len(self.curve), self.job.seed
        loss, right = train_epoch(
            self.network, self.forward, self.optimiser, self.images, self.job.recipe, seed=seed, epoch=epoch
        )
        validation = test = float("nan")
        asked = self.job.evaluate_at
        if np.isfinite(loss) and (asked is None or epoch + 1 in asked):
            validation, test = (
                accuracy(self.network, part, self.images, self.job.recipe.augmentation, seed=seed, epoch=epoch)
                for part in (self.images.validation, self.images.test)
            )
        entry = one_epoch(
            train_loss=loss,
            train_accuracy=right,
            validation_accuracy=validation,
            test_accuracy=test,
            seconds=time.perf_counter() - start,
        )
        self.curve = self.curve.followed_by(entry)


def _placed(network: CellNetwork, device: torch.device) -> CellNetwork:
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=MEMORY_FORMAT)
    return network.to(device)


def optimiser_of(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The optimiser that a recipe asks for, of all weights of a network."""
    weights = list(network.parameters())
    if recipe.optimiser == "rmsprop":
        # epsilon 1 is the released code's (Ying et al. 2019)
        return TensorFlowRMSProp(weights, recipe.learning_rate, recipe.momentum, 1.0, recipe.weight_decay)
    return torch.optim.SGD(
        weights,
        recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        foreach=True,
    )


def _check(job: Job, images: Partition, until: int) -> torch.device:
    job.recipe.check()
    if not 0 <= until <= job.recipe.epochs:
        raise ConfigurationError(
            f"A training until epoch {until} was asked for, but the recipe has {job.recipe.epochs}. "
            "Ask for fewer, or choose a recipe with more: its learning rate would fall more slowly."
        )
    if job.recipe.auxiliary_weight > 0 and not job.shape.auxiliary:
        raise ConfigurationError(
            f"The recipe gives an auxiliary head the weight {job.recipe.auxiliary_weight}, but the network has none. "
            "Use NetworkShape(auxiliary=True), in the DARTS spaces, or a recipe with auxiliary_weight=0."
        )
    there = (images.train.image_shape[0], images.classes)
    if there != (job.shape.in_channels, job.shape.classes):
        raise ConfigurationError(
            f"{images.name!r} has {there[0]} channels and {there[1]} classes, but the network is made for "
            f"{job.shape.in_channels} and {job.shape.classes}. Change NetworkShape's in_channels and classes."
        )
    return checked_device(job.device)
