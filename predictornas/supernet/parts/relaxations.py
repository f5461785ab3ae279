"""How architecture parameters become the factors of operations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.mixture import PRUNED, Decisions, EdgeWeights, Mixture, OperationWeights
from predictornas.supernet.network.topology import CellTopology
from predictornas.supernet.parameters import ArchitectureParameters

SMALLEST_CONCENTRATION = 1e-6
"""Bound below the concentration of a Dirichlet, where elu(alpha) + 1 rounds to 0 and has no samples (ours)."""


@runtime_checkable
class Relaxation(Protocol):
    """How operations are mixed."""

    def mixture(
        self,
        parameters: ArchitectureParameters,
        *,
        progress: float,
        generator: Generator,
        decided: Decisions | None = None,
    ) -> Mixture:
        """The factors of one forward pass, differentiable in the parameters.

        Args:
            parameters: what the search moves.
            progress: 0 in the first epoch of a search to 1 in its last; temperatures follow it.
            generator: the only source of random numbers.
            decided: edges that are no longer mixed; None for no edge.
        """
        ...

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """How much each operation is wanted, without randomness or gradient, for selection; 0 on padding."""
        ...


@runtime_checkable
class PathSampling(Relaxation, Protocol):
    """A relaxation that may compute a single operation an edge, which nothing can then perturb or anchor."""

    @property
    def samples_paths(self) -> bool:
        """Whether it does."""
        ...


@runtime_checkable
class ConcentrationRelaxation(Relaxation, Protocol):
    """A relaxation whose factors are samples of Dirichlet distributions."""

    def concentrations(self, parameters: ArchitectureParameters) -> dict[str, Tensor]:
        """Of each edge by cell type, differentiable in the parameters; places without an operation count as well."""
        ...


@runtime_checkable
class EdgeWeighting(Relaxation, Protocol):
    """A relaxation that weighs whole edges too; their parameters are `ArchitectureParameters.beta`."""

    @property
    def inner(self) -> Relaxation:
        """How the operations of an edge are mixed."""
        ...


class _Factors(ABC):
    """A relaxation that gives factors for every edge; those of decided edges make way for one-hot or zero ones."""

    def mixture(
        self,
        parameters: ArchitectureParameters,
        *,
        progress: float,
        generator: Generator,
        decided: Decisions | None = None,
    ) -> Mixture:
        """See `Relaxation`."""
        decisions = decided or Decisions()
        factors = self._factors(parameters, progress, generator)
        fixed = {name: _decided(values, decisions.of(name)) for name, values in factors.items()}
        return Mixture(fixed, sparse=self.samples_paths, decisions=decisions)

    @abstractmethod
    def _factors(self, parameters: ArchitectureParameters, progress: float, generator: Generator) -> dict[str, Tensor]:
        """The factors by cell type, as if no edge were decided."""

    @property
    def samples_paths(self) -> bool:
        """See `PathSampling`."""
        return False


@dataclass(frozen=True)
class Softmax(_Factors):
    """Each edge's factors are the softmax of its alpha, without random numbers (Liu et al. 2019, eq. 2)."""

    def _factors(self, parameters: ArchitectureParameters, progress: float, generator: Generator) -> dict[str, Tensor]:
        return _softmax(parameters)

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """softmax(alpha)."""
        return _detached(_softmax(parameters))


@dataclass(frozen=True)
class GumbelSoftmax(_Factors):
    """One sample of relaxed one-hot rows a cell type (Jang et al. 2017).

    Attributes:
        start: temperature in the first epoch; it moves on a straight line.
        end: temperature in the last epoch (MiLeNAS: 10 to 1).
        argmax_only: whether all factors but the largest of an edge are dropped, so that only that operation is computed
            (Li, Dong et al. 2020, eq. 4).
    """

    start: float = 10.0
    end: float = 1.0
    argmax_only: bool = False

    def _factors(self, parameters: ArchitectureParameters, progress: float, generator: Generator) -> dict[str, Tensor]:
        soft = _gumbel_softmax(parameters, _temperature(self.start, self.end, progress), generator)
        if self.argmax_only:
            return {name: weights * _largest(weights) for name, weights in soft.items()}
        return soft

    @property
    def samples_paths(self) -> bool:
        """See `PathSampling`."""
        return self.argmax_only

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """softmax(alpha): the probability that an operation has the largest factor."""
        return _detached(_softmax(parameters))


@dataclass(frozen=True)
class GumbelHard(_Factors):
    """One sampled operation an edge, one sample a cell type, with the gradient of the relaxed sample (GDAS).

    The factor is exactly one, and only the sampled path is computed (Dong and Yang 2019, eq. 5 to 7).

    Attributes:
        start: temperature in the first epoch; it moves on a straight line.
        end: temperature in the last epoch (GDAS: 10 to 0.1).
    """

    start: float = 10.0
    end: float = 0.1

    def _factors(self, parameters: ArchitectureParameters, progress: float, generator: Generator) -> dict[str, Tensor]:
        soft = _gumbel_softmax(parameters, _temperature(self.start, self.end, progress), generator)
        return {name: _largest(weights) + (weights - weights.detach()) for name, weights in soft.items()}

    @property
    def samples_paths(self) -> bool:
        """See `PathSampling`."""
        return True

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """softmax(alpha): the probability of an operation to be sampled."""
        return _detached(_softmax(parameters))


