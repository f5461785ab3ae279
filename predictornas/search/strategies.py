"""What to evaluate next: random search, and the predictor-based search of Mauch et al. 2020 (algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float

from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool, Sampler
from predictornas.samplers.uniform import Uniform
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Proposal:
    """Architectures to evaluate next, best first.

    Attributes:
        genes: `(k, g)`.
        keys: `(k,)`.
        proposed_by: the name of what proposed them.
        predicted: `(k,)` scores of the predictor, where one ranked them.
        pool: what they were chosen from, where a predictor ranked a pool.
    """

    genes: Genes
    keys: Keys
    proposed_by: str
    predicted: Float[np.ndarray, " k"] | None = None
    pool: Pool | None = None

    def __len__(self) -> int:
        return len(self.keys)


@runtime_checkable
class Strategy(Protocol):
    """Proposes from what was seen. Frozen and stateless: a function of the history and the seed."""

    @property
    def initial(self) -> int:
        """K0, the size of the random initial set T0."""
        ...

    @property
    def batch(self) -> int:
        """K, architectures evaluated in each iteration."""
        ...

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """Up to `n` architectures that were not evaluated yet; none where the space is exhausted."""
        ...


def propose_uniformly(space: SearchSpace, history: History, n: int, rng: np.random.Generator, by: str) -> Proposal:
    """`n` distinct unseen architectures, uniformly over the distinct ones."""
    pool = Uniform().propose(space, n, history, None, rng)
    return Proposal(pool.genes, pool.keys, proposed_by=by)


@dataclass(frozen=True)
class RandomSearch:
    """Uniform draws over the distinct architectures, without replacement.

    Args:
        initial: K0, counted like the initial set of the other methods.
        batch: K.
    """

    initial: int = 10
    batch: int = 10

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """Uniform over what was not evaluated yet."""
        return propose_uniformly(space, history, n, rng_for(seed, iteration, "random"), by="random")


@dataclass(frozen=True)
class PredictorSearch:
    """Fit a predictor on everything seen, rank a fresh pool, take the best K (Mauch et al. 2020, algorithm 1).

    Args:
        predictor: configuration of the predictor; a fresh copy is fitted in each iteration.
        sampler: draws the pool S'.
        pool_size: N'; not used by samplers that give the whole space.
        initial: K0.
        batch: K.
    """

    predictor: Predictor
    sampler: Sampler
    pool_size: int = 1000
    initial: int = 10
    batch: int = 10

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` architectures of a fresh pool that the predictor likes best."""
        unfitted = cast("Predictor", replace(cast("DataclassInstance", self.predictor)))
        predictor = unfitted.fit(
            space, history.genes, history.values, epochs=history.epochs, rng=rng_for(seed, iteration, "fit")
        )
        pool = self.sampler.propose(space, self.pool_size, history, predictor, rng_for(seed, iteration, "pool"))
        scores = predictor.predict(pool.genes)
        chosen = pool.best(scores, n)
        return Proposal(
            genes=pool.genes[chosen],
            keys=pool.keys[chosen],
            proposed_by=self.sampler.name,
            predicted=scores[chosen].astype(np.float64),
            pool=pool,
        )
