"""How weights follow their slopes: the interchangeable part of `fitting.train`. Importable without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from jaxtyping import Float

from predictornas.errors import UnknownNameError

if TYPE_CHECKING:
    import torch

Schedule = Literal["cosine", "constant"]


@runtime_checkable
class Optimiser(Protocol):
    """A rule for training. A subclass is a frozen configuration; its state lives as long as one `steps`."""

    @property
    def learning_rate(self) -> float:
        """Of the first step; named when training diverges."""
        ...

    def steps(
        self, weights: Float[torch.Tensor, " w"], slopes: Float[torch.Tensor, " w"], epochs: int
    ) -> Iterator[None]:
        """Yields `epochs` times: before each yield `slopes` is made ready, after it `weights` is moved in place.

        Args:
            weights: all that is learned.
            slopes: the buffer to which whoever iterates adds the derivative of the loss, once after each yield.
            epochs: number of steps, also the length of the schedule.
        """
        ...


@dataclass(frozen=True)
class GradientDescent(Optimiser):
    """Stochastic gradient descent as in Mauch et al. 2020, section 5; on the full batch by default (ours).

    Attributes:
        learning_rate: of the first step; step t of T takes learning_rate * (1 + cos(pi t / T)) / 2.
        momentum: share of the last update that is kept, 0 <= momentum < 1.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of one step, counted from 0."""
        return _cosine(self.learning_rate, step, steps)

    def steps(
        self, weights: Float[torch.Tensor, " w"], slopes: Float[torch.Tensor, " w"], epochs: int
    ) -> Iterator[None]:
        """The slopes are added straight to the velocity: an update is two tensor operations. See `Optimiser.steps`."""
        # v <- momentum v + slope: as the backward pass adds to its buffer, a buffer that already holds momentum v ends
        # as v
        velocity = slopes
        for step in range(epochs):
            velocity.mul_(self.momentum)
            yield
            weights.add_(velocity, alpha=-self.rate(step, epochs))


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam of Kingma and Ba 2015, with a schedule and decoupled weight decay (Loshchilov and Hutter 2019, AdamW).

    Attributes:
        learning_rate: of the first step.
        betas: shares of the running means of slopes and squared slopes that are kept, 0 <= beta < 1.
        eps: added to the root of the running mean of squares, > 0.
        schedule: "cosine" takes learning_rate * (1 + cos(pi t / T)) / 2 in step t of T, "constant" learning_rate.
        weight_decay: in each step every weight loses this share of itself times the step's learning rate, >= 0.
    """

    learning_rate: float = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    schedule: Schedule = "cosine"
    weight_decay: float = 0.0

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of one step, counted from 0.

        Raises:
            UnknownNameError: no such schedule.
        """
        if self.schedule == "cosine":
            return _cosine(self.learning_rate, step, steps)
        if self.schedule == "constant":
            return self.learning_rate
        raise UnknownNameError("schedule", self.schedule, ["cosine", "constant"])

    def steps(
        self, weights: Float[torch.Tensor, " w"], slopes: Float[torch.Tensor, " w"], epochs: int
    ) -> Iterator[None]:
        """Both running means begin at 0 and are corrected for it; see `Optimiser.steps`."""
        import torch

        of_slopes, of_squares = torch.zeros_like(weights), torch.zeros_like(weights)
        keep, keep_squares = self.betas
        for step in range(epochs):
            slopes.zero_()
            yield
            of_slopes.lerp_(slopes, 1 - keep)
            of_squares.mul_(keep_squares).addcmul_(slopes, slopes, value=1 - keep_squares)
            root = of_squares.sqrt().div_(math.sqrt(1 - keep_squares ** (step + 1))).add_(self.eps)
            rate = self.rate(step, epochs)
            if self.weight_decay:
                weights.mul_(1 - rate * self.weight_decay)
            weights.addcdiv_(of_slopes, root, value=-rate / (1 - keep ** (step + 1)))


def _cosine(learning_rate: float, step: int, steps: int) -> float:
    return learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))
