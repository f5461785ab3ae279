"""A predictor search that also climbs: it looks around the best that was seen, whatever its predictor thinks of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.predictors.contract import scores_of
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.search.local_search import are_new, neighbours
from predictornas.search.sharing import places_of, wanted_of, with_others
from predictornas.search.strategies import PredictorSearch, Proposal
from predictornas.spaces.base import Keys, SearchSpace


@dataclass(frozen=True, kw_only=True)
class ClimbingSearch(PredictorSearch):
    """A predictor search that gives a share of its evaluations to a local search, whose neighbours it ranks (ours).

    A predictor that is wrong about what surrounds the best never finds out, as it never chooses it. So a
    share of the evaluations goes to architectures one gene away from the best by the signal (White et al. 2021), the
    most promising first, and when it has no more, from the next best. All other choices are those of
    `PredictorSearch`, and so is what it recommends.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, Search, get_space
        >>> from predictornas.search.climbing import ClimbingSearch
        >>> parts = {"predictor": GaussianProcess(), "sampler": Evolutionary(), "pool_size": 50}
        >>> search = Search(get_space("nasbench201"), ClimbingSearch(**parts, initial=5, batch=4, share=0.5), seed=0)
        >>> first = search.ask().genes
        >>> search.tell(first, [0.5, 0.9, 0.7, 0.6, 0.8])
        >>> (search.ask().genes != first[1]).sum(axis=1).tolist()[::2]  # one gene away from the best
        [1, 1]

    Args:
        share: of the evaluations that climb, 0 to 1. The arguments that are not named here are those of
            `PredictorSearch`.

    Raises:
        ConfigurationError: as for `PredictorSearch`, or a share out of range.
    """

    share: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.share <= 1:
            raise ConfigurationError(f"Climbing takes a share from 0 to 1, not {self.share}.")

    def proposal_of(
        self, predictor: Predictor, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int
    ) -> Proposal:
        """As `PredictorSearch`, but for the places that climb; a search needs none for what is in flight."""
        flying = history.pending_keys
        wanted = wanted_of(history, n)
        places = np.flatnonzero(places_of(self.share, len(history) + len(flying), wanted))
        liked = super().proposal_of(predictor, space, history, n + len(flying), seed=seed, iteration=iteration)
        near = liked.without(flying).first(wanted - len(places))
        taken = np.concatenate([history.keys, flying, near.keys])
        around = self.around_the_best(predictor, space, history, len(places), taken)
        if len(near) < wanted - len(places) or len(around) < len(places):
            return liked.first(n)  # hardly anything is left to choose from
        return with_others(near, places, around, range(len(places)), predictor)

    def around_the_best(
        self, predictor: Predictor, space: SearchSpace, history: History, count: int, taken: Keys
    ) -> Pool:
        """Neighbours of the best by the signal, those of better ones first, each one's by what is hoped of them.

        Args:
            predictor: fitted on the history.
            space: the space.
            history: what was seen.
            count: how many are wanted at least; fewer where no more are left.
            taken: keys of those that are not.

        Returns:
            All unseen neighbours of as many of the best as it takes.
        """
        found, compared, known = Distinct(space, taken), self.compared(history), np.sort(taken)
        for row in compared.best(len(compared)):
            if len(found) >= count:
                break
            genes, keys = neighbours(space, compared.genes[row].tobytes())
            genes = genes[are_new(keys, known)]
            if len(genes):
                hopes = self.hopes(predictor, history, genes, scores_of(predictor, genes))
                found.add(genes[np.argsort(-hopes, kind="stable")], at_most=len(genes))
        return found.pool()
