"""One pass of a search over its images: weights and architecture parameters move in turn; and what it measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.method import Method
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.parts.perturbation import Batches
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import Batch, SearchState

Rates = Callable[[int], float]
"""The learning rate of the weights at each step of the pass."""


class LossAndAccuracy(NamedTuple):
    """Mean loss and share of correct labels over some images."""

    loss: float
    accuracy: float


class NotFiniteError(ConfigurationError):
    """A loss that is not finite: the search has diverged."""


def train_at_mixtures(
    state: SearchState, method: Method, batches: Iterable[tuple[Batch, Batch]], rates: Rates, *, rests: bool
) -> LossAndAccuracy:
    """One pass: for each pair a step of the architecture parameters, then one of the weights.

    Args:
        state: the search; its network, parameters and optimisers move.
        method: update, regulariser and limits of gradients.
        batches: pairs of a training and a validation batch.
        rates: learning rate of the weights.
        rests: whether the architecture parameters stay as they are.

    Raises:
        NotFiniteError: a training loss is NaN or infinite; says at which step.
    """
    state.network.train()
    tally = _Tally()
    for step, (train, valid) in enumerate(batches):
        _set_rate(state.weight_optimiser, rates(step))
        if not rests and not isinstance(method.update, LossSpaceRegression):
            method.update.step(state, train, valid)
            _move_parameters(state, method)
        mixture = state.mixture().detached()
        if method.regulariser is not None:
            mixture = method.regulariser.perturbed(mixture, state, train)
        tally.add(*_weight_step(state, train, mixture, method.weights.clip))
    return tally.measured(f"The training loss in epoch {state.epoch + 1}")


def train_at_path(
    state: SearchState, mixture: Mixture, batches: Iterable[tuple[Batch, Batch]], rates: Rates, clip: float | None
) -> LossAndAccuracy:
    """One pass in which the weights of one sampled path are trained.

    Raises:
        NotFiniteError: as in `train_at_mixtures`.
    """
    state.network.train()
    tally = _Tally()
    for step, (train, _) in enumerate(batches):
        _set_rate(state.weight_optimiser, rates(step))
        tally.add(*_weight_step(state, train, mixture, clip))
    return tally.measured(f"The training loss in epoch {state.epoch + 1}")


def measured(state: SearchState, batches: Batches, mixtures: Callable[[], Mixture]) -> LossAndAccuracy:
    """Loss and accuracy on batches, with batch norm in training mode and its statistics put back after.

    As perturbation selection measures: running statistics are those of all mixtures and paths that were trained, and
    fit none of them well (ours; the released code of DARTS takes the running ones).

    Args:
        state: the search; nothing of it moves but its generator.
        batches: what to measure on.
        mixtures: asked once for each batch.

    Raises:
        NotFiniteError: a loss is NaN or infinite.
    """
    tally = _Tally()
    with torch.no_grad(), mode(state.network, training=True), restored(state.network.buffers()):
        for batch in batches():
            logits = state.logits_of(batch, mixtures().detached())
            tally.add(state.loss(logits, batch.labels), logits, batch.labels)
    return tally.measured(f"The validation loss after epoch {state.epoch + 1}")


@dataclass
class _Tally:
    """Losses and correct labels; nothing is read from the device before the end."""

    losses: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.losses.append(loss.detach())
        self.correct.append((logits.detach().argmax(dim=1) == labels).sum())
        self.sizes.append(len(labels))

    def measured(self, what: str) -> LossAndAccuracy:
        losses = torch.stack(self.losses).double().cpu()
        finite = losses.isfinite()
        if not finite.all():
            step = int((~finite).int().argmax())
            raise NotFiniteError(
                f"{what}, step {step + 1} of {len(losses)}, is {float(losses[step])}: the search has diverged. Lower "
                "the learning rates of weights or architecture, or set the clip of `weights`."
            )
        sizes = torch.tensor(self.sizes).double()
        right = int(torch.stack(self.correct).sum())
        return LossAndAccuracy(float((losses * sizes).sum() / sizes.sum()), right / sum(self.sizes))


def _weight_step(
    state: SearchState, batch: Batch, mixture: Mixture, clip: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Moves the weights once; gives the loss before, the logits and the labels."""
    state.weight_optimiser.zero_grad()
    logits = state.logits_of(batch, mixture)
    loss = state.loss(logits, batch.labels)
    torch.autograd.backward([loss])
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), clip)
    state.weight_optimiser.step()
    return loss, logits, batch.labels


def _move_parameters(state: SearchState, method: Method) -> None:
    if method.architecture.clip is not None:
        torch.nn.utils.clip_grad_norm_(state.parameters.tensors(), method.architecture.clip)
    state.move_parameters()


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
