"""Keeping the concentrations of a Dirichlet relaxation near 1 (DrNAS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import concentration_of
from predictornas.supernet.parts.updates import ArchitectureUpdate
from predictornas.supernet.state import Batch, SearchState


@dataclass(frozen=True)
class DirichletAnchor:
    """Keeps Dirichlet concentrations beta = elu(alpha) + 1 near 1 (DrNAS: Chen et al. 2021).

    Attributes:
        distance: "l2", the distance |beta - 1| of each edge, summed over the edges (paper; the sum: ours); "kl", the
            divergence of Dir(beta) from Dir(1), summed over the edges (released code); "weight-decay", |alpha|^2 / 2,
            whose gradient is that of the released code's Adam with this weight decay.
        scale: factor of the distance, >= 0 (released code: 1e-3).

    Raises:
        ConfigurationError: a value out of range.
    """

    distance: str = "l2"
    scale: float = 1e-3

    def __post_init__(self) -> None:
        if self.distance not in ("l2", "kl", "weight-decay") or not self.scale >= 0:
            raise ConfigurationError(
                f"A Dirichlet anchor has distance 'l2', 'kl' or 'weight-decay' and a scale >= 0, not {self}."
            )

    def penalty(self, parameters: ArchitectureParameters) -> Float[Tensor, ""]:
        """What is added to the loss of the architecture parameters."""
        distances = []
        for name, alpha in parameters.alpha.items():
            present = parameters.topology.cell(name).present().to(alpha.device)
            if self.distance == "weight-decay":
                distances.append((alpha.masked_fill(~present, 0) ** 2).sum() / 2)
                continue
            excess = (concentration_of(alpha) - 1).masked_fill(~present, 0)
            of_edges = torch.linalg.vector_norm(excess, dim=1) if self.distance == "l2" else _kl(excess, present)
            distances.append(of_edges.sum())
        return self.scale * torch.stack(distances).sum()


@runtime_checkable
class AnchoredUpdate(ArchitectureUpdate, Protocol):
    """An update with an anchor."""

    @property
    def anchor(self) -> DirichletAnchor:
        """The anchor."""
        ...


@dataclass(frozen=True)
class Anchored:
    """An architecture update whose loss has a penalty besides.

    Attributes:
        update: the update.
        anchor: the penalty.
    """

    update: ArchitectureUpdate
    anchor: DirichletAnchor

    @property
    def updates(self) -> tuple[ArchitectureUpdate, ...]:
        """The one that it anchors."""
        return (self.update,)

    def step(self, state: SearchState, train: Batch, valid: Batch) -> None:
        """See `ArchitectureUpdate.step`."""
        self.update.step(state, train, valid)
        torch.autograd.backward([self.anchor.penalty(state.parameters)])


def _kl(
    excess: Float[Tensor, "edges operations"], present: Bool[Tensor, "edges operations"]
) -> Float[Tensor, " edges"]:
    """KL(Dir(1 + excess) || Dir(1)) of each edge."""
    beta = 1 + excess
    total = beta.masked_fill(~present, 0).sum(dim=1)
    count = present.sum(dim=1)
    inside = excess * (torch.digamma(beta) - torch.digamma(total)[:, None])  # 0 where there is no operation
    return torch.lgamma(total) - torch.lgamma(beta).sum(dim=1) - torch.lgamma(count.to(beta)) + inside.sum(dim=1)