@dataclass(frozen=True)
class Dirichlet(_Factors):
    """Each edge's factors are a sample of a Dirichlet distribution of concentration elu(alpha) + 1 (DrNAS).

    The gradient is that of the sample (Chen et al. 2021, section 3.1), by implicit differentiation of the Gamma
    variables whose shares it is.

    Attributes:
        ranking: what `importance` is: "mean" of the distribution as in the paper, or "softmax" of alpha as in the
            released code. Both order the operations of an edge alike, but may choose other edges.
    """

    ranking: str = "mean"

    def _factors(self, parameters: ArchitectureParameters, progress: float, generator: Generator) -> dict[str, Tensor]:
        weights, concentrations = {}, self.concentrations(parameters)
        for cell in parameters.topology.cells:
            concentration = concentrations[cell.name]
            # samples are drawn where the generator is
            gamma = torch._standard_gamma(concentration.to(generator.device), generator=generator)
            shares = gamma.to(concentration.device) * _present(cell, concentration)
            weights[cell.name] = shares / shares.sum(dim=1, keepdim=True)
        return weights

    def concentrations(self, parameters: ArchitectureParameters) -> dict[str, Tensor]:
        """See `ConcentrationRelaxation`."""
        return {name: concentration_of(alpha) for name, alpha in parameters.alpha.items()}

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """See `ranking`.

        Raises:
            ConfigurationError: a ranking of another name.
        """
        if self.ranking == "softmax":
            return _detached(_softmax(parameters))
        if self.ranking != "mean":
            raise ConfigurationError(f"Dirichlet: ranking = {self.ranking!r}. Use 'mean' or 'softmax'.")
        means, concentrations = {}, self.concentrations(parameters)
        for cell in parameters.topology.cells:
            shares = concentrations[cell.name]
            shares = shares * _present(cell, shares)
            means[cell.name] = shares / shares.sum(dim=1, keepdim=True)
        return _detached(means)


@dataclass(frozen=True)
class EdgeWeighted:
    """Another relaxation, and beside it a factor for each edge: the softmax of beta over the edges into a node.

    Xu et al. 2020 (PC-DARTS), eq. 4.

    Attributes:
        inner: how operations are mixed.
    """

    inner: Relaxation

    def mixture(
        self,
        parameters: ArchitectureParameters,
        *,
        progress: float,
        generator: Generator,
        decided: Decisions | None = None,
    ) -> Mixture:
        """See `Relaxation`.

        Raises:
            ConfigurationError: parameters without beta.
        """
        mixture = self.inner.mixture(parameters, progress=progress, generator=generator, decided=decided)
        return replace(mixture, edge_weights=_edge_weights(parameters))

    def importance(self, parameters: ArchitectureParameters) -> dict[str, OperationWeights]:
        """The importance of the operation times the weight of its edge, as in the released code.

        Raises:
            ConfigurationError: parameters without beta.
        """
        edges = _edge_weights(parameters)
        inner = self.inner.importance(parameters)
        return {name: weights * edges[name].detach()[:, None] for name, weights in inner.items()}


def concentration_of(alpha: Float[Tensor, "edges operations"]) -> Float[Tensor, "edges operations"]:
    """The concentration of the Dirichlet of each edge, elu(alpha) + 1 (Chen et al. 2021, section 3.1)."""
    return (torch.nn.functional.elu(alpha) + 1).clamp_min(SMALLEST_CONCENTRATION)


def _decided(weights: OperationWeights, decided: Mapping[int, int | None]) -> OperationWeights:
    if not decided:
        return weights
    rows = weights.new_zeros(weights.shape)
    for edge, operation in decided.items():
        if operation is not PRUNED:
            rows[edge, operation] = 1
    is_decided = torch.zeros(len(weights), dtype=torch.bool, device=weights.device)
    is_decided[list(decided)] = True
    return torch.where(is_decided[:, None], rows, weights)


def _softmax(parameters: ArchitectureParameters) -> dict[str, Tensor]:
    return {cell.name: _logits(parameters, cell).softmax(dim=1) for cell in parameters.topology.cells}


def _gumbel_softmax(parameters: ArchitectureParameters, temperature: float, generator: Generator) -> dict[str, Tensor]:
    weights = {}
    for cell in parameters.topology.cells:
        logits = _logits(parameters, cell)
        waits = torch.empty(logits.shape, device=generator.device).exponential_(generator=generator)
        noise = -waits.log().to(logits)
        weights[cell.name] = ((logits + noise) / temperature).softmax(dim=1)
    return weights


def _temperature(start: float, end: float, progress: float) -> float:
    if not start > 0 or not end > 0:
        raise ConfigurationError(f"Gumbel-softmax needs temperatures above 0, not {start} and {end}.")
    return start + (end - start) * progress


def _largest(weights: OperationWeights) -> OperationWeights:
    """1 at the largest factor of each edge, 0 elsewhere."""
    return torch.zeros_like(weights).scatter_(1, weights.detach().argmax(dim=1, keepdim=True), 1.0)


def _logits(parameters: ArchitectureParameters, cell: CellTopology) -> Tensor:
    alpha = parameters.alpha[cell.name]
    return alpha.masked_fill(~cell.present().to(alpha.device), -torch.inf)


def _present(cell: CellTopology, like: Tensor) -> Tensor:
    return cell.present().to(like)


def _edge_weights(parameters: ArchitectureParameters) -> dict[str, EdgeWeights]:
    if parameters.beta is None:
        raise ConfigurationError(
            "Edge weights need parameters of edges: make them by ArchitectureParameters.initial with edge_weights=True."
        )
    weights = {}
    for cell in parameters.topology.cells:
        beta = parameters.beta[cell.name]
        targets = torch.tensor([target for _, target in cell.edges], device=beta.device)
        same_target = targets[:, None] == targets[None, :]
        weights[cell.name] = beta.expand(len(beta), -1).masked_fill(~same_target, -torch.inf).softmax(dim=1).diagonal()
    return weights


def _detached(weights: dict[str, Tensor]) -> dict[str, OperationWeights]:
    return {name: values.detach() for name, values in weights.items()}
