"""Which losses drive the architecture parameters: single-level, bilevel of first and second order, mixed-level.

All updates differentiate at one mixture, drawn once a step, so that losses of a sampling relaxation are compared at the
same sample. The gradients of the factors are combined first and carried to the parameters by one backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.restoring import restored
from predictornas.supernet.state import Batch, SearchState


@runtime_checkable
class ArchitectureUpdate(Protocol):
    """One way to get a gradient of the architecture parameters."""

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """Sets `.grad` of every architecture parameter; the operation weights and their `.grad` stay.

        Running statistics of batch norm see the batches, as in all released codes, but only at the current weights.

        Args:
            state: where the search stands.
            train: a batch of the half that trains the operation weights.
            valid: a batch of the other half.
        """
        ...


@runtime_checkable
class CombinedUpdate(ArchitectureUpdate, Protocol):
    """An update that is made of others."""

    @property
    def updates(self) -> tuple[ArchitectureUpdate, ...]:
        """Those that it is made of."""
        ...


@dataclass(frozen=True)
class SingleLevel:
    """The gradient of the training loss: alpha is trained like any weight."""

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`; `valid` is not looked at."""
        point = _Point.drawn(state)
        point.hand_over(state, point.slopes(state, train))


@dataclass(frozen=True)
class Bilevel:
    """The gradient of the validation loss at w (order 1), or at w after one training step (order 2).

    Liu et al. 2019, as given in He et al. 2020, eq. 6 and 7: with w' = w - xi dw,
    grad L_val(w', alpha) - xi (grad L_train(w+, alpha) - grad L_train(w-, alpha)) / (2 eps), w+- = w +- eps v,
    v = grad_w L_val(w', alpha), eps = epsilon / |v|. The step dw is SGD's with momentum and weight decay, as released;
    its Nesterov correction and the clipping of gradients are not unrolled. xi is the learning rate of each weight.

    Order 2 computes in single precision on GPUs too: dw and eps v move a weight by far less than the 8 bits of bfloat16
    (or the 11 of TF32) resolve, so that the difference would be one of rounding errors, times 1 / (2 eps).

    Attributes:
        order: 1 or 2.
        epsilon: length of the displacement of w in the finite difference, > 0 (released code: 0.01).

    Raises:
        ConfigurationError: a value out of range.
    """

    order: int = 1
    epsilon: float = 0.01

    def __post_init__(self) -> None:
        if self.order not in (1, 2) or not self.epsilon > 0:
            raise ConfigurationError(f"A bilevel update is of order 1 or 2 with epsilon > 0, not {self}.")

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`."""
        point = _Point.drawn(state)
        if self.order == 1:
            slopes = point.slopes(state, valid)
        else:
            with state.exact() as exact:
                slopes = _unrolled(point, exact, train, valid, self.epsilon)
        point.hand_over(state, slopes)


@dataclass(frozen=True)
class Mixed:
    """grad L_train + weight * grad L_val, both at the current w (MiLeNAS: He et al. 2020, eq. 5).

    Attributes:
        weight: lambda >= 0; with 0 it is `SingleLevel`, and no validation loss is computed.

    Raises:
        ConfigurationError: a negative or infinite weight.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise ConfigurationError(
                f"The weight lambda of a mixed-level update is finite and >= 0, not {self.weight}."
            )

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`."""
        point = _Point.drawn(state)
        slopes = point.slopes(state, train)
        if self.weight:
            of_valid = point.slopes(state, valid)
            slopes = [slope + self.weight * other for slope, other in zip(slopes, of_valid, strict=True)]
        point.hand_over(state, slopes)


@dataclass(frozen=True)
class Switch:
    """One update until an epoch, another one from then on (He et al. 2020, fig. 3a: bilevel, then mixed-level).

    Attributes:
        first: the update of the epochs before `epoch`.
        then: the update of the epochs from `epoch` on.
        epoch: the first epoch of `then` (paper: 35).
    """

    first: ArchitectureUpdate
    then: ArchitectureUpdate
    epoch: int = 35

    @property
    def updates(self) -> tuple[ArchitectureUpdate, ...]:
        """Both."""
        return self.first, self.then

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`."""
        (self.first if state.epoch < self.epoch else self.then).step(state, train, valid)


