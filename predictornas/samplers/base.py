"""What a sampler is, and the pool that it proposes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int64, UInt64

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.spaces.base import Genes, Keys, SearchSpace


@dataclass(frozen=True)
class Pool:
    """The set S' that the predictor ranks (Mauch et al. 2020, section 3.2).

    Attributes:
        genes: `(m, g)`, distinct by key.
        keys: `(m,)`.
        excluded: keys inside the pool that were evaluated before and must not be chosen; so a pool can be the whole
            space without a copy of it.
        discarded: architectures that the sampler arrived at and dropped because they break the space's rules.
        filled: members drawn uniformly because the sampler found no more of its own, the last ones of `genes`; None
            where all are drawn so on purpose, or none are.
    """

    genes: Genes
    keys: Keys
    excluded: UInt64[np.ndarray, " e"] = field(default_factory=lambda: np.empty(0, np.uint64))
    discarded: int = 0
    filled: int | None = None

    def __len__(self) -> int:
        """N', the architectures that may be chosen."""
        return len(self.keys) - len(self.excluded)

    def best(self, scores: np.ndarray, count: int) -> Int64[np.ndarray, " k"]:
        """Rows of the `count` highest scores that may be chosen, best first, without sorting the rest.

        Ties go to the earlier row, so the choice is a function of the scores alone.
        """
        wanted = min(count + len(self.excluded), len(scores))
        if wanted == 0:
            return np.empty(0, np.int64)
        threshold = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        rows = np.flatnonzero(scores >= threshold)
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        rows = rows[~np.isin(self.keys[rows], self.excluded)]
        return rows[:count]


@runtime_checkable
class Sampler(Protocol):
    """Proposes the pool S' of an iteration. Frozen and stateless: a function of history, predictor and generator."""

    @property
    def name(self) -> str:
        """Recorded with each architecture it led to."""
        ...

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """A pool of up to `n` distinct architectures that were not evaluated before.

        Fewer than `n` only where the space (or a neighbourhood and the space) holds no more.

        Args:
            space: the space to draw from.
            n: N', the wanted size of the pool.
            history: what was evaluated so far.
            predictor: fitted on `history`; samplers that follow its gradient need it.
            rng: the only source of randomness.
        """
        ...


def pool_of(
    sampler: Sampler,
    space: SearchSpace,
    n: int,
    history: History,
    predictor: Predictor | None,
    rng: np.random.Generator,
) -> Pool:
    """What a sampler proposes that may be anybody's; see `Sampler.propose`.

    Raises:
        ConfigurationError: it gave something else than a pool.
    """
    pool: Any = sampler.propose(space, n, history, predictor, rng)
    if not isinstance(pool, Pool):
        raise ConfigurationError(
            f"{type(sampler).__name__}.propose gave {type(pool).__name__} and no Pool: end it with "
            "`return Pool(genes, keys)`. predictornas.testing.check_sampler tries every rule."
        )
    return pool
