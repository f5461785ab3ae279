"""Full-batch gradient descent with momentum and a cosine schedule, without overhead that shows in a profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.losses import ScoreGradient


@dataclass(frozen=True)
class GradientDescent:
    """Stochastic gradient descent as in Mauch et al. 2020, section 5, on the full batch (ours).

    Attributes:
        learning_rate: of the first step; step t of T takes learning_rate * (1 + cos(pi t / T)) / 2.
        momentum: share of the last update that is kept, 0 <= momentum < 1.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of one step, counted from 0."""
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def train(
    parameters: Sequence[torch.nn.Parameter],
    scores: Callable[[], torch.Tensor],
    gradient: ScoreGradient,
    *,
    optimiser: GradientDescent,
    epochs: int,
) -> None:
    """Fits parameters in place; afterwards they share one buffer and no longer ask for gradients.

    Args:
        parameters: what is learned. All live in one flat buffer, so that an update is two tensor operations: the
            gradients are added straight to the velocity.
        scores: the scores of all training architectures, differentiable in the parameters.
        gradient: derivative of the loss with respect to these scores.
        optimiser: step size, momentum and schedule.
        epochs: number of steps, one full batch each.

    Raises:
        ConfigurationError: the weights are no longer finite.
    """

    weights, velocity = _share_one_buffer(parameters)
    for step in range(epochs):
        velocity.mul_(optimiser.momentum)
        current = scores()
        current.backward(gradient(current.detach()))  # type: ignore[no-untyped-call]  # adds the slopes to the velocity
        weights.add_(velocity, alpha=-optimiser.rate(step, epochs))
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter.grad = None
    if not bool(weights.isfinite().all()):
        raise ConfigurationError(
            f"Training diverged within {epochs} epochs at learning rate {optimiser.learning_rate}: the weights are not "
            "finite. Try a tenth of the learning rate."
        )


def check_values(values: Float[np.ndarray, " n"]) -> None:
    """Refuses values that have no place in an order.

    Raises:
        DataError: a value is not finite.
    """
    finite = np.isfinite(values)
    if not finite.all():
        row = int(finite.argmin())
        raise DataError(f"Value {row} of {len(values)} is {values[row]}; leave out what has no finite value.")


def check_device(device: str) -> None:
    """Refuses a device that torch does not have here.

    Raises:
        ConfigurationError: no such device.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(
            f"torch cannot compute on {device!r} here: {str(error).splitlines()[0]} Choose 'cpu', or a machine and a "
            "build of torch that have the device."
        ) from error


def _share_one_buffer(parameters: Sequence[torch.nn.Parameter]) -> tuple[torch.Tensor, torch.Tensor]:
    """Moves the parameters into one flat tensor, and their gradients into another; both are returned."""
    import torch

    weights = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
    slopes = torch.zeros_like(weights)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = weights[start:end].view(parameter.shape)
        parameter.grad = slopes[start:end].view(parameter.shape)
        parameter.requires_grad_(True)
        start = end
    return weights, slopes
