"""Pilot searches on a table: a few real searches, of which more is counted than what they happened to find.

A search's own finds are a noisy measure of its gain: a pool of 100 holds one of the best 0.1 % of a table once in ten
times. What the predictor of an iteration would find is known better: pools cost next to nothing on a table, so each
iteration of a pilot ranks further pools with the predictor that it has fitted anyway, and counts what the best K of
them would have found. That is the conditional expectation of the finds given all that the search knows, so it has the
same mean as the finds and spreads less (Rao-Blackwell). Fits are what takes time, and no fit is added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.predictors.contract import scores_of
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.search.loop import Search, iterate
from predictornas.search.strategies import PredictorSearch, Proposal, Strategy
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.opened import OpenedStudy

_SCORED = 20_000
"""Architectures of a larger space that are scored to see where a predictor puts the good ones of a random pool."""


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Attributes:
        pilots: searches; intervals are over them.
        pools: that each iteration of a pilot ranks, its own among them.

    Raises:
        ConfigurationError: fewer than two pilots, whose spread would say nothing, or no pool.
    """

    pilots: int = 6
    pools: int = 20

    def __post_init__(self) -> None:
        if self.pilots < 2 or self.pools < 1:
            raise ConfigurationError(f"At least 2 pilots and a pool of each iteration are needed, not {self}.")


@dataclass(frozen=True)
class Counted:
    """What an iteration of a pilot found, in the mean over its pools; j targets.

    Attributes:
        learned_from: architectures that its predictor was fitted on.
        proposals: K.
        hits: `(j,)` of the K that reach each target.
        chance: `(j,)` variance of these over pools; 0 where there is one.
        pool_size: N'.
        pool_hits: `(j,)` of the pool.
        scores: `(s,)` of a random part of the space, or of all of it; empty where pools are not random.
        costs: `(s,)` of the same architectures, infinite where the search has evaluated them.
    """

    learned_from: int
    proposals: int
    hits: Float[np.ndarray, " j"]
    chance: Float[np.ndarray, " j"]
    pool_size: float
    pool_hits: Float[np.ndarray, " j"]
    scores: Float[np.ndarray, " s"]
    costs: Float[np.ndarray, " s"]


@dataclass(frozen=True)
class PilotSearch:
    """One search.

    Attributes:
        history: what it evaluated.
        iterations: what each of them would find.
    """

    history: History
    iterations: tuple[Counted, ...]

    @property
    def proposals(self) -> int:
        """Of all iterations."""
        return sum(each.proposals for each in self.iterations)

    def summed(self, what: str) -> Float[np.ndarray, " j"]:
        """Over iterations.

        Args:
            what: the name of an attribute of `Counted`.
        """
        return np.asarray(np.sum([getattr(each, what) for each in self.iterations], axis=0))


def pilots(
    opened: OpenedStudy,
    strategy: PredictorSearch,
    budget: int,
    effort: Effort,
    seed: int,
    advance: Callable[[int], None],
) -> list[PilotSearch]:
    """Runs them.

    Args:
        opened: the table and its signal.
        strategy: what is tried.
        budget: evaluations of a search.
        effort: how many searches and pools.
        seed: of all of it.
        advance: told of each fit.
    """
    found = []
    for number in range(effort.pilots):
        # a seed that no study has
        own = int(rng_for(seed, number, "pilot").integers(2**31, 2**32))
        watched = CountingSearch(strategy, opened, effort.pools, advance)
        search = Search(opened.benchmark.space, watched, seed=own)
        for _ in iterate(search, opened.oracle, budget):
            pass
        found.append(PilotSearch(search.history, tuple(watched.counted)))
    return found


def ranks_pools(method: str, strategy: Strategy) -> PredictorSearch:
    """The strategy, where it is one that can be tried.

    Args:
        method: its name.
        strategy: what the name means.

    Raises:
        ConfigurationError: it fits no predictor that ranks pools.
    """
    if type(strategy) is not PredictorSearch:
        raise ConfigurationError(
            f"{method!r} fits no predictor that ranks pools, so nothing more can be counted than what it finds: "
            "`predictornas gain`. Name methods such as uniform-1000, exhaustive, evolutionary-100."
        )
    return strategy


@dataclass
class CountingSearch:
    """A search that proposes what it proposes, and counts what it might have.

    Attributes:
        search: what proposes.
        opened: the table and the targets.
        pools: that each iteration ranks.
        advance: told of each fit.
        counted: of each iteration so far.
    """

    search: PredictorSearch
    opened: OpenedStudy
    pools: int
    advance: Callable[[int], None]
    counted: list[Counted] = field(default_factory=list)
    _latest: Predictor | None = None

    @property
    def initial(self) -> int:
        """K0 of the search."""
        return self.search.initial

    @property
    def batch(self) -> int:
        """K of the search."""
        return self.search.batch

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """See `PredictorSearch.propose`."""
        predictor = self.search.fitted(space, history, seed=seed, iteration=iteration, before=self._latest)
        self._latest = predictor
        # further pools come from seeds beside that of the run, so that the search stays what it is without them
        further = () if isinstance(self.search.sampler, Exhaustive) else range(1, self.pools)
        proposal, *others = (
            self.search.proposal_of(predictor, space, history, n, seed=seed + 2**32 * number, iteration=iteration)
            for number in (0, *further)
        )
        self.counted.append(self._count(predictor, history, [proposal, *others]))
        self.advance(1)
        return proposal

    def _count(self, predictor: Predictor, history: History, proposals: list[Proposal]) -> Counted:
        pools = [each.pool for each in proposals if each.pool is not None]
        hits = np.array([self.opened.hits(each.keys) for each in proposals])
        scores, costs = self._scored(predictor, history)
        return Counted(
            learned_from=len(history),
            proposals=len(proposals[0]),
            hits=hits.mean(axis=0),
            chance=hits.var(axis=0, ddof=1) if len(hits) > 1 else np.zeros(hits.shape[1]),
            pool_size=float(np.mean([len(pool) for pool in pools])),
            pool_hits=np.mean([self.opened.pool_hits(pool) for pool in pools], axis=0),
            scores=scores,
            costs=costs,
        )

    def _scored(
        self, predictor: Predictor, history: History
    ) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
        """Scores and costs where pools are random or the whole space, nothing elsewhere: see `Counted`."""
        benchmark, is_whole = self.opened.benchmark, isinstance(self.search.sampler, Exhaustive)
        if not is_whole and not isinstance(self.search.sampler, Uniform):
            return np.zeros(0), np.zeros(0)
        genes, keys = benchmark.space.enumerate(), benchmark.space.enumerated_keys()
        if not is_whole and len(keys) > _SCORED:
            some = rng_for(0, 0, "scored").choice(len(keys), _SCORED, replace=False)
            genes, keys = genes[some], keys[some]
        costs = benchmark.costs(benchmark.signal)[benchmark.rows(keys)]
        left = np.isfinite(costs) & np.isin(keys, history.keys, invert=True)
        return scores_of(predictor, genes).astype(np.float64), np.where(left, costs, np.inf)
