"""NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002): the evolutionary baseline for several objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int, Int8

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.collect import Distinct
from predictornas.search.objectives.quantities import Goal, best_first, costs_of, excess, objectives_of
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace

_TRIES = 50
"""Times that children are drawn for what is missing of a generation, before it is drawn uniformly."""


@dataclass(frozen=True)
class NSGA2:
    """Parents by binary tournaments on front and crowding, children by crossover and mutation, the best survive.

    Variation is that of the space (the paper's is for real numbers). A child that was evaluated before is drawn again
    (ours: a table would tell nothing new). How population, batch and rate were chosen stands in
    `docs/results/objectives.md`.

    Attributes:
        quantities: what is searched for, and the limits.
        population: N, architectures that survive.
        batch: children of a generation; as many as survive in the paper.
        crossover: probability that a child has two parents.
        rate: probability with which each gene of a child is mutated.

    Raises:
        ConfigurationError: a value out of range.
    """

    quantities: tuple[Goal, ...]
    population: int = 20
    batch: int = 5
    crossover: float = 0.9
    rate: float = 0.1
    computes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.population < 2 or self.batch < 1 or not 0 <= self.crossover <= 1 or not 0 < self.rate <= 1:
            raise ConfigurationError(
                f"NSGA-II needs population >= 2, batch >= 1, 0 <= crossover <= 1 and 0 < rate <= 1, not {self}."
            )

    @property
    def initial(self) -> int:
        """The random population that evolution starts from."""
        return self.population

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """`n` unseen children; `proposed_by` is "uniform" where variation finds nothing new."""
        rng = rng_for(seed, iteration, "nsga-ii")
        alive = history.rows(self.survivors(history))
        found = Distinct(space, history.keys)
        for _ in range(_TRIES if len(alive) else 0):
            if len(found) == n:
                break
            found.add(self._children(space, alive.genes, n - len(found), rng), at_most=n - len(found))
        by = "nsga-ii" if len(found) else "uniform"
        found.fill_uniformly(n, history, rng)
        pool = found.pool()
        return Proposal(pool.genes, pool.keys, proposed_by=by)

    def survivors(self, history: History) -> Int[np.ndarray, " p"]:
        """Rows of the population that the generations so far lead to, the best first."""
        costs = costs_of(history, self.quantities)
        goals, beyond = costs[:, objectives_of(self.quantities)], excess(costs, self.quantities)
        alive = np.empty(0, np.int64)
        for iteration in np.unique(history.iterations):
            rivals = np.append(alive, np.flatnonzero(history.iterations == iteration))
            alive = rivals[best_first(goals[rivals], beyond[rivals])][: self.population]
        return alive

    def _children(
        self, space: SearchSpace, parents: Int8[np.ndarray, "p g"], n: int, rng: np.random.Generator
    ) -> Genes:
        # the population is in order, so the lower of two places wins a tournament
        first, second = rng.integers(len(parents), size=(2, 2, n)).min(axis=1)
        crossed = space.crossover(parents[first], parents[second], rng)
        children = np.where(rng.random((n, 1)) < self.crossover, crossed, parents[first])
        return space.mutate(children, rng, rate=self.rate)
