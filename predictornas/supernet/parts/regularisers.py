"""Training the operation weights at perturbed mixtures, so that the loss is smooth around alpha (SDARTS)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.restoring import mode
from predictornas.supernet.state import Batch, SearchState, random_like

_FIRST_RADIUS = 0.03
"""Where the radius of a perturbation begins (released code of SDARTS)."""


@runtime_checkable
class Regulariser(Protocol):
    """What trains the operation weights at a mixture near the one that the parameters give."""

    def perturbed(self, mixture: Mixture, state: SearchState, train: Batch) -> Mixture:
        """A mixture for the weight step, without gradients; the architecture parameters are not touched.

        Args:
            mixture: what the parameters give now.
            state: where the search stands.
            train: the batch of the weight step.
        """
        ...


@dataclass(frozen=True)
class RandomSmoothing:
    """SDARTS-RS: random numbers added to the softmaxed alpha (Chen and Hsieh 2020).

    The radius grows linearly with the progress of the search, from 0.03 to `radius`. What comes out is clipped to
    [0, 1] and rescaled to sum to one, as in the released code. Decided edges stay as they are.

    Attributes:
        radius: epsilon at the end of the search, > 0 (released code: 0.3).
        noise: "uniform" in +-epsilon (released code), or "gaussian" with standard deviation epsilon (thesis).

    Raises:
        ConfigurationError: a value out of range.
    """

    radius: float = 0.3
    noise: str = "uniform"

    def __post_init__(self) -> None:
        _check_radius(self.radius)
        if self.noise not in ("uniform", "gaussian"):
            raise ConfigurationError(f"Random smoothing knows noise 'uniform' and 'gaussian', not {self.noise!r}.")

    def perturbed(self, mixture: Mixture, state: SearchState, train: Batch) -> Mixture:
        """See `Regulariser.perturbed`.

        Raises:
            ConfigurationError: the mixture is one sampled path, which has no simplex to be smoothed in.
        """
        radius = _radius(self.radius, state)

        def moved(weights: Tensor) -> Tensor:
            if self.noise == "uniform":
                return weights + radius * (2 * random_like(weights, state.generator) - 1)
            drawn = torch.randn(weights.shape, generator=state.generator, device=state.generator.device)
            return weights + radius * drawn.to(weights)

        simplices = _simplices(mixture, state).items()
        return _with_weights(mixture, {name: simplex.projected(moved(simplex.weights)) for name, simplex in simplices})


@dataclass(frozen=True)
class AdversarialPerturbation:
    """SDARTS-ADV: the mixture within a box around the softmaxed alpha that hurts most (Chen and Hsieh 2020).

    A random start in the box, then steps along the sign of the gradient of the training loss, each one cut to the box
    and projected as in `RandomSmoothing`; with batch norm in evaluation mode. If the loss is below that of the
    unperturbed mixture at the end, the perturbation is undone.

    Attributes:
        radius: half the width of the box at the end of the search, > 0 (released code: 0.3; it begins at 0.03).
        steps: >= 1 (released code: 7), each of length 2 radius / steps.

    Raises:
        ConfigurationError: a value out of range.
    """

    radius: float = 0.3
    steps: int = 7

    def __post_init__(self) -> None:
        _check_radius(self.radius)
        if self.steps < 1:
            raise ConfigurationError(f"An adversarial perturbation takes at least one step, not {self.steps}.")

    def perturbed(self, mixture: Mixture, state: SearchState, train: Batch) -> Mixture:
        """See `Regulariser.perturbed`.

        Raises:
            ConfigurationError: the mixture is one sampled path, which has no simplex to be perturbed in.
        """
        radius = _radius(self.radius, state)
        simplices = _simplices(mixture, state)
        start = {name: simplex.weights for name, simplex in simplices.items()}
        noise = {name: radius * (2 * random_like(weights, state.generator) - 1) for name, weights in start.items()}
        weights = {name: simplex.projected(start[name] + noise[name]) for name, simplex in simplices.items()}
        with mode(state.network, training=False):
            for _ in range(self.steps):
                for name, slope in _slopes(_with_weights(mixture, weights), state, train).items():
                    climbed = weights[name] + 2 * radius / self.steps * slope.sign()
                    boxed = start[name] + (climbed - start[name]).clamp(-radius, radius)
                    weights[name] = simplices[name].projected(boxed)
            with torch.no_grad():
                before = state.loss_of(train, mixture.detached())
                after = state.loss_of(train, _with_weights(mixture, weights))
        return mixture.detached() if before > after else _with_weights(mixture, weights)


def clipped_to_simplex(
    moved: Float[Tensor, "edges operations"], free: Bool[Tensor, "edges operations"]
) -> Float[Tensor, "edges operations"]:
    """Rows clipped to [0, 1] and rescaled to a sum of one, as in the released code of SDARTS (no Euclidean projection).

    Args:
        moved: factors anywhere. Of a row that is clipped to zeros, the largest place becomes one.
        free: the places that may differ from zero; rows without any come out undefined.
    """
    clipped = moved.clamp(0, 1).masked_fill(~free, 0)
    largest = moved.masked_fill(~free, -torch.inf).argmax(dim=1)
    alone = torch.nn.functional.one_hot(largest, moved.shape[1]).to(moved)
    total = clipped.sum(dim=1, keepdim=True)
    return torch.where(total > 0, clipped / total, alone)


@dataclass(frozen=True)
class _Simplex:
    """The factors of one cell type, and where they may move.

    Attributes:
        weights: the factors, without gradient.
        free: the places that are operations of open edges.
    """

    weights: Float[Tensor, "edges operations"]
    free: Bool[Tensor, "edges operations"]

    def projected(self, moved: Float[Tensor, "edges operations"]) -> Float[Tensor, "edges operations"]:
        """Open edges clipped to the simplex, decided ones as they are."""
        return torch.where(self.free.any(dim=1, keepdim=True), clipped_to_simplex(moved, self.free), self.weights)


def _simplices(mixture: Mixture, state: SearchState) -> dict[str, _Simplex]:
    if mixture.sparse:
        raise ConfigurationError(
            "A perturbation moves the weights of mixed operations, but this relaxation samples one operation an edge. "
            "Use it with the softmax relaxation."
        )
    simplices = {}
    for name, weights in mixture.detached().weights.items():
        free = state.parameters.topology.cell(name).present().to(weights.device)
        free[list(mixture.decisions.of(name))] = False
        simplices[name] = _Simplex(weights, free)
    return simplices


def _with_weights(mixture: Mixture, weights: dict[str, Tensor]) -> Mixture:
    return replace(mixture.detached(), weights=dict(weights))


def _slopes(mixture: Mixture, state: SearchState, train: Batch) -> dict[str, Tensor]:
    leaves = {name: weights.detach().clone().requires_grad_() for name, weights in mixture.weights.items()}
    loss = state.loss_of(train, replace(mixture, weights=leaves))
    slopes = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, slopes, strict=True))


def _radius(last: float, state: SearchState) -> float:
    return _FIRST_RADIUS + (last - _FIRST_RADIUS) * state.progress


def _check_radius(radius: float) -> None:
    if not 0 < radius < float("inf"):
        raise ConfigurationError(f"The radius of a perturbation is finite and above 0, not {radius}.")
