"""WeakNAS (Wu et al. 2021): rank the whole space with a weak predictor, pick at random from its top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor, fresh
from predictornas.predictors.contract import fitted_on, scores_of
from predictornas.samplers.base import Pool
from predictornas.samplers.uniform import Exhaustive
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class WeakNAS:
    """Fit, rank the whole space, evaluate some of the best ranked, drawn uniformly (Wu et al. 2021, arXiv 2102.10490).

    The progression of the paper: each predictor need only be good where the one before pointed to. Any predictor does;
    the public code takes fully connected networks of four layers of 1,000. It also reports the best *test* accuracy
    among what was evaluated; here the result is the best by the signal, as of every search.

    Example:
        >>> from predictornas import GCN, Search, get_space
        >>> from predictornas.search.weak_nas import WeakNAS
        >>> strategy = WeakNAS(GCN(width=8, training_epochs=5), top=30, initial=10, batch=5)
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> for _ in range(2):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> len(search.history), proposal.proposed_by
        (15, 'weaknas')

    Attributes:
        predictor: configuration of the predictor; a fresh copy is fitted in each iteration.
        top: how many of the best ranked, seen ones among them, the picks come from; where too few of these are unseen,
            the best unseen ones instead.
        initial: K0; the public code takes 100 on NAS-Bench-101 and 10 on NAS-Bench-201.
        batch: K.

    Raises:
        ConfigurationError: top < 1.
    """

    predictor: Predictor
    top: int = 100
    initial: int = 100
    batch: int = 10

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ConfigurationError(f"WeakNAS needs top >= 1, not {self.top}.")

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """`n` of the architectures that the predictor likes best, best first.

        Raises:
            ConfigurationError: the space is too large to be enumerated.
        """
        unfitted, rng = fresh(self.predictor), rng_for(seed, iteration, "fit")
        predictor = fitted_on(unfitted, space, history.genes_by_key, history.values, epochs=history.epochs, rng=rng)
        pool = Exhaustive().propose(space, 0, history, predictor, rng_for(seed, iteration, "pool"))
        scores = scores_of(predictor, pool.genes)
        liked = Pool(pool.genes, pool.keys).best(scores, self.top)
        unseen = liked[~np.isin(pool.keys[liked], history.keys)]
        if len(unseen) < n:
            rows = pool.best(scores, n)
        else:
            rows = unseen[np.sort(rng_for(seed, iteration, "picks").permutation(len(unseen))[:n])]
        return Proposal(
            genes=pool.genes[rows],
            keys=pool.keys[rows],
            proposed_by="weaknas",
            predicted=scores[rows].astype(np.float64),
            pool=pool,
        )
