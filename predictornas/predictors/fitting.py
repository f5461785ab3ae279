"""Training of a network, on the full batch or on mini-batches, without overhead that shows in a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from jaxtyping import Float, Int8, Int64

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.optimisers import Optimiser
from predictornas.spaces.base import Genes

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.losses import Loss, PairLoss, ScoreGradient

    Slopes = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """Derivatives of each architecture's loss with respect to its score, from the scores and targets of a batch."""

Labels = Float[np.ndarray, " n"] | Int8[np.ndarray, "n n"]
"""What is learned: a value for each architecture, higher is better, or the order of each pair, which only a `PairLoss`
can learn: +1 where the row's architecture is better, -1 where the column's is, 0 where the pair has no order."""


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

    def add_slopes() -> None:
        current = scores()
        current.backward(gradient(current.detach()))  # type: ignore[no-untyped-call]

    _descend(parameters, add_slopes, optimiser, epochs)


def train_in_batches(
    parameters: Sequence[torch.nn.Parameter],
    scores: Callable[[Int64[torch.Tensor, " b"]], torch.Tensor],
    gradient: Callable[[Int64[torch.Tensor, " b"], Float[torch.Tensor, " b"]], Float[torch.Tensor, " b"]],
    *,
    batches: Iterator[Int64[torch.Tensor, " b"]],
    optimiser: Optimiser,
    updates: int,
) -> None:
    """`train` with another batch of the architectures in every update.

    Args:
        parameters: what is learned.
        scores: the scores of some of the training architectures, differentiable in the parameters.
        gradient: derivative of a batch's loss with respect to its scores, from the batch and its scores.
        batches: rows of the training architectures, at least `updates` times; see `random_batches`.
        optimiser: what an update is.
        updates: number of steps, one batch each.

    Raises:
        ConfigurationError: the weights are no longer finite.
    """

    def add_slopes() -> None:
        rows = next(batches)
        current = scores(rows)
        current.backward(gradient(rows, current.detach()))  # type: ignore[no-untyped-call]

    _descend(parameters, add_slopes, optimiser, updates)


def random_batches(
    count: int, size: int, generator: torch.Generator, device: str = "cpu"
) -> Iterator[Int64[torch.Tensor, " _"]]:
    """Parts of a random order of 0 .. count - 1, without end; a new order where fewer than a batch are left.

    Args:
        count: number of architectures, >= 1.
        size: architectures in a batch, >= 1; all of them where there are fewer.
        generator: source of the orders.
        device: where the batches are used.
    """
    import torch

    size = min(size, count)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from torch.split(order[: count - count % size].to(device), size)


def fit_network(
    network: torch.nn.Module,
    scores: Callable[[], torch.Tensor],
    labels: Labels,
    *,
    start: torch.nn.Module | None,
    loss: Loss,
    optimiser: Optimiser,
    epochs: int,
    device: str,
) -> None:
    """Trains a new network to score architectures by their labels; without any order to learn it stays untrained.

    Args:
        network: what is trained; it is moved to `device`.
        scores: its scores of the architectures, in the order of `labels`, computed on `device`.
        labels: what is learned.
        start: the network whose weights training begins with; None keeps the network's own.
        loss: what training minimises.
        optimiser: how.
        epochs: number of steps.
        device: where torch computes.

    Raises:
        ConfigurationError: training diverged.
    """
    train(
        _starting_parameters(network, start, device),
        scores,
        _score_gradient(loss, _on_device(labels, device)),
        optimiser=optimiser,
        epochs=epochs if len(np.unique(labels)) > 1 else 0,
    )


def fit_network_in_batches(
    network: torch.nn.Module,
    scores: Callable[[Int64[torch.Tensor, " b"]], torch.Tensor],
    labels: Labels,
    *,
    start: torch.nn.Module | None,
    loss: Loss,
    optimiser: Optimiser,
    updates: int,
    batch_size: int,
    generator: torch.Generator,
    device: str,
) -> None:
    """`fit_network` on mini-batches: each update minimises the loss over one of them alone.

    Args:
        network: what is trained; it is moved to `device`.
        scores: its scores of some architectures, given by their rows in `labels`, computed on `device`.
        labels: what is learned.
        start: the network whose weights training begins with; None keeps the network's own.
        loss: what training minimises.
        optimiser: how.
        updates: number of steps.
        batch_size: architectures in a step; all of them where there are fewer.
        generator: source of the order of architectures.
        device: where torch computes.

    Raises:
        ConfigurationError: training diverged.
    """
    everything = _on_device(labels, device)
    train_in_batches(
        _starting_parameters(network, start, device),
        scores,
        lambda rows, current: _score_gradient(loss, _labels_of(everything, rows))(current),
        batches=random_batches(len(labels), batch_size, generator, device),
        optimiser=optimiser,
        updates=updates if len(np.unique(labels)) > 1 else 0,
    )