@dataclass(frozen=True)
class _Point:
    """The factors where losses are differentiated, cut off from the parameters they were computed from.

    Attributes:
        mixture: with leaf tensors as its factors.
        leaves: those tensors.
        attached: the same numbers, with the graph that leads to the parameters.
    """

    mixture: Mixture
    leaves: list[Tensor]
    attached: list[Tensor]

    @classmethod
    def drawn(cls, state: SearchState) -> _Point:
        """A point at the current parameters."""
        drawn = state.mixture()
        cut = drawn.detached()
        attached, leaves = _factors(drawn), _factors(cut)
        for leaf in leaves:
            leaf.requires_grad_()
        return cls(cut, leaves, attached)

    def slopes(self, state: SearchState, batch: Batch) -> list[Tensor]:
        """The gradient of the loss on a batch with respect to the factors."""
        loss = state.loss_of(batch, self.mixture)
        return list(torch.autograd.grad(loss, self.leaves, materialize_grads=True))

    def hand_over(self, state: SearchState, slopes: Sequence[Tensor]) -> None:
        """Carries a gradient of the factors to the architecture parameters."""
        for parameter in state.parameters.tensors():
            # zero and not None: Adam skips what has no gradient, and its moments and weight decay would stand still
            parameter.grad = torch.zeros_like(parameter)
        torch.autograd.backward(self.attached, list(slopes))


def _factors(mixture: Mixture) -> list[Tensor]:
    return [*mixture.weights.values(), *(mixture.edge_weights or {}).values()]


def _unrolled(point: _Point, state: SearchState, train: Batch, valid: Batch, epsilon: float) -> list[Tensor]:
    """The gradient of L_val(w - xi dw(alpha), alpha) with respect to the factors, by a finite difference."""
    weights, rates = _weights_and_rates(state)
    # losses away from w are only looked at: neither w nor the statistics of batch normalisation may remember them
    with restored([*state.network.parameters(), *state.network.buffers()]):
        with restored(weights):
            _take_step(state, train, point.mixture.detached(), weights)
            loss = state.loss_of(valid, point.mixture)
            slopes = torch.autograd.grad(loss, [*point.leaves, *weights], materialize_grads=True)
        direct, implicit = slopes[: len(point.leaves)], slopes[len(point.leaves) :]
        # xi v as one direction: where all weights share a rate, w +- eps v are the same points
        direction = [slope * rate for slope, rate in zip(implicit, rates, strict=True)]
        length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in direction]))
        # no slope, so no second-order term (and eps would be infinite); also where it is NaN
        if not length > 0:
            return list(direct)
        noise = state.generator.get_state()
        _displace(weights, direction, epsilon / float(length))
        above = point.slopes(state, train)
        state.generator.set_state(noise)  # or the operation `noise` would drown the difference
        _displace(weights, direction, -2 * epsilon / float(length))
        below = point.slopes(state, train)
    factor = float(length) / (2 * epsilon)
    return [slope - factor * (up - down) for slope, up, down in zip(direct, above, below, strict=True)]


def _weights_and_rates(state: SearchState) -> tuple[list[Tensor], list[float]]:
    """The weights that the optimiser moves, and the learning rate of each."""
    pairs = [
        (weight, float(group["lr"])) for group in state.weight_optimiser.param_groups for weight in group["params"]
    ]
    return [weight for weight, _ in pairs], [rate for _, rate in pairs]


def _take_step(state: SearchState, train: Batch, mixture: Mixture, weights: Sequence[Tensor]) -> None:
    """w' = w - xi (momentum * buffer + grad_w L_train + decay * w), as the released `_compute_unrolled_model`."""
    slopes = iter(torch.autograd.grad(state.loss_of(train, mixture), list(weights), materialize_grads=True))
    with torch.no_grad():
        for group in state.weight_optimiser.param_groups:
            for weight in group["params"]:
                step = next(slopes) + group.get("weight_decay", 0.0) * weight
                buffer = state.weight_optimiser.state.get(weight, {}).get("momentum_buffer")
                if buffer is not None:
                    step += group["momentum"] * buffer
                weight.sub_(step, alpha=group["lr"])


def _displace(weights: Sequence[Tensor], direction: Sequence[Tensor], by: float) -> None:
    """w <- w + by * direction."""
    with torch.no_grad():
        for weight, part in zip(weights, direction, strict=True):
            weight.add_(part, alpha=by)
