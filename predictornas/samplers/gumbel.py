"""Architecture parameters under Gumbel-softmax: a distribution over architectures that gradients can move."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.samplers.adam import OngoingAdam
from predictornas.spaces.base import Genes, SearchSpace

Noise = Float[Tensor, "n steps k"]
"""Gumbel(0, 1) noise of `n` draws, one number for each choice of each gene."""


class ArchitectureLogits:
    """Logits A of an architecture and the Adam that moves them (Li, Dong et al. 2020, eq. 3, 9 and 10).

    One row of logits a gene, one place a choice, as wide as `SearchSpace.sequences`. They begin at 0, where every
    architecture is equally likely (ours). Places beyond a gene's choices have probability 0.

    Args:
        space: the space that the architectures belong to.
        temperature: tau > 0; the smaller, the closer a draw is to one-hot (paper: 0.1).
        learning_rate: eta > 0, the constant rate of Adam (paper: 0.1).

    Attributes:
        space: as given.
        logits: A, `(steps, k)`.

    Raises:
        ConfigurationError: a value out of range.
    """

    def __init__(self, space: SearchSpace, *, temperature: float = 0.1, learning_rate: float = 0.1) -> None:
        if not temperature > 0 or not learning_rate > 0:
            raise ConfigurationError(
                f"Architecture parameters need a temperature and a learning rate above 0, not {temperature} and "
                f"{learning_rate}."
            )
        self.space = space
        self._temperature = temperature
        self._learning_rate = learning_rate
        self._allowed = torch.from_numpy(_allowed(space))
        self.logits = torch.zeros(self._allowed.shape, requires_grad=True)
        self._adam = OngoingAdam([self.logits], learning_rate)

    def copy(self) -> ArchitectureLogits:
        """Parameters of their own, with the state of Adam; `move` on one leaves the other as it is."""
        return copy.deepcopy(self, {id(self.space): self.space})  # the space is shared

    def noise(self, count: int, rng: np.random.Generator) -> Noise:
        """xi of `count` draws; the only randomness here."""
        return torch.from_numpy(rng.gumbel(size=(count, *self.logits.shape)).astype(np.float32))

    def soft(self, noise: Noise) -> Float[Tensor, "n steps k"]:
        """The relaxed architectures H~ of some noise (Li, Dong et al. 2020, eq. 3), differentiable in A."""
        masked = self.logits.masked_fill(~self._allowed, -torch.inf)
        return torch.softmax((masked + noise) / self._temperature, dim=-1)

    def decoded(self, soft: Float[Tensor, "n steps k"]) -> Genes:
        """The architecture of each draw: the argmax of every gene, in normal form; check with `SearchSpace.valid`."""
        return self.space.normalise(soft.detach().argmax(dim=-1).numpy().astype(np.int8))

    def move(self, noise: Noise, loss: Callable[[Tensor], Tensor]) -> None:
        """A <- A - eta grad_A of the mean of psi(H~) over the draws, by Adam (Li, Dong et al. 2020, eq. 10).

        Args:
            noise: xi of the draws.
            loss: psi, relaxed architectures `(n, steps, k)` to losses `(n,)`, lower is better.
        """
        self._adam.descend(loss(self.soft(noise)).mean())

    def widen(self) -> None:
        """Halves A, so that the noise decides more, and forgets the momentum that led here (ours)."""
        with torch.no_grad():
            self.logits.mul_(0.5)
        self._adam = OngoingAdam([self.logits], self._learning_rate)


def _allowed(space: SearchSpace) -> Bool[np.ndarray, "steps k"]:
    """Which places of a one-hot row are choices of its gene."""
    choices = np.asarray(space.num_choices)
    return np.arange(choices.max()) < choices[:, None]