def fit_regression(
    network: torch.nn.Module,
    scores: Callable[[Int64[torch.Tensor, " b"]], torch.Tensor],
    targets: Float[np.ndarray, " n"],
    slopes: Slopes,
    *,
    optimiser: Optimiser,
    passes: int,
    most_updates: int | None = None,
    batch_size: int,
    generator: torch.Generator,
    device: str,
) -> None:
    """Trains a network on `device` to meet one number an architecture, by the mean loss of mini-batches.

    Args:
        network: what is trained, on `device`.
        scores: its scores of some architectures, given by their rows in `targets`.
        targets: `(n,)`; where all are equal nothing is trained.
        slopes: derivatives of each architecture's loss with respect to its score, from scores and targets.
        optimiser: what an update is.
        passes: over the architectures, without those that do not fill a batch.
        most_updates: of the weights; None for no limit.
        batch_size: architectures in a step; all of them where there are fewer.
        generator: source of the order of architectures.
        device: where torch computes.

    Raises:
        ConfigurationError: training diverged.
    """
    import torch

    wanted = torch.from_numpy(targets.astype(np.float32)).to(device)
    size = min(batch_size, max(1, len(targets)))
    updates = passes * (len(targets) // size) if len(np.unique(targets)) > 1 else 0
    train_in_batches(
        list(network.parameters()),
        scores,
        lambda rows, current: slopes(current, wanted[rows]) / len(rows),
        batches=random_batches(len(targets), size, generator, device),
        optimiser=optimiser,
        updates=updates if most_updates is None else min(updates, most_updates),
    )


def squared_error_slopes(
    scores: Float[torch.Tensor, " b"], targets: Float[torch.Tensor, " b"]
) -> Float[torch.Tensor, " b"]:
    """Of (s - t)^2, for `fit_regression`."""
    return 2 * (scores - targets)


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


def as_array(given: Any) -> np.ndarray:
    """Numbers as an array: of anything that numpy takes, and of a tensor on any device, with or without gradients."""
    if callable(getattr(given, "detach", None)):
        tensor = given.detach().cpu()
        try:
            return np.asarray(tensor.numpy())
        except TypeError:  # of a precision that numpy does not have
            return np.asarray(tensor.float().numpy())
    if isinstance(given, np.ma.MaskedArray):  # what is masked is missing
        return np.where(np.ma.getmaskarray(given), np.nan, np.ma.getdata(given))
    return np.asarray(given)


def checked_values(genes: Genes, values: Any) -> Float[np.ndarray, " n"]:
    """What is learned, as an array: one finite number an architecture, from a list or a tensor too.

    Raises:
        DataError: another number of values than of architectures, or one that is not finite.
    """
    try:
        numbers = np.asarray(as_array(values), np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"Values have to be numbers: {error}.") from None
    if numbers.shape != (len(genes),):
        raise DataError(f"{len(genes)} architectures need one value each, and got values of shape {numbers.shape}.")
    check_values(numbers)
    return numbers


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


def check_batches(batch_size: int, loss: Loss) -> None:
    """Refuses mini-batches that cannot be trained on.

    Raises:
        ConfigurationError: a batch holds no pair, or the loss depends on the whole training set.
    """
    from predictornas.predictors.losses import MeanSquaredError, WeightedMeanSquaredError

    if batch_size < 2:
        raise ConfigurationError(f"A batch of {batch_size} holds no pair. Give a batch_size of at least 2, or None.")
    if isinstance(loss, MeanSquaredError | WeightedMeanSquaredError):
        raise ConfigurationError(
            f"{type(loss).__name__} scales values over the whole training set, which a batch of {batch_size} does not "
            "show. Give batch_size=None, or a ranking loss."
        )


def _descend(
    parameters: Sequence[torch.nn.Parameter], add_slopes: Callable[[], None], optimiser: Optimiser, updates: int
) -> None:
    """Moves the parameters `updates` times, each time along the slopes that `add_slopes` adds to their gradients."""
    weights, slopes = _share_one_buffer(parameters)
    for _ in optimiser.steps(weights, slopes, updates):
        add_slopes()
    for parameter in parameters:
        parameter.requires_grad_(False)
        parameter.grad = None
    if not bool(weights.isfinite().all()):
        raise ConfigurationError(
            f"Training diverged within {updates} epochs at learning rate {optimiser.learning_rate}: the weights are "
            "not finite. Try a tenth of the learning rate."
        )


def _starting_parameters(
    network: torch.nn.Module, start: torch.nn.Module | None, device: str
) -> list[torch.nn.Parameter]:
    """What is learned of a network, on its device, with the weights of `start` where there is one."""
    if start is not None:
        network.load_state_dict(start.state_dict())
    return list(network.to(device).parameters())


def _on_device(labels: Labels, device: str) -> torch.Tensor:
    """Values in float64, so that order is not lost; the order of pairs as it is."""
    import torch

    return torch.from_numpy(labels.astype(np.float64) if labels.ndim == 1 else labels).to(device)


def _labels_of(labels: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The labels among some architectures."""
    return labels[rows] if labels.ndim == 1 else labels[rows][:, rows]


def _score_gradient(loss: Loss, labels: torch.Tensor) -> ScoreGradient:
    return loss.gradient_for(labels) if labels.ndim == 1 else cast("PairLoss", loss).gradient_for_pairs(labels)


def _share_one_buffer(parameters: Sequence[torch.nn.Parameter]) -> tuple[torch.Tensor, torch.Tensor]:
    """Moves the parameters into one flat tensor, and their gradients into another; both are returned."""
    import torch

    weights = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
    slopes = torch.zeros_like(weights)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        # views: whoever moves the buffer moves the network, and a backward pass adds its slopes to the other buffer
        parameter.data = weights[start:end].view(parameter.shape)
        parameter.grad = slopes[start:end].view(parameter.shape)
        parameter.requires_grad_(True)
        start = end
    return weights, slopes
