"""Which losses drive the architecture parameters: single-level, bilevel of first and second order, mixed-level.

All updates differentiate at one mixture, drawn once a step, so that losses of a sampling relaxation are compared at the
same sample. The gradients of the factors are combined first and carried to the parameters by one backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from predictornas.errors import ConfigurationError
from predictornas.supernet.parts.unrolling import Point, unrolled
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


def is_second_order(update: object) -> bool:
    """Whether an update, or one that it is made of, differentiates through a step of the weights."""
    if isinstance(update, CombinedUpdate):
        return any(map(is_second_order, update.updates))
    return isinstance(update, Bilevel) and update.order == 2


@dataclass(frozen=True)
class SingleLevel:
    """The gradient of the training loss: alpha is trained like any weight."""

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`; `valid` is not looked at."""
        point = Point.drawn(state)
        point.hand_over(state, point.slopes(state, train))


@dataclass(frozen=True)
class Bilevel:
    """The gradient of the validation loss at w (order 1), or at w after one training step (order 2).

    Liu et al. 2019, as given in He et al. 2020, eq. 6 and 7: with w' = w - xi dw,
    grad L_val(w', alpha) - xi (grad L_train(w+, alpha) - grad L_train(w-, alpha)) / (2 eps), w+- = w +- eps v,
    v = grad_w L_val(w', alpha), eps = epsilon / |v|. The step dw is SGD's with momentum and weight decay, as released;
    its Nesterov correction and the clipping of gradients are not unrolled. xi is the learning rate of each weight.
    Without epsilon the difference makes way for what it approximates, xi v times the derivative of grad_w L_train in
    alpha, by differentiating twice (ours): as long to compute, with more memory.

    Order 2 computes in single precision on GPUs too: dw and eps v move a weight by far less than the 8 bits of bfloat16
    (or the 11 of TF32) resolve, so that the difference would be one of rounding errors, times 1 / (2 eps).

    Attributes:
        order: 1 or 2.
        epsilon: length of the displacement of w in the finite difference, > 0 (released code: 0.01); None for the
            exact derivative.

    Raises:
        ConfigurationError: a value out of range.
    """

    order: int = 1
    epsilon: float | None = 0.01

    def __post_init__(self) -> None:
        if self.order not in (1, 2) or not (self.epsilon is None or self.epsilon > 0):
            raise ConfigurationError(f"A bilevel update is of order 1 or 2 with epsilon > 0 or None, not {self}.")

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`."""
        point = Point.drawn(state)
        if self.order == 1:
            slopes = point.slopes(state, valid)
        else:
            with state.exact() as exact:
                slopes = unrolled(point, exact, train, valid, self.epsilon).slopes()
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
        point = Point.drawn(state)
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


def second_order_at(update: object, epoch: int) -> Bilevel | None:
    """The update that differentiates through a step of the weights in an epoch: this one, or one that it is made of.

    Args:
        update: of a method.
        epoch: of the search, counted from 0.
    """
    if isinstance(update, Switch):
        return second_order_at(update.first if epoch < update.epoch else update.then, epoch)
    if isinstance(update, CombinedUpdate):
        return next((found for part in update.updates if (found := second_order_at(part, epoch))), None)
    return update if isinstance(update, Bilevel) and update.order == 2 else None
