"""The search of Wen et al. 2020: one predictor, fitted once on random architectures, whose ranking is then followed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, UInt64

from predictornas.history import History
from predictornas.predictors.base import Predictor, fresh
from predictornas.predictors.contract import fitted_on, scores_of
from predictornas.predictors.neural_predictor import NeuralPredictor
from predictornas.samplers.base import Pool, Sampler, pool_of
from predictornas.samplers.uniform import Exhaustive
from predictornas.search.strategies import Proposal, Strategy, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class OneShot:
    """Fit a predictor on the initial set, rank one pool, evaluate it best first (Wen et al. 2020, section 3).

    What is evaluated later changes neither the predictor nor the ranking: the search has two rounds, and both can be
    trained in parallel. Candidates are ranked, all of the pool, before any is evaluated; the GCN search of naszilla
    does not rank them. Where the pool is used up, uniform draws follow (ours).

    Example:
        >>> from predictornas import GCN, Search, Uniform, get_space
        >>> from predictornas.search.one_shot import OneShot
        >>> strategy = OneShot(GCN(width=8, training_epochs=5), Uniform(), pool_size=20, initial=5, batch=3)
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> for _ in range(3):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> len(search.history), proposal.proposed_by, len(proposal.pool)  # 20 less the 3 taken before
        (11, 'one-shot', 17)

    Attributes:
        predictor: configuration of the predictor; a fresh copy is fitted.
        sampler: draws the pool, once; the whole space by default.
        pool_size: size of the pool; not used by samplers that give the whole space.
        initial: N, random architectures to fit on; 172 on NAS-Bench-101 in the paper.
        batch: best-ranked architectures evaluated in each iteration.
    """

    predictor: Predictor = field(default_factory=NeuralPredictor)
    sampler: Sampler = field(default_factory=Exhaustive)
    pool_size: int = 10_000
    initial: int = 172
    batch: int = 10

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` best-ranked architectures that were not evaluated yet."""
        return self._ranked(space, history.before(1), seed).proposal(space, history, n, seed, iteration)

    def for_one_run(self) -> Strategy:
        """One that keeps the ranked pool."""
        return _Ranked(self)

    def _ranked(self, space: SearchSpace, first: History, seed: int) -> _Ranking:
        """The ranked pool: a function of the initial set."""
        unfitted, rng = fresh(self.predictor), rng_for(seed, 1, "fit")
        predictor = fitted_on(unfitted, space, first.genes_by_key, first.values, epochs=first.epochs, rng=rng)
        pool = pool_of(self.sampler, space, self.pool_size, first, predictor, rng_for(seed, 1, "pool"))
        return _Ranking(pool, scores_of(predictor, pool.genes), np.sort(pool.keys))


class _Ranked:
    """A one-shot search in one run: the predictor is fitted, and the pool ranked, once."""

    def __init__(self, search: OneShot) -> None:
        self.initial, self.batch = search.initial, search.batch
        self._search = search
        self._kept: tuple[bytes, _Ranking] | None = None

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        first = history.before(1)
        asked = b"%d," % seed + first.keys.tobytes() + first.values.tobytes()
        if self._kept is None or self._kept[0] != asked:
            self._kept = asked, self._search._ranked(space, first, seed)
        return self._kept[1].proposal(space, history, n, seed, iteration)


@dataclass(frozen=True)
class _Ranking:
    """A pool, its scores, and its keys in ascending order, because to sort a whole space takes long."""

    pool: Pool
    scores: Float[np.ndarray, " m"]
    sorted_keys: UInt64[np.ndarray, " m"]

    def proposal(self, space: SearchSpace, history: History, n: int, seed: int, iteration: int) -> Proposal:
        """The `n` best that were not evaluated yet; uniform draws where the pool is used up."""
        pool = replace(self.pool, excluded=self.holds(np.unique(history.keys)))
        chosen = pool.best(self.scores, n)
        if not len(chosen):
            return propose_uniformly(space, history, n, rng_for(seed, iteration, "pool"), by="one-shot")
        return Proposal(
            genes=pool.genes[chosen],
            keys=pool.keys[chosen],
            proposed_by="one-shot",
            predicted=self.scores[chosen].astype(np.float64),
            pool=pool,
        )

    def holds(self, keys: UInt64[np.ndarray, " n"]) -> UInt64[np.ndarray, " held"]:
        """Those of some keys that are in the pool."""
        start, end = (np.searchsorted(self.sorted_keys, keys, side=side) for side in ("left", "right"))
        return np.asarray(keys[start < end])
