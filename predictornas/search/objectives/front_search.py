"""Bayesian optimisation of several objectives, or of one within limits: who adds most to the front is trained next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from predictornas.errors import ConfigurationError
from predictornas.fronts.dominance import non_dominated
from predictornas.fronts.hypervolume import improvements
from predictornas.history import History
from predictornas.predictors.base import Predictor, UncertainPredictor, fresh
from predictornas.predictors.contract import fitted_on, scores_of, spread_of
from predictornas.samplers.base import Sampler, pool_of
from predictornas.search.objectives.quantities import Goal, Reader, best_first, costs_of, excess, objectives_of
from predictornas.search.objectives.scales import ScoreScale
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace

_BEYOND_A_LIMIT = 10.0
"""Ranges of the front by which a candidate that surely breaks a limit is thought worse than it is."""


@dataclass(frozen=True)
class FrontSearch:
    """A predictor for each quantity that must be trained, a pool around the front, and what adds most volume to it.

    Each candidate is thought as good as its prediction and `exploration` standard deviations (Srinivas et al. 2010),
    and the one that adds most hypervolume to the front is taken, as in SMS-EGO (Ponweiser et al. 2008); the next counts
    what the first is hoped to add. Where none adds any, the one that lacks least. In one objective this is the order of
    the upper confidence bound. A limit on a predicted quantity multiplies by the chance that it is kept (Gardner et al.
    2014). Everything is measured in normal scores, ours: a hypervolume of raw values would see little but the worst.
    What is in flight counts as if it had added what was hoped of it.

    How the settings were chosen stands in `docs/results/objectives.md`.

    Attributes:
        quantities: what is searched for, and the limits.
        reader: reads those that are known without a training; they are never predicted.
        predictor: of the others; scores are normal scores, as those of `GaussianProcess`.
        sampler: draws the pool around the best, front by front, of what the predictors make of the evaluated.
        pool_size: N'.
        initial: K0.
        batch: K.
        exploration: standard deviations.
        margin: how far the reference point of the hypervolume lies beyond the front, in ranges of the front.

    Raises:
        ConfigurationError: a predictor that does not know how unsure it is.
    """

    quantities: tuple[Goal, ...]
    reader: Reader
    predictor: Predictor
    sampler: Sampler
    pool_size: int = 300
    initial: int = 10
    batch: int = 10
    exploration: float = 1.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.predictor, UncertainPredictor):
            raise ConfigurationError(
                f"{type(self.predictor).__name__} cannot tell how unsure it is: it has no `predict_std`. Take "
                "GaussianProcess or an Ensemble."
            )

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` architectures of a pool around the front that are hoped to add most to it."""
        beliefs = Beliefs(self, space, history, rng_for(seed, iteration, "fit"))
        goals = objectives_of(self.quantities)
        seen, beyond = beliefs.seen[:, goals], excess(costs_of(history, self.quantities), self.quantities)
        values = np.empty(len(history))
        values[best_first(seen, beyond)] = -np.arange(len(history), dtype=np.float64)
        shown = replace(history, values=values)
        pool = pool_of(self.sampler, space, self.pool_size, shown, None, rng_for(seed, iteration, "pool"))
        if not len(pool.genes):  # the space is used up
            return Proposal(pool.genes, pool.keys, proposed_by="front-search", pool=pool)
        hopes, chances = beliefs.hopes(pool.genes)
        flying = beliefs.hopes(history.pending_genes)[0] if history.pending else hopes[:0]
        front, hoped = in_ranges(seen[beyond == 0], np.vstack([hopes, flying])[:, goals])
        if len(flying):
            front = np.vstack([front, hoped[len(hopes) :]])
            front = front[non_dominated(front)]
        chosen = greedily(front, hoped[: len(hopes)], chances, n, margin=self.margin)
        return Proposal(pool.genes[chosen], pool.keys[chosen], proposed_by="front-search", pool=pool)


