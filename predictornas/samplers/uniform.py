"""Pools that do not look at the predictor: the whole space, or a uniform draw from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class Exhaustive(metaclass=PlainHelp):
    """S' = S: the whole space (Mauch et al. 2020, algorithm 1). The wanted pool size is ignored.

    Example:
        >>> import numpy as np
        >>> from predictornas import Exhaustive, History, get_space
        >>> space = get_space("nasbench201")
        >>> len(Exhaustive().propose(space, 0, History.empty(6), None, np.random.default_rng(0)))
        15625

    Attributes:
        name: recorded with what the pool led to.
    """

    name: str = "exhaustive"

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """The whole space, the evaluated architectures excluded."""
        return Pool(space.enumerate(), space.enumerated_keys(), excluded=np.unique(history.keys))


@dataclass(frozen=True)
class Uniform(metaclass=PlainHelp):
    """N' distinct architectures, uniformly over those not evaluated yet (Mauch et al. 2020, section 3.2).

    Example:
        >>> import numpy as np
        >>> from predictornas import History, Uniform, get_space
        >>> pool = Uniform().propose(get_space("nasbench101"), 100, History.empty(26), None, np.random.default_rng(0))
        >>> len(pool), pool.genes.shape
        (100, (100, 26))

    Attributes:
        name: recorded with what the pool led to.
    """

    name: str = "uniform"

    def propose(
        self, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
    ) -> Pool:
        """A uniform pool; all that is left where the space holds fewer than `n`."""
        genes = space.sample(n + len(history), rng)
        keys = space.keys(genes)
        first = np.sort(np.unique(keys, return_index=True)[1])
        unseen = first[~np.isin(keys[first], history.keys)][:n]
        return Pool(genes[unseen], keys[unseen])
