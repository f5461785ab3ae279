"""What every part of a super-network search is shown: the network, its parameters and where the search stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from predictornas.live.devices import computing_in, exact_convolutions
from predictornas.supernet.network.mixture import Decisions, Mixture
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Relaxation

Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits `(n, classes)` and labels `(n,)` to a scalar."""


class Batch(NamedTuple):
    """Images as the network takes them, and their labels."""

    images: Float[Tensor, "n c h w"]
    labels: Int[Tensor, " n"]


@dataclass(frozen=True)
class SearchState:
    """One moment of a search. The bundle is fixed; network, parameters, optimisers and generator move inside it.

    Attributes:
        network: called with images `(n, c, h, w)` and a `Mixture`, gives logits `(n, classes)`; its parameters are
            the operation weights w.
        parameters: the architecture parameters alpha.
        relaxation: alpha to a mixture.
        weight_optimiser: moves w. What a second-order update needs of it (learning rate, momentum, weight decay) is
            read from its groups.
        architecture_optimiser: moves alpha.
        loss: of logits and labels.
        generator: the only source of random numbers of relaxations, perturbations and selections.
        progress: share of the search that is over, in [0, 1].
        epoch: the current epoch, from 0.
        decisions: the edges that are no longer mixed.
        precision: of forward passes, torch.float32 or torch.bfloat16. Losses, and the gradients of weights and
            parameters, are in theirs either way.
    """

    network: torch.nn.Module
    parameters: ArchitectureParameters
    relaxation: Relaxation
    weight_optimiser: torch.optim.Optimizer
    architecture_optimiser: torch.optim.Optimizer
    loss: Loss
    generator: torch.Generator
    progress: float = 0.0
    epoch: int = 0
    decisions: Decisions = field(default_factory=Decisions)
    precision: torch.dtype = torch.float32

    def mixture(self) -> Mixture:
        """A mixture of the current parameters, differentiable in them; draws from the generator where it samples."""
        return self.relaxation.mixture(
            self.parameters, progress=self.progress, generator=self.generator, decided=self.decisions
        )

    def logits_of(self, batch: Batch, mixture: Mixture) -> Tensor:
        """The logits `(n, classes)` of a batch, computed in `precision`."""
        with computing_in(self.precision, batch.images.device):
            logits: Tensor = self.network(batch.images, mixture)
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    def loss_of(self, batch: Batch, mixture: Mixture) -> Float[Tensor, ""]:
        """The loss of the super-network on a batch."""
        return self.loss(self.logits_of(batch, mixture), batch.labels)

    @contextmanager
    def exact(self) -> Iterator[SearchState]:
        """The same search with forward and backward passes in the precision of the weights, on GPUs too.

        For what asks how a loss changes with weights or parameters that change by less than 1/256 of themselves.
        """
        with exact_convolutions():
            yield replace(self, precision=torch.float32)

    def move_parameters(self) -> None:
        """One step of the architecture optimiser; edges that are decided keep their parameters (as SGAS's code does).

        Without that, momentum and weight decay would go on moving them, and with them the scores of the open edges,
        which are normalised over all edges.
        """
        alpha = self.parameters.alpha
        decided = {name: sorted(self.decisions.of(name)) for name in alpha}
        kept = {name: alpha[name].detach()[rows].clone() for name, rows in decided.items() if rows}
        self.architecture_optimiser.step()
        with torch.no_grad():
            for name, values in kept.items():
                alpha[name][decided[name]] = values


def random_like(values: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Uniform random numbers in [0, 1) of the shape, type and device of `values`, from a generator on any device."""
    drawn = torch.rand(values.shape, generator=generator, device=generator.device, dtype=values.dtype)
    return drawn.to(values.device)
