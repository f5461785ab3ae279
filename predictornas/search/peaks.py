"""A search that climbs, and looks elsewhere once it stands on a peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.samplers.uniform import Uniform
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.exploring import check_unsure, least_sure, with_explored
from predictornas.search.local_search import neighbours
from predictornas.search.sharing import wanted_of
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True, kw_only=True)
class PeakExploringSearch(ClimbingSearch):
    """A climbing search that explores once it stands on a peak, which may be that of the wrong hill (ours).

    A local search ends at a peak: all neighbours of the best, the first of equals, were evaluated or are in flight, and
    none is better. So the first evaluations after it reached one go to the members of a uniform pool that the predictor
    is least sure of, as in `ExploringSearch`; the last of a batch make way for them. If it still stands there after a
    while, it explores again. All other choices are those of `ClimbingSearch`, and so is what it recommends.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, Search, get_space
        >>> from predictornas.search.local_search import neighbours
        >>> from predictornas.search.peaks import PeakExploringSearch
        >>> space = get_space("nasbench201")
        >>> parts = {"predictor": GaussianProcess(), "sampler": Evolutionary(), "pool_size": 50}
        >>> strategy = PeakExploringSearch(**parts, share=0.6, explorations=2, every=40)
        >>> search, best = Search(space, strategy, seed=0), space.enumerate()[:1]
        >>> search.tell(best, [0.9])
        >>> strategy.explores(space, search.history, n=4).tolist()
        [False, False, False, False]
        >>> around, _ = neighbours(space, best[0].tobytes())
        >>> search.tell(around, [0.5] * len(around))
        >>> strategy.explores(space, search.history, n=4).tolist()
        [True, True, False, False]

    Args:
        explorations: how many evaluations explore at a peak. The arguments that are not named here are those of
            `ClimbingSearch`.
        every: out of how many, on the same peak, at least `explorations`.

    Raises:
        ConfigurationError: as for `ClimbingSearch`, a predictor that does not know how unsure it is, or a number out
            of range.
    """

    explorations: int
    every: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_unsure(self.predictor)
        if not 0 <= self.explorations <= self.every or not self.every:
            raise ConfigurationError(
                "At a peak `explorations` of `every` evaluations explore, 0 of 1 at least and no more than all, not "
                f"{self.explorations} of {self.every}."
            )

    def explores(self, space: SearchSpace, history: History, n: int) -> Bool[np.ndarray, " n"]:
        """Which of the next `n` evaluations explore: those after the last neighbour of the best by the signal."""
        compared = self.compared(history)
        if not len(compared):
            return np.zeros(n, bool)
        best = compared.best(1)[0]
        _, around = neighbours(space, compared.genes[best].tobytes())
        known = np.append(history.keys, history.pending_keys)
        if not np.isin(around, known).all():
            return np.zeros(n, bool)
        reached = np.flatnonzero(np.isin(known, np.append(around, compared.keys[best])))[-1]
        since = len(known) - 1 - reached
        return np.asarray((since + np.arange(n)) % self.every < self.explorations)

    def proposal_of(
        self, predictor: Predictor, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int
    ) -> Proposal:
        """As `ClimbingSearch`, but for the places that explore; it needs none for what is in flight."""
        flying, wanted = history.pending_keys, wanted_of(history, n)
        climbed = super().proposal_of(predictor, space, history, n, seed=seed, iteration=iteration)
        places = np.flatnonzero(self.explores(space, history, wanted))
        if not len(places):
            return climbed
        near = climbed.without(flying).first(wanted - len(places))
        far = Uniform().propose(space, self.pool_size, history, predictor, rng_for(seed, iteration, "exploration"))
        free = ~np.isin(far.keys, np.append(flying, near.keys))
        if free.sum() < len(places) or len(near) < wanted - len(places):
            return climbed  # hardly anything is left to choose from
        return with_explored(near, places, far, free, predictor, history, least_sure)
