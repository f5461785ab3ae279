"""Pools drawn around the best architectures seen, by mutation and crossover (Mauch et al. 2020, algorithm 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.spaces.base import Genes, SearchSpace

_ROUNDS = 12
"""Rounds of variation before the rest of a pool is drawn uniformly; each round without room widens the mutation."""

Parents = Int8[np.ndarray, "p g"]

_SURPLUS = 2
"""Children made for each place that is still empty: many are duplicates, or were evaluated before."""


@dataclass(frozen=True)
class Evolutionary(metaclass=PlainHelp):
    """Mutants and crossovers of the P best architectures by the signal; no predictor is asked.

    Where the neighbourhood holds too few unseen architectures the mutation rate doubles (up to 1/2), and what is still
    missing after that is drawn uniformly, so the pool is full whenever the space allows it.

    Example:
        >>> import numpy as np
        >>> from predictornas import Evolutionary, History, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> history = History.empty(6).extended(
        ...     keys=space.keys(genes), genes=genes, epochs=np.zeros(20), values=genes.mean(axis=1), iteration=0
        ... )
        >>> pool = Evolutionary(parents=3).propose(space, 50, history, None, rng)
        >>> len(pool), bool(pool.genes.mean() > genes.mean())
        (50, True)

    Attributes:
        parents: P (ours; the paper names no value).
        mutants: alpha, the share of the pool that mutation is asked for; the rest comes from crossover (ours). Where
            some mutants were seen before, as in small spaces, crossovers that are left over fill their places first.
        rate: p_mutate, probability with which each gene is redrawn (ours).
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    parents: int = 10
    mutants: float = 0.5
    rate: float = 0.1
    name: str = "evolutionary"

    def __post_init__(self) -> None:
        if self.parents < 1 or not 0 <= self.mutants <= 1 or not 0 < self.rate <= 0.5:
            raise ConfigurationError(
                f"Evolutionary sampling needs parents >= 1, 0 <= mutants <= 1 and 0 < rate <= 0.5, not {self}."
            )

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """Up to `n` unseen architectures around the best of the history; uniform where the history is empty."""
        parents = history.genes[history.best(self.parents)]
        found = Distinct(space, history.keys)
        wanted_mutants = round(self.mutants * n)
        rate = self.rate
        for _ in range(_ROUNDS if len(parents) else 0):
            missing = n - len(found)
            if missing == 0:
                break
            mutants = min(max(wanted_mutants - len(found), 0), missing)
            before = len(found)
            found.add(self._mutants(space, parents, mutants, rate, rng), at_most=mutants)
            found.add(self._crossovers(space, parents, missing - mutants, rng), at_most=n - len(found))
            if len(found) - before < missing / 2:
                rate = min(2 * rate, 0.5)
                wanted_mutants = n  # crossover has run dry: its children are few
        found.fill_uniformly(n, history, rng)
        return found.pool()

    def _mutants(
        self, space: SearchSpace, parents: Parents, count: int, rate: float, rng: np.random.Generator
    ) -> Genes:
        chosen = rng.integers(len(parents), size=_SURPLUS * count)
        return space.mutate(parents[chosen], rng, rate=rate)

    def _crossovers(self, space: SearchSpace, parents: Parents, count: int, rng: np.random.Generator) -> Genes:
        first, second = rng.integers(len(parents), size=(2, _SURPLUS * count))
        return space.crossover(parents[first], parents[second], rng)
