"""Pools at the ends of gradient ascents on the predictor's score (Mauch et al. 2020, section 3.2, ML-based)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int64

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import DifferentiablePredictor, Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 256
"""Ascents computed at once: their activations fit into the cache."""


@dataclass(frozen=True)
class Likelihood(metaclass=PlainHelp):
    """Gradient ascents on the score from uniform starts, straight through the discretisation; the pool is their ends.

    Each architecture has real-valued shadows, one for each choice of each gene; the predictor sees the one-hot of the
    largest (for an adjacency bit that is a threshold), and its gradient moves the shadows as if nothing had been
    rounded. A step is scaled by the largest gradient of its architecture, because scores have no unit (ours).

    An end that cannot be taken (outside the space, evaluated before, taken already, or the start itself) is replaced by
    the end of another ascent from a new start. Where fewer than half of a round's ascents give a new end, those of the
    next round have half as many steps, but enough to change anything (ours).

    Short ascents are needed. With GCNs fitted to 100 random cells of NAS-Bench-101, 3000 ascents of 10 steps end
    outside the space (55 to 57 %) or all at one cell; of 1000 ascents of 3 steps 205 to 385 ends are new. In four such
    cases 97 to 100 of 100 members were ends of ascents and 845 to 1000 of 1000.

    Example:
        >>> import numpy as np
        >>> from predictornas import GCN, History, Likelihood, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> predictor = GCN(width=8, training_epochs=20).fit(space, genes, genes.mean(axis=1), rng=rng)
        >>> pool = Likelihood(steps=3).propose(space, 10, History.empty(6), predictor, rng)
        >>> len(pool), pool.filled <= len(pool)
        (10, True)

    Attributes:
        steps: of each ascent in the first round (ours).
        step_size: how far the shadow with the largest gradient moves in a step; shadows start at 0 and 1 (ours).
        attempts: ascents for each member of the pool, at most (ours); what is still missing is drawn uniformly.
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    steps: int = 10
    step_size: float = 0.5
    attempts: int = 20
    name: str = "likelihood"

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.step_size > 0 or self.attempts < 1:
            raise ConfigurationError(
                f"Likelihood sampling needs steps >= 1, step_size > 0 and attempts >= 1, not {self}."
            )

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """Up to `n` unseen ends of ascents, then uniform draws; `discarded` counts ascents that end outside.

        Raises:
            ConfigurationError: the predictor has no gradient.
        """
        if not isinstance(predictor, DifferentiablePredictor):
            raise ConfigurationError(
                f"Likelihood sampling follows the predictor's gradient, and {type(predictor).__name__} has no "
                "`relaxed`. Use GCN, Flow or RNN, or a sampler without gradient such as Evolutionary."
            )
        found = Distinct(space, history.keys)
        steps, discarded = self.steps, 0
        for _ in range(self.attempts):
            missing = n - len(found)
            if missing == 0:
                break
            starts = Uniform().propose(space, missing, history, None, rng)
            ends = self._ends(space, starts.genes, predictor, steps)
            inside = space.valid(ends)
            discarded += int((~inside).sum())
            ends = ends[inside]
            ends = ends[space.keys(ends) != starts.keys[inside]]
            if len(found.add(ends, at_most=missing)) < missing / 2:
                steps = max(steps // 2, min(steps, self._fewest_steps))
        found.fill_uniformly(n, history, rng)
        return replace(found.pool(), discarded=discarded)

    @property
    def _fewest_steps(self) -> int:
        """After so many steps a shadow that started at 0 can be larger than one that stays at 1."""
        return int(1 / self.step_size) + 1

    def _ends(self, space: SearchSpace, starts: Genes, predictor: DifferentiablePredictor, steps: int) -> Genes:
        """What the ascents reach, in normal form, valid or not."""
        blocks = [starts[first : first + _BLOCK] for first in range(0, len(starts), _BLOCK)]
        return np.concatenate([starts[:0], *(self._ascent(space, block, predictor, steps) for block in blocks)])

    def _ascent(self, space: SearchSpace, starts: Genes, predictor: DifferentiablePredictor, steps: int) -> Genes:
        import torch

        one_hot = torch.from_numpy(space.sequences(starts))
        forbidden = torch.arange(one_hot.shape[2]) >= torch.tensor(space.num_choices)[:, None]
        # -inf never wins the argmax, and stays -inf because its slope is set to 0
        shadows = one_hot.masked_fill(forbidden, -torch.inf)
        seen = torch.full(starts.shape, -1)
        slope = torch.zeros_like(one_hot)
        for _ in range(steps):
            choices = shadows.argmax(2)
            moved = (choices != seen).any(1)  # the others have the slope of the step before
            if moved.any():
                slope[moved] = _slopes(predictor, choices[moved], one_hot.shape[2]).masked_fill(forbidden, 0)
            seen = choices
            # where nothing has a slope the step is 0 / tiny = 0, not 0 / 0
            steepest = slope.abs().amax((1, 2), keepdim=True).clamp_min(torch.finfo(slope.dtype).tiny)
            shadows = shadows + self.step_size * slope / steepest
        return space.normalise(shadows.argmax(2).numpy().astype(np.int8))


def _slopes(predictor: DifferentiablePredictor, choices: Int64[Tensor, "n g"], width: int) -> Float[Tensor, "n g k"]:
    """The gradient of the score at one-hot choices; ascents that meet ask for it once."""
    import torch

    distinct, place = torch.unique(choices, dim=0, return_inverse=True)
    # straight-through: the score is that of the discrete architecture, and the gradient at its one-hot rows goes to the
    # shadows as it is (the backward pass of the rounding is the identity; Mauch et al. 2020, section 3.2)
    one_hot = torch.nn.functional.one_hot(distinct, width).to(torch.float32).requires_grad_()
    return torch.autograd.grad(predictor.relaxed(one_hot).sum(), one_hot)[0][place]
