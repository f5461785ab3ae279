"""A search that climbs, and looks elsewhere once it stands on a peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.samplers.uniform import Uniform
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.exploring import check_unsure, least_sure, with_explored
from predictornas.search.local_search import neighbours
from predictornas.search.sharing import places_of, wanted_of
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True, kw_only=True)
class PeakExploringSearch(ClimbingSearch):
    """A climbing search that explores while it stands on a peak, which may be that of the wrong hill (ours).

    A local search ends at a peak: all neighbours of the best, the first of equals, were evaluated or are in flight, and
    none is better. As long as the best is one, a share of the evaluations goes to the member of a uniform pool that the
    predictor is least sure of, as in `ExploringSearch`; the last of a batch make way for them. All other choices are
    those of `ClimbingSearch`, and so is what it recommends.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, Search, get_space
        >>> from predictornas.search.local_search import neighbours
        >>> from predictornas.search.peaks import PeakExploringSearch
        >>> space = get_space("nasbench201")
        >>> parts = {"predictor": GaussianProcess(), "sampler": Evolutionary(), "pool_size": 50, "batch": 5}
        >>> strategy = PeakExploringSearch(**parts, share=0.6, exploring=0.2)
        >>> search, best = Search(space, strategy, seed=0), space.enumerate()[:1]
        >>> search.tell(best, [0.9])
        >>> strategy.is_at_a_peak(space, search.history)
        False
        >>> around, _ = neighbours(space, best[0].tobytes())
        >>> search.tell(around, [0.5] * len(around))
        >>> strategy.is_at_a_peak(space, search.history)
        True

    Args:
        exploring: share of the evaluations that explore at a peak, 0 to 1. The arguments that are not named here are
            those of `ClimbingSearch`.

    Raises:
        ConfigurationError: as for `ClimbingSearch`, a predictor that does not know how unsure it is, or a share out of
            range.
    """

    exploring: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_unsure(self.predictor)
        if not 0 <= self.exploring <= 1:
            raise ConfigurationError(f"Exploring takes a share from 0 to 1, not {self.exploring}.")

    def is_at_a_peak(self, space: SearchSpace, history: History) -> bool:
        """Whether the best by the signal has no neighbour that was not evaluated and is not in flight."""
        compared = self.compared(history)
        if not len(compared):
            return False
        _, keys = neighbours(space, compared.genes[compared.best(1)[0]].tobytes())
        return bool(np.isin(keys, np.append(history.keys, history.pending_keys)).all())

    def proposal_of(
        self, predictor: Predictor, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int
    ) -> Proposal:
        """As `ClimbingSearch`, but for the places that explore at a peak; it needs none for what is in flight."""
        flying, wanted = history.pending_keys, wanted_of(history, n)
        climbed = super().proposal_of(predictor, space, history, n, seed=seed, iteration=iteration)
        places = np.flatnonzero(places_of(self.exploring, len(history) + len(flying), wanted))
        if not len(places) or not self.is_at_a_peak(space, history):
            return climbed
        near = climbed.without(flying).first(wanted - len(places))
        far = Uniform().propose(space, self.pool_size, history, predictor, rng_for(seed, iteration, "exploration"))
        free = ~np.isin(far.keys, np.append(flying, near.keys))
        if free.sum() < len(places) or len(near) < wanted - len(places):
            return climbed  # hardly anything is left to choose from
        return with_explored(near, places, far, free, predictor, history, least_sure)
