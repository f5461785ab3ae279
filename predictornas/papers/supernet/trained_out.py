"""How far the slopes of alpha at one-step weights are from those at weights trained to their end (He et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import torch
from jaxtyping import Float64
from torch import Tensor

from predictornas.live.passes import generator_for
from predictornas.live.training import optimiser_of
from predictornas.papers.supernet.collapse_design import TUNING_FACTOR
from predictornas.papers.supernet.trained_measures import Item
from predictornas.supernet.batches import paired_batches, validation_batches
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.unrolling import Point, unrolled
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch, SearchState
from predictornas.supernet.weight_steps import measured, train_at_mixtures

Slopes = Float64[Tensor, " p"]

PAIRS = 12
"""Pairs of batches that slopes before are the mean over, those trained out over the whole validation half."""

Seen = TypeVar("Seen")
"""What a gradient is computed on: a batch, or a pair."""

AT_PRESENT, ONE_STEP, ANOTHER_ORDER = "present weights", "one step", "another order of batches"
"""Where the slopes are taken that are compared with those at weights trained out: DARTS's first order, its second
order, and once more weights trained out, which says how much of the distance is chance."""


@dataclass(frozen=True)
class SlopesTrainedOut:
    """Cosines and relative errors of slopes of alpha against those at w trained out at the same alpha.

    MiLeNAS (He et al. 2020, section 2.2) has it that one step is a poor stand-in for w*(alpha), and that the error
    of the slopes adds up. Here w*(alpha) is where some epochs at a constant rate lead from w, alpha at rest; its slopes
    are those of L_val(w*, alpha) with w* held, as first-order DARTS would take them there: what w* would do if alpha
    moved is left out of them, and is part of the second order's.

    Attributes:
        snapshots: epochs with alpha.
        epochs: of training at resting alpha, >= 1.
    """

    snapshots: tuple[int, ...]
    epochs: int

    @property
    def name(self) -> str:
        """Of the journal."""
        return f"slopes-{self.epochs}-epochs-{PAIRS}-pairs-" + "-".join(map(str, self.snapshots))

    def items(self, topology: Topology) -> list[Item]:
        """The snapshots."""
        return [{"epoch": epoch} for epoch in self.snapshots]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """One row for each place of `AT_PRESENT`, `ONE_STEP`, `ANOTHER_ORDER`, with both validation losses."""
        found = {AT_PRESENT: step_slopes(ongoing, 1), ONE_STEP: step_slopes(ongoing, 2)}
        present, weights = _validation_loss(ongoing), list(ongoing.state.network.parameters())
        with restored([*weights, *ongoing.state.network.buffers()]):
            found[ANOTHER_ORDER] = step_slopes(trained_out(ongoing, self.epochs, "another order"), 1)
        arrived = trained_out(ongoing, self.epochs, "trained out")
        truth, loss = slopes(arrived), _validation_loss(arrived)
        return [
            {
                "where": where,
                "cosine": float(torch.cosine_similarity(own, truth, dim=0)),
                "error": float(torch.linalg.vector_norm(own - truth) / torch.linalg.vector_norm(truth)),
                "present_loss": present,
                "loss": loss,
            }
            for where, own in found.items()
        ]


def slopes(ongoing: OngoingSearch) -> Slopes:
    """The gradient of L_val with respect to alpha at the present weights, the mean over the validation batches."""
    batches = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
    return _mean(ongoing, batches(), lambda point, state, batch: point.slopes(state, batch))


def step_slopes(ongoing: OngoingSearch, order: int) -> Slopes:
    """What steps of alpha see of it: the mean over the first `PAIRS` pairs of batches of an epoch.

    Args:
        ongoing: a search; nothing of it changes.
        order: 1 for L_val(w, alpha), 2 for L_val(w - xi dw(alpha), alpha), differentiated exactly.
    """
    weights, seed, epoch = ongoing.job.method.weights, ongoing.job.seed, ongoing.done
    pairs = paired_batches(ongoing.images, weights.augmentation, size=weights.batch_size, seed=seed, epoch=epoch)

    def of_factors(point: Point, state: SearchState, pair: tuple[Batch, Batch]) -> list[Tensor]:
        train, valid = pair
        if order == 1:
            return point.slopes(state, valid)
        return unrolled(point, state, train, valid, epsilon=None).slopes()

    return _mean(ongoing, islice(pairs, PAIRS), of_factors)


def trained_out(ongoing: OngoingSearch, epochs: int, purpose: str) -> OngoingSearch:
    """The search after further epochs in which alpha rests, at a constant rate; its weights are changed in place.

    Args:
        ongoing: a search.
        epochs: >= 1.
        purpose: tells orders of batches apart.
    """
    job = ongoing.job
    rate = TUNING_FACTOR * job.method.weights.learning_rate
    recipe = replace(job.method.weights, learning_rate=rate)
    state = replace(ongoing.state, weight_optimiser=optimiser_of(ongoing.state.network, recipe))
    order = int(torch.randint(2**31, (), generator=generator_for(job.seed, ongoing.done, purpose, "cpu")))
    for epoch in range(epochs):
        state = replace(state, generator=generator_for(order, epoch, purpose, job.device))
        pairs = paired_batches(ongoing.images, recipe.augmentation, size=recipe.batch_size, seed=order, epoch=epoch)
        train_at_mixtures(state, job.method, pairs, lambda _: rate, rests=True)
    return replace(ongoing, state=state)


def _mean(
    ongoing: OngoingSearch, batches: Iterable[Seen], of_factors: Callable[[Point, SearchState, Seen], list[Tensor]]
) -> Slopes:
    """The mean of gradients in the factors, carried to alpha; network and statistics stay as they were."""
    found = []
    with ongoing.state.exact() as state, mode(state.network, training=True), restored(state.network.buffers()):
        for batch in batches:
            point = Point.drawn(state)
            found.append(point.carried(state, of_factors(point, state, batch)).double())
    return torch.stack(found).mean(dim=0)


def _validation_loss(ongoing: OngoingSearch) -> float:
    batches = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
    return measured(ongoing.state, batches, ongoing.state.mixture).loss
