"""A predictor search that looks elsewhere once it finds nothing better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import ExpectingPredictor, Predictor, UncertainPredictor
from predictornas.predictors.contract import spread_of
from predictornas.samplers.base import Pool
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers.base import incumbent
from predictornas.search.sharing import places_of, with_others
from predictornas.search.strategies import PredictorSearch, Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace


@dataclass(frozen=True, kw_only=True)
class ExploringSearch(PredictorSearch):
    """A predictor search that looks where its predictor is least sure, once it finds nothing better (ours).

    A search that follows its predictor never finds out that it is wrong about what it thinks bad. So where the best by
    the signal is older than the last evaluations, a share of the next ones goes to the member of a uniform pool whose
    score has the largest standard deviation, once what is evaluated sooner is known (as in active learning; MacKay
    1992). All other choices are those of `PredictorSearch`, and so is what it recommends.

    The share is spread evenly over the evaluations, however many are asked for at once: workers that never wait explore
    as much as batches do.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, Search, get_space
        >>> from predictornas.search.exploring import ExploringSearch
        >>> parts = {"predictor": GaussianProcess(), "sampler": Evolutionary(), "pool_size": 50}
        >>> strategy = ExploringSearch(**parts, initial=5, batch=5, exploration=1.0, share=0.2, patience=4)
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> first = search.ask().genes
        >>> search.tell(first, [0.9, 0.8, 0.7, 0.6, 0.5])
        >>> strategy.is_stuck(search.history), strategy.explores(known=5, n=5).tolist()
        (True, [False, False, False, False, True])

    Args:
        share: of the evaluations that explore where the search is stuck, 0 to 1. The arguments that are not named here
            are those of `PredictorSearch`.
        patience: evaluations without a better one after which it is stuck; with 0 it always is.

    Raises:
        ConfigurationError: as for `PredictorSearch`, a predictor that does not know how unsure it is, or a value out of
            range.
    """

    share: float
    patience: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_unsure(self.predictor)
        if not 0 <= self.share <= 1 or self.patience < 0:
            raise ConfigurationError(
                f"Exploring takes a share from 0 to 1 and a patience >= 0, not {self.share} and {self.patience}."
            )

    def is_stuck(self, history: History) -> bool:
        """Whether none of the last evaluations, as many as `patience`, is better than all before."""
        best = incumbent(history)
        return best is not None and len(history) - 1 - best >= self.patience

    def explores(self, known: int, n: int) -> Bool[np.ndarray, " n"]:
        """Which of the next `n` evaluations explore if it is stuck, where `known` were evaluated or are in flight."""
        return places_of(self.share, known, n)

    def proposal_of(
        self, predictor: Predictor, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int
    ) -> Proposal:
        """As `PredictorSearch`, but for the places that explore."""
        flying, run = history.pending_keys, {"seed": seed, "iteration": iteration}
        known = len(history) + len(flying)
        places = np.flatnonzero(self.explores(known, n))
        if not len(places) or not self.is_stuck(history):
            return super().proposal_of(predictor, space, history, n, **run)
        liked = super().proposal_of(predictor, space, history, n + len(flying), **run)
        near = liked.without(flying).first(n - len(places))
        far = Uniform().propose(space, self.pool_size, history, predictor, rng_for(seed, iteration, "exploration"))
        free = ~np.isin(far.keys, np.append(flying, liked.keys))
        if free.sum() < len(places) or len(near) < n - len(places):
            return liked.first(n)  # hardly anything is left to choose from
        return with_explored(near, places, far, free, predictor, history, self.explored)

    def explored(
        self, predictor: Predictor, pool: Genes, free: Bool[np.ndarray, " m"], sooner: Genes, *, at: int
    ) -> int:
        """Row of what to explore in a uniform pool.

        Args:
            predictor: fitted on the history.
            pool: `(m, g)`, in random order.
            free: which of it may be chosen; some may.
            sooner: `(s, g)` what is in flight or proposed for a place before this one.
            at: how many evaluations come before this one.
        """
        return least_sure(predictor, pool, free, sooner, at=at)


def check_unsure(predictor: Predictor) -> None:
    """Refuses a predictor that cannot explore.

    Raises:
        ConfigurationError: it does not know how unsure it is.
    """
    if not isinstance(predictor, UncertainPredictor):
        raise ConfigurationError(
            f"{type(predictor).__name__} cannot tell how unsure it is: it has no `predict_std`. Take PredictorSearch, "
            "or explore with GaussianProcess or an Ensemble."
        )


def least_sure(predictor: Predictor, pool: Genes, free: Bool[np.ndarray, " m"], sooner: Genes, *, at: int) -> int:
    """Row of what a predictor is least sure of, once what is evaluated sooner is known.

    See `ExploringSearch.explored`.
    """
    assert isinstance(predictor, UncertainPredictor)  # as was checked
    sure = predictor.expecting(sooner) if len(sooner) and isinstance(predictor, ExpectingPredictor) else predictor
    return int(np.where(free, spread_of(sure, pool), -np.inf).argmax())


def with_explored(
    proposal: Proposal,
    places: Int64[np.ndarray, " e"],
    pool: Pool,
    free: Bool[np.ndarray, " m"],
    predictor: Predictor,
    history: History,
    explored: Callable[..., int],
) -> Proposal:
    """A proposal that explores at some places, one after the other.

    Args:
        proposal: `k` architectures that a predictor ranked in a pool.
        places: that explore among the `k + e`, ascending.
        pool: uniform, in random order.
        free: which of the pool may be chosen, `e` at least, none of them in the proposal.
        predictor: fitted on the history.
        history: what was seen.
        explored: chooses a row; see `ExploringSearch.explored`.
    """
    known, rows, free = len(history) + len(history.pending), list[int](), free.copy()
    for place in places.tolist():
        sooner = np.concatenate([history.pending_genes, proposal.genes[: place - len(rows)], pool.genes[rows]])
        rows.append(explored(predictor, pool.genes, free, sooner, at=known + place))
        free[rows[-1]] = False
    return with_others(proposal, places, pool, rows, predictor)
