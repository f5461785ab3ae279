"""Pools drawn by a Gumbel-softmax distribution that follows the gradient of the predictor (Li, Dong et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import DifferentiablePredictor, Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.spaces.base import SearchSpace

_ENOUGH = 1 / 16
"""Share of a step's draws that has to be new; with less, the distribution is spread out."""

_DRY_STEPS = 12
"""Steps in a row without enough that is new, before the rest of a pool is drawn uniformly."""


@dataclass(frozen=True)
class PVLL(metaclass=PlainHelp):
    """The sampler of PVLL-NAS, with any differentiable predictor in the place of its loss estimator.

    The architecture parameters A begin anew for each pool. Each step draws a few relaxed architectures, collects what
    decodes to something valid and unseen, and moves A along the mean gradient of the predictor's score at the draws
    that are valid (Li, Dong et al. 2020, eq. 9 and 10; a small batch instead of one draw: ours). Where a step
    brings too little that is new, A has collapsed: its logits are halved (ours). What is missing after `_DRY_STEPS`
    such steps in a row is drawn uniformly, so the pool is full whenever the space allows it.

    Example:
        >>> import numpy as np
        >>> from predictornas import GCN, History, PVLL, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> predictor = GCN(width=8, training_epochs=20).fit(space, genes, genes.mean(axis=1), rng=rng)
        >>> len(PVLL().propose(space, 10, History.empty(6), predictor, rng))
        10

    Attributes:
        draws: relaxed architectures in each step (ours; the paper draws one).
        unrecorded: first steps of a pool, whose draws are not collected because A is still near uniform (ours).
        temperature: tau of the Gumbel-softmax (paper).
        learning_rate: eta of Adam on A (paper).
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    draws: int = 32
    unrecorded: int = 20
    temperature: float = 0.1
    learning_rate: float = 0.1
    name: str = "pvll"

    def __post_init__(self) -> None:
        if self.draws < 1 or self.unrecorded < 0 or not self.temperature > 0 or not self.learning_rate > 0:
            raise ConfigurationError(
                "PVLL sampling needs draws >= 1, unrecorded >= 0, and a temperature and a learning rate above 0, "
                f"not {self}."
            )

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """Up to `n` unseen architectures on the way to what the predictor likes; counts the invalid draws.

        Raises:
            ConfigurationError: the predictor cannot be differentiated, or there is none.
        """
        import torch

        from predictornas.samplers.gumbel import ArchitectureLogits

        following = self._differentiable(predictor)
        architecture = ArchitectureLogits(space, temperature=self.temperature, learning_rate=self.learning_rate)
        found = Distinct(space, history.keys)
        step, dry, discarded = 0, 0, 0
        while len(found) < n and dry < _DRY_STEPS:
            noise = architecture.noise(self.draws, rng)
            genes = architecture.decoded(architecture.soft(noise))
            valid = space.valid(genes)
            if step >= self.unrecorded:
                before = len(found)
                found.add(genes[valid], at_most=n - len(found))
                discarded += int((~valid).sum())
                dry = dry + 1 if len(found) - before < _ENOUGH * self.draws else 0
            if dry:
                architecture.widen()
            if valid.any():
                architecture.move(noise[torch.from_numpy(valid)], lambda soft: -following.relaxed(soft))
            step += 1
        found.fill_uniformly(n, history, rng)
        return replace(found.pool(), discarded=discarded)

    def _differentiable(self, predictor: Predictor | None) -> DifferentiablePredictor:
        if isinstance(predictor, DifferentiablePredictor):
            return predictor
        raise ConfigurationError(
            f"The sampler {self.name!r} follows the gradient of a predictor, but "
            f"{'there is none' if predictor is None else f'{type(predictor).__name__} has no `relaxed`'}. Use a GCN, a "
            "flow network or an RNN, or a sampler that needs no gradient, such as 'evolutionary'."
        )
