"""Regularised evolution (Real et al. 2019), with the settings of Ying et al. 2019 on NAS-Bench-101."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.collect import Distinct
from predictornas.search.strategies import Proposal, compared
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace

_TRIES = 100
"""Children drawn for each place of a proposal before what is missing is drawn uniformly."""


@dataclass(frozen=True)
class RegularisedEvolution:
    """The best of a small tournament has a child by mutation; the oldest of the population dies (Real et al. 2019).

    The population is the last `population` evaluations, so age alone decides who lives; with a scheduler the last
    architectures by their first evaluation. It starts with as many random architectures. A child that was evaluated
    before is drawn again, tournament included (ours: the original evaluates it again, which tells a table nothing).

    The law of mutation is `SearchSpace.mutate`. In the original code of NAS-Bench-101 an edge flips with p = 1/V and an
    operation changes with p = 1/(V - 2), V = 7, and vertices off every path stay as they are; here operations are
    redrawn with the same `rate` as edges, and absent vertices come back with random operations. On NAS-Bench-201, 1/7
    redraws about one of the six operations.

    Example:
        >>> from predictornas import Search, get_space
        >>> from predictornas.search.evolution import RegularisedEvolution
        >>> search = Search(get_space("nasbench201"), RegularisedEvolution(population=5, tournament=2), seed=0)
        >>> for _ in range(3):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> len(search.history), proposal.proposed_by
        (7, 'evolution')

    Attributes:
        population: architectures alive.
        tournament: how many of them, without replacement, compete to be the parent.
        rate: probability with which each gene is mutated.

    Raises:
        ConfigurationError: a value out of range.
    """

    population: int = 50
    tournament: int = 10
    rate: float = 1 / 7
    computes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 1 <= self.tournament <= self.population or not 0 < self.rate <= 1:
            raise ConfigurationError(
                f"Regularised evolution needs 1 <= tournament <= population and 0 < rate <= 1, not {self}."
            )

    @property
    def initial(self) -> int:
        """The random population that evolution starts from."""
        return self.population

    @property
    def batch(self) -> int:
        """One child at a time."""
        return 1

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """`n` unseen children; `proposed_by` is "uniform" where mutation finds nothing new."""
        rng = rng_for(seed, iteration, "evolution")
        found, ranked = Distinct(space, history.keys), compared(history)
        for _ in range(_TRIES * n if len(history) else 0):
            if len(found) == n:
                break
            found.add(space.mutate(self._parent(ranked, rng), rng, rate=self.rate), at_most=1)
        by = "evolution" if len(found) else "uniform"
        found.fill_uniformly(n, history, rng)
        pool = found.pool()
        return Proposal(pool.genes, pool.keys, proposed_by=by)

    def _parent(self, history: History, rng: np.random.Generator) -> Genes:
        """`(1, g)`, the winner of a tournament among the living."""
        oldest = max(len(history) - self.population, 0)
        living = np.arange(oldest, len(history))
        competitors = rng.choice(living, size=min(self.tournament, len(living)), replace=False)
        winner = competitors[history.values[competitors].argmax()]
        return np.asarray(history.genes[winner : winner + 1])
