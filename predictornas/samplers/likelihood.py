"""Pools at the ends of gradient ascents on the predictor's score (Mauch et al. 2020, section 3.2, ML-based)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import DifferentiablePredictor, Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import Genes, SearchSpace

_BLOCK = 256
"""Ascents computed at once: their activations fit into the cache."""


@dataclass(frozen=True)
class Likelihood:
    """Gradient ascent on the score from N' uniform starts, straight through the discretisation.

    Each architecture has real-valued shadows, one for each choice of each gene; the predictor sees the one-hot of the
    largest (for an adjacency bit that is a threshold), and its gradient moves the shadows as if nothing had been
    rounded. A step is scaled by the largest gradient of its architecture, because scores have no unit (ours).

    Ascents run together and leave the space's rules, so each start gives the last architecture of its path that is
    valid, new, and not yet given by another (ours; the paper does not say what becomes of duplicates). With that a pool
    has N' members from N' starts.

    Attributes:
        steps: of each ascent (ours).
        step_size: how far the shadow with the largest gradient moves in a step; shadows start at 0 and 1 (ours).
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    steps: int = 10
    step_size: float = 0.5
    name: str = "likelihood"

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.step_size > 0:
            raise ConfigurationError(f"Likelihood sampling needs steps >= 1 and step_size > 0, not {self}.")

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """Up to `n` unseen architectures uphill of a uniform draw; `discarded` counts ascents that end outside.

        Raises:
            ConfigurationError: the predictor has no gradient.
        """
        if not isinstance(predictor, DifferentiablePredictor):
            raise ConfigurationError(
                f"Likelihood sampling follows the predictor's gradient, and {type(predictor).__name__} has no "
                "`relaxed`. Use GCN, Flow or RNN, or a sampler without gradient such as Evolutionary."
            )
        starts = Uniform().propose(space, n, history, None, rng).genes
        path = [starts, *self._ascents(space, starts, predictor)]
        discarded = int((~space.valid(path[-1])).sum())
        found = Distinct(space, history.keys)
        waiting = np.arange(len(starts))
        for genes in reversed(path):
            valid = waiting[space.valid(genes[waiting])]
            waiting = np.setdiff1d(waiting, valid[found.add(genes[valid], at_most=n)])
        found.fill_uniformly(n, history, rng)
        return replace(found.pool(), discarded=discarded)

    def _ascents(self, space: SearchSpace, starts: Genes, predictor: DifferentiablePredictor) -> list[Genes]:
        """What the ascents reach after each step, in normal form, valid or not."""
        blocks = [
            list(self._ascent(space, starts[first : first + _BLOCK], predictor))
            for first in range(0, len(starts), _BLOCK)
        ]
        return [np.concatenate(at_step) for at_step in zip(*blocks, strict=True)]

    def _ascent(self, space: SearchSpace, starts: Genes, predictor: DifferentiablePredictor) -> Iterator[Genes]:
        import torch

        one_hot = torch.from_numpy(space.sequences(starts))
        forbidden = torch.arange(one_hot.shape[2]) >= torch.tensor(space.num_choices)[:, None]
        shadows = one_hot.masked_fill(forbidden, -torch.inf)
        for _ in range(self.steps):
            seen = torch.nn.functional.one_hot(shadows.argmax(2), one_hot.shape[2]).to(one_hot.dtype).requires_grad_()
            slope = torch.autograd.grad(predictor.relaxed(seen).sum(), seen)[0].masked_fill(forbidden, 0)
            steepest = slope.abs().amax((1, 2), keepdim=True).clamp_min(torch.finfo(slope.dtype).tiny)
            shadows = shadows + self.step_size * slope / steepest
            yield space.normalise(shadows.argmax(2).numpy().astype(np.int8))