def in_ranges(
    seen: Float[np.ndarray, "n m"], hopes: Float[np.ndarray, "p m"]
) -> tuple[Float[np.ndarray, "f m"], Float[np.ndarray, "p m"]]:
    """The front of what was seen, from 0 to 1 in each objective, and what is hoped for on the same scale.

    A front of one point has no range: then all that was seen gives it, and where that is too little, the hopes too.
    """
    front = seen[non_dominated(seen)]
    sources = (front, seen, np.vstack([seen, hopes]))
    ranging = next((source for source in sources if len(source) and (np.ptp(source, axis=0) > 0).all()), sources[-1])
    low, width = ranging.min(axis=0), np.ptp(ranging, axis=0)
    width = np.where(width > 0, width, 1.0)
    return (front - low) / width, (hopes - low) / width


def greedily(
    front: Float[np.ndarray, "f m"],
    hopes: Float[np.ndarray, "p m"],
    chances: Float[np.ndarray, " p"],
    n: int,
    *,
    margin: float,
) -> Int[np.ndarray, " k"]:
    """Rows of the candidates that add most hypervolume, each to the front and to those before it.

    Args:
        front: non-dominated points within the limits; perhaps none.
        hopes: of the candidates, lower is better.
        chances: that a candidate keeps the limits.
        n: how many; fewer where there are fewer candidates.
        margin: how far the reference point lies beyond 1 in each objective.
    """
    points, reference = front, np.full(hopes.shape[1], 1.0 + margin)
    chosen: list[int] = []
    left = np.ones(len(hopes), bool)
    while len(chosen) < min(n, len(hopes)):
        gains = np.where(left, improvements(hopes, points, reference) * chances, -1.0)
        best = int(gains.argmax())
        if gains[best] <= 0:
            best = int(np.where(left, _lacking(hopes, points) + _BEYOND_A_LIMIT * (1 - chances), np.inf).argmin())
        chosen.append(best)
        left[best] = False
        points = np.vstack([points, hopes[best]])
        points = points[non_dominated(points)]
    return np.array(chosen, np.int64)


def _lacking(hopes: Float[np.ndarray, "p m"], points: Float[np.ndarray, "f m"]) -> Float[np.ndarray, " p"]:
    """How much better a candidate would have to be in every objective to be dominated by no point."""
    if not len(points):
        return np.asarray(hopes.sum(axis=1))
    return np.asarray((hopes[:, None] - points[None]).min(axis=2).max(axis=1))


class Beliefs:
    """What a search thinks of architectures: costs in normal scores, read where they are known, else predicted.

    Args:
        search: its predictor and quantities.
        space: of the architectures.
        history: what was evaluated.
        rng: of the fits.

    Attributes:
        seen: `(n, q)` of what was evaluated, with the predictors' means in the place of single noisy trainings.
    """

    def __init__(self, search: FrontSearch, space: SearchSpace, history: History, rng: np.random.Generator) -> None:
        self._search = search
        costs = costs_of(history, search.quantities)
        self._scales = [ScoreScale(column) for column in costs.T]
        scored = zip(self._scales, costs.T, strict=True)
        self.seen = np.column_stack([scale.scores(column) for scale, column in scored])
        self._predictors: dict[int, UncertainPredictor] = {}
        for place, quantity in enumerate(search.quantities):
            if not quantity.known:
                goodness, unfitted = -costs[:, place], fresh(search.predictor)
                fitted: Any = fitted_on(unfitted, space, history.genes_by_key, goodness, epochs=history.epochs, rng=rng)
                self._predictors[place] = fitted
                self.seen[:, place] = -scores_of(fitted, history.genes)

    def hopes(self, genes: Genes) -> tuple[Float[np.ndarray, "p q"], Float[np.ndarray, " p"]]:
        """The scores that are hoped for, and the chance that every limit on a predicted quantity is kept."""
        search = self._search
        hopes, chances = np.empty((len(genes), len(search.quantities))), np.ones(len(genes))
        read = iter(search.reader.read(genes).T)
        for place, quantity in enumerate(search.quantities):
            if quantity.known:
                hopes[:, place] = self._scales[place].scores(next(read))
                continue
            predictor = self._predictors[place]
            mean, spread = -scores_of(predictor, genes), spread_of(predictor, genes)
            hopes[:, place] = mean - search.exploration * spread
            if quantity.limit is not None:
                limit = self._scales[place].scores(np.array([quantity.limit]))
                chances *= ndtr((limit - mean) / np.maximum(spread, 1e-9))
        return hopes, chances
