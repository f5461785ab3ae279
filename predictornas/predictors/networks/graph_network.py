"""What a network on graphs offers its predictor: one set of weights, scores from dense tensors or from an index."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.engine.index_tables import IndexTables


class GraphNetwork(torch.nn.Module):
    """A network that passes messages along graphs."""

    @abstractmethod
    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """Scores of a dense batch."""

    def in_training(self, batch: DenseBatch, generator: torch.Generator) -> Float[Tensor, " n"]:
        """The scores that a mini-batch is trained on; `generator` is the source of what is random in them."""
        scores: Tensor = self(batch)
        return scores

    @abstractmethod
    def indexed(self, tables: IndexTables) -> Float[Tensor, " n"]:
        """The same scores from the distinct vertices of an index: the same weights, another order of summation."""


def dropped(features: Float[Tensor, "*shape"], share: float, generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Features of which a share is 0 and the others are as much larger; torch's own dropout takes no generator."""
    if not share:
        return features
    kept = torch.rand(features.shape, generator=generator).to(features.device) >= share
    return features * (kept / (1 - share))


def uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Float[Tensor, "..."]:
    """Numbers uniform in [-bound, bound)."""
    return (torch.rand(shape, generator=generator) * 2 - 1) * bound
