"""Full-batch training of a network, without overhead that shows in a profile, and the checks before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.optimisers import Optimiser

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.losses import Loss, ScoreGradient


def train(
    parameters: Sequence[torch.nn.Parameter],
    scores: Callable[[], torch.Tensor],
    gradient: ScoreGradient,
    *,
    optimiser: Optimiser,
    epochs: int,
) -> None:
    """Fits parameters in place; afterwards they share one buffer and no longer ask for gradients.

    Args:
        parameters: what is learned. All live in one flat buffer, so that an update is a few tensor operations.
        scores: the scores of all training architectures, differentiable in the parameters.
        gradient: derivative of the loss with respect to these scores.
        optimiser: what an update is.
        epochs: number of steps, one full batch each.

    Raises:
        ConfigurationError: the weights are no longer finite.
    """

    weights, slopes = _share_one_buffer(parameters)
    for _ in optimiser.steps(weights, slopes, epochs):
        current = scores()
        current.backward(gradient(current.detach()))  # type: ignore[no-untyped-call]  # adds to the slopes
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter.grad = None
    if not bool(weights.isfinite().all()):
        raise ConfigurationError(
            f"Training diverged within {epochs} epochs at learning rate {optimiser.learning_rate}: the weights are not "
            "finite. Try a tenth of the learning rate."
        )


def fit_network(
    network: torch.nn.Module,
    scores: Callable[[], torch.Tensor],
    values: Float[np.ndarray, " n"],
    *,
    start: torch.nn.Module | None,
    loss: Loss,
    optimiser: Optimiser,
    epochs: int,
    device: str,
) -> None:
    """Trains a new network to score architectures by their values; values that are all equal leave it untrained.

    Args:
        network: what is trained; it is moved to `device`.
        scores: its scores of the architectures, in the order of `values`, computed on `device`.
        values: what was measured, higher is better.
        start: the network whose weights training begins with; None keeps the network's own.
        loss: what training minimises.
        optimiser: how.
        epochs: number of steps.
        device: where torch computes.

    Raises:
        ConfigurationError: training diverged.
    """
    import torch

    if start is not None:
        network.load_state_dict(start.state_dict())
    network.to(device)
    train(
        list(network.parameters()),
        scores,
        loss.gradient_for(torch.from_numpy(values.astype(np.float64)).to(device)),
        optimiser=optimiser,
        epochs=epochs if len(np.unique(values)) > 1 else 0,
    )


def starting_network(predictor: object, fitted: object) -> Any:
    """The network of a fitted predictor, for a warm start of another one of the same class.

    Raises:
        ConfigurationError: `fitted` is no fitted predictor of this class.
    """
    network = getattr(fitted, "network_", None)
    if type(fitted) is not type(predictor) or network is None:
        raise ConfigurationError(
            f"A {type(predictor).__name__} can only start from a fitted one, not from {type(fitted).__name__}. "
            "Call its fit first."
        )
    return network


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
