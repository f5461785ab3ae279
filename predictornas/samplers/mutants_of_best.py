"""Pools as BANANAS, NPENAS and NAS-BOWL draw them: mutants of the best architecture, then of the next best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool
from predictornas.samplers.collect import Distinct
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class MutantsOfBest(metaclass=PlainHelp):
    """Mutants of the best architectures by the signal, one parent after the other, and uniform draws.

    As many children of a parent are made as mutants are wanted, or `each`; those that were seen before are dropped, and
    where some are missing then, the next best architecture has children. Mutants come from `SearchSpace.mutate`, with
    one rate for all genes: the public code of BANANAS (White et al. 2021) flips 1 of 21 edges and redraws 1 of 5
    operations in the mean, that of NPENAS (Wei et al. 2022) and NAS-BOWL (Ru et al. 2021) more.

    Example:
        >>> import numpy as np
        >>> from predictornas import History, get_space
        >>> from predictornas.samplers.mutants_of_best import MutantsOfBest
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> history = History.empty(6).extended(
        ...     keys=space.keys(genes), genes=genes, epochs=np.zeros(20), values=genes.mean(axis=1), iteration=0
        ... )
        >>> pool = MutantsOfBest(mutants=30).propose(space, 50, history, None, rng)
        >>> len(pool), bool(pool.genes[:30].mean() > pool.genes[30:].mean())
        (50, True)

    Attributes:
        mutants: wanted in a pool, >= 0; the rest of it is uniform.
        parents: how many of the best may have mutants, >= 1.
        each: children of a parent at most; None for as many as mutants are wanted.
        rate: probability with which each gene is redrawn (ours).
        name: recorded with what the pool led to.

    Raises:
        ConfigurationError: a value out of range.
    """

    mutants: int = 100
    parents: int = 10
    each: int | None = None
    rate: float = 0.1
    name: str = "mutants-of-best"

    def __post_init__(self) -> None:
        if self.mutants < 0 or self.parents < 1 or not 0 < self.rate <= 1 or (self.each is not None and self.each < 1):
            raise ConfigurationError(
                f"Mutants of the best need mutants >= 0, parents >= 1, each >= 1 and 0 < rate <= 1, not {self}."
            )

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """Up to `n` unseen architectures, the mutants first; `Pool.filled` counts uniform draws for missing mutants."""
        found = Distinct(space, history.keys)
        wanted = min(self.mutants, n)
        for parent in history.best(self.parents):
            missing = wanted - len(found)
            if missing > 0:
                parents = np.repeat(history.genes[parent : parent + 1], self.mutants, axis=0)
                at_most = missing if self.each is None else min(missing, self.each)
                found.add(space.mutate(parents, rng, rate=self.rate), at_most=at_most)
        missing = wanted - len(found)
        found.fill_uniformly(n, history, rng)
        pool = found.pool()
        return replace(pool, filled=min(missing, pool.filled or 0))  # the others are uniform on purpose
