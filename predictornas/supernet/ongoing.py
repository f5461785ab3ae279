"""A search on its way: `OngoingSearch` goes on by one epoch at a time, and can be put down and taken up again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch

from predictornas.live.images.partition import Partition
from predictornas.live.passes import generator_for
from predictornas.live.training import optimiser_of
from predictornas.live.training_recipes import Recipe
from predictornas.supernet.assembly import assembled
from predictornas.supernet.batches import paired_batches, steps_of, validation_batches
from predictornas.supernet.hessian import dominant_eigenvalue, validation_hessian
from predictornas.supernet.job import SearchJob
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.parts.greedy import EdgeHistory, GradualSelection
from predictornas.supernet.parts.loss_regression import LossSpaceRegression, Path, ProxyLandscape, Visit, draw_path
from predictornas.supernet.parts.perturbation import Batches, FineTunedSelection
from predictornas.supernet.parts.stages import entered
from predictornas.supernet.parts.unrolling import DifferenceError, difference_error
from predictornas.supernet.parts.updates import second_order_at
from predictornas.supernet.records import EpochRecord, architecture_of
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch, SearchState
from predictornas.supernet.weight_steps import LossAndAccuracy, measured, train_at_mixtures, train_at_path

_EIGENVALUE_ITERATIONS = 30
"""Products with the Hessian an epoch, when the dominant eigenvalue is asked for (ours)."""


@dataclass
class OngoingSearch:
    """A search after some epochs.

    Random numbers of an epoch are functions of the job's seed and the epoch, so none are kept.

    Attributes:
        job: what is searched.
        images: on the job's device.
        state: network, parameters, optimisers and decisions.
        done: epochs that are over.
        past: what greedy decisions look back at.
        landscape: psi and its memory; None but in PVLL-NAS.
    """

    job: SearchJob
    images: Partition
    state: SearchState
    done: int = 0
    past: EdgeHistory = field(default_factory=EdgeHistory)
    landscape: ProxyLandscape | None = None

    @classmethod
    def begin(cls, job: SearchJob, images: Partition) -> OngoingSearch:
        """A search before its first epoch, with the weights that it starts from.

        Raises:
            CheckpointError: the file of those weights is gone, damaged, or another one by now.
        """
        ongoing = cls._fresh(job, images)
        if job.start is not None:
            ongoing.state.network.load_state_dict(job.start.weights(job.device))
        return ongoing

    @classmethod
    def taken_up(cls, job: SearchJob, images: Partition, tensors: dict[str, Any]) -> OngoingSearch:
        """A search as `tensors` of it were; what it started from is not read again."""
        ongoing = cls._fresh(job, images)
        ongoing.restore(tensors)
        return ongoing

    @classmethod
    def _fresh(cls, job: SearchJob, images: Partition) -> OngoingSearch:
        method, device = job.method, torch.device(job.device)
        partial = method.stages[0].partial if method.stages else method.partial
        state = assembled(job, job.topology, partial, method.weights)
        landscape = None
        if isinstance(method.update, LossSpaceRegression):
            landscape = ProxyLandscape(method.update, job.topology.cells[0].width, job.seed)
        return cls(job, images.to(device), state, landscape=landscape)

    @property
    def finished(self) -> bool:
        """Whether every epoch is over."""
        return self.done >= self.job.epochs

    def run_epoch(self) -> EpochRecord:
        """Goes on by one epoch.

        Raises:
            NotFiniteError: a loss is not finite; the search cannot go on from here.
        """
        start, epoch, method = time.perf_counter(), self.done, self.job.method
        self._enter(epoch)
        recipe, place = self._recipe(epoch)
        visit = self._visit(epoch)
        train: LossAndAccuracy | None
        valid: LossAndAccuracy | None
        if visit is not None:
            train, valid = self._visited(visit)
        else:
            if isinstance(method.selection, FineTunedSelection) and epoch >= method.epochs:
                self._decide_by_perturbation(method.selection, epoch - method.epochs)
            train, valid = self._trained_at_mixtures(epoch)
        if isinstance(method.selection, GradualSelection):
            decisions, self.past = method.selection.decide(self.state, self.past, self._validation())
            self.state = replace(self.state, decisions=decisions)
        eigenvalue = self._eigenvalue() if self.job.curvature else None
        difference = self._difference_error() if self.job.second_order_error else None
        diagnostics = {} if self.landscape is None else self.landscape.diagnostics()
        self.done += 1
        return EpochRecord(
            epoch=self.done,
            phase=_phase(visit, epoch < method.epochs),
            learning_rate=recipe.rate(place, 0, 1),
            train_loss=train and train.loss,
            train_accuracy=train and train.accuracy,
            validation_loss=valid and valid.loss,
            validation_accuracy=valid and valid.accuracy,
            seconds=time.perf_counter() - start,
            eigenvalue=eigenvalue,
            clamp_rate=diagnostics.get("clamp_rate"),
            effective_share=diagnostics.get("effective_share"),
            second_order_error=difference and difference.relative,
            second_order_cosine=difference and difference.cosine,
            **architecture_of(self.state),
        )

    def train_path(self, path: Path) -> LossAndAccuracy:
        """An epoch in which the weights of one path are trained, as in a visit of PVLL-NAS.

        Raises:
            NotFiniteError: a loss is not finite.
        """
        clip = self.job.method.weights.clip
        return train_at_path(self.state, path.mixture, self._pairs(), self._rate, clip)

    def tensors(self) -> dict[str, Any]:
        """Everything that `restore` needs: tensors, numbers and names only."""
        state = self.state
        network = cast(SuperNetwork, state.network)
        return {
            "done": self.done,
            "kept": {cell.name: [list(names) for names in cell.operations] for cell in network.topology.cells},
            "partial": network.partial,
            "network": network.state_dict(),
            "parameters": state.parameters.state_dict(),
            "weight_optimiser": state.weight_optimiser.state_dict(),
            "architecture_optimiser": state.architecture_optimiser.state_dict(),
            "decisions": {name: dict(decided) for name, decided in state.decisions.decided.items()},
            "past": self.past.state_dict(),
            "landscape": {} if self.landscape is None else self.landscape.state_dict(),
        }

    def restore(self, tensors: dict[str, Any]) -> None:
        """Goes back to what `tensors` gave, in the same search."""
        topology = self.job.topology
        cells = tuple(
            replace(cell, operations=tuple(map(tuple, tensors["kept"][cell.name]))) for cell in topology.cells
        )
        self.done = tensors["done"]
        recipe = self._recipe(max(self.done - 1, 0))[0]
        state = assembled(self.job, replace(topology, cells=cells), tensors["partial"], recipe)
        state.network.load_state_dict(tensors["network"])
        state.parameters.load_state_dict(tensors["parameters"])
        state.weight_optimiser.load_state_dict(tensors["weight_optimiser"])
        state.architecture_optimiser.load_state_dict(tensors["architecture_optimiser"])
        self.state = replace(state, decisions=Decisions(tensors["decisions"]))
        self.past = EdgeHistory.from_state_dict(tensors["past"])
        if self.landscape is not None:
            self.landscape.load_state_dict({name: values.cpu() for name, values in tensors["landscape"].items()})

    def _enter(self, epoch: int) -> None:
        """What changes before an epoch: random numbers, progress, the stage, and the optimiser of the fine-tuning."""
        method, seed = self.job.method, self.job.seed
        generator = generator_for(seed, epoch, "search", self.job.device)
        progress = min(epoch / max(method.epochs - 1, 1), 1.0)  # schedules arrive in the last epoch of the search
        self.state = replace(self.state, generator=generator, progress=progress, epoch=epoch)
        begun = 0
        for stage in method.stages:
            if epoch == begun > 0:
                self.state = entered(self.state, stage, generator_for(seed, epoch, "stage", self.job.device))
            begun += stage.epochs
        if epoch == method.epochs:
            fresh = optimiser_of(self.state.network, self._recipe(epoch)[0])
            self.state = replace(self.state, weight_optimiser=fresh)
        cast(SuperNetwork, self.state.network).set_noise_generator(generator)

    def _recipe(self, epoch: int) -> tuple[Recipe, int]:
        """How the weights learn in an epoch of the search or of the fine-tuning, and which epoch of it that is."""
        method = self.job.method
        if epoch < method.epochs or not isinstance(method.selection, FineTunedSelection):
            return replace(method.weights, epochs=method.epochs), epoch
        rate = method.selection.rate_factor * method.weights.learning_rate
        recipe = replace(
            method.weights,
            epochs=self.job.epochs - method.epochs,
            learning_rate=rate,
            final_learning_rate=min(method.weights.final_learning_rate, rate),
            schedule="cosine" if method.selection.cosine else "constant",
            warm_up_epochs=0,
        )
        return recipe, epoch - method.epochs

    def _batch_size(self) -> int:
        """Of the recipe; greedy decisions let it grow by so much a round (Li, Qian et al. 2020)."""
        method = self.job.method
        if not isinstance(method.selection, GradualSelection):
            return method.weights.batch_size
        decided = self.state.decisions.decided.values()
        rounds = max((sum(kept is not PRUNED for kept in edges.values()) for edges in decided), default=0)
        return method.weights.batch_size + rounds * method.selection.batch_increase

    def _pairs(self) -> Iterator[tuple[Batch, Batch]]:
        augmentation = self.job.method.weights.augmentation
        return paired_batches(
            self.images, augmentation, size=self._batch_size(), seed=self.job.seed, epoch=self.state.epoch
        )

    def _validation(self) -> Batches:
        return validation_batches(self.images, self.job.method.weights.batch_size)

    def _rate(self, step: int) -> float:
        recipe, epoch = self._recipe(self.state.epoch)
        return recipe.rate(epoch, step, steps_of(self.images.train, self._batch_size()))

    def _trained_at_mixtures(self, epoch: int) -> tuple[LossAndAccuracy, LossAndAccuracy]:
        train = train_at_mixtures(self.state, self.job.method, self._pairs(), self._rate, rests=self._rests(epoch))
        return train, measured(self.state, self._validation(), self.state.mixture)

    def _rests(self, epoch: int) -> bool:
        """Whether the architecture parameters stay as they are in an epoch."""
        begun = 0
        for stage in self.job.method.stages:
            if begun <= epoch < begun + stage.epochs:
                return epoch - begun < stage.warm_up
            begun += stage.epochs
        return epoch < self.job.method.warm_up

    def _decide_by_perturbation(self, selection: FineTunedSelection, epoch: int) -> None:
        if selection.decides_at(epoch, self.job.epochs - self.job.method.epochs):
            decisions = selection.decide(self.state, self._validation())
            self.state = replace(self.state, decisions=decisions)

    def _visit(self, epoch: int) -> Visit | None:
        """What PVLL-NAS does in an epoch of its search."""
        update = self.job.method.update
        if not isinstance(update, LossSpaceRegression) or epoch >= self.job.method.epochs:
            return None
        return list(update.visits())[epoch]

    def _visited(self, visit: Visit) -> tuple[LossAndAccuracy | None, LossAndAccuracy | None]:
        """One visit of algorithm 1 of Li, Dong et al. 2020."""
        path = self._path(visit)
        train = self.train_path(path) if visit.trains else None
        valid = None
        if visit.evaluates and self.landscape is not None:
            valid = measured(self.state, self._validation(), lambda: path.mixture)
            self.landscape.remember(path.sequence(), valid.loss)
            if visit.phase == "search":
                self.landscape.follow(self.state.parameters, path)
                self.state.move_parameters()
        return train, valid

    def _path(self, visit: Visit) -> Path:
        """The architecture of a visit; the same one when the warm-up population is visited again."""
        update = self.job.method.update
        purpose = "search path" if visit.phase == "search" else "population"
        generator = generator_for(self.job.seed, visit.number, purpose, self.job.device)
        temperature = update.temperature if isinstance(update, LossSpaceRegression) else 1.0
        return draw_path(self.state.parameters, temperature, generator)

    def _eigenvalue(self) -> float:
        """Of the Hessian on the first validation batch, at the statistics of that batch."""
        batch = next(iter(self._validation()()))
        with self.state.exact() as state, mode(state.network, training=True), restored(state.network.buffers()):
            hessian = validation_hessian(state, batch)
            return dominant_eigenvalue(hessian, state.generator, iterations=_EIGENVALUE_ITERATIONS).value

    def _difference_error(self) -> DifferenceError | None:
        """Of the finite difference of a second-order update, on the first pair of batches of the epoch.

        None in epochs without such an update; where one differentiates twice, that of the released code's epsilon.
        """
        update = second_order_at(self.job.method.update, self.done)
        if update is None:
            return None
        train, valid = next(self._pairs())
        if update.epsilon is None:
            return difference_error(self.state, train, valid)
        return difference_error(self.state, train, valid, update.epsilon)


def _phase(visit: Visit | None, searching: bool) -> str:
    if visit is not None:
        return visit.phase
    return "search" if searching else "fine-tuning"
