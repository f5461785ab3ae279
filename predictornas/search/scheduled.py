"""A strategy whose architectures are trained as a scheduler says: few epochs first, more for the promising ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from predictornas.history import History
from predictornas.remembering import remembered
from predictornas.schedulers.base import Scheduler, plan_of
from predictornas.search.strategies import (
    PredictorSearch,
    Proposal,
    Recommending,
    Strategy,
    for_one_run,
    propose_uniformly,
)
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace


@dataclass(frozen=True)
class ZeroCost:
    """Level 0: what a network says before any training, as a score of its architecture (Wang, chapter 4).

    Attributes:
        proxy: a name in `predictornas.live.proxies.PROXIES`.
        channels: of the networks that are looked at.
        cells: of the networks, as in `NetworkShape`.
        pool: random architectures ranked for each one that is taken.
    """

    proxy: str = "synflow"
    channels: int = 8
    cells: int = 1
    pool: int = 10

    def scores(self, space: SearchSpace, genes: Genes, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """`(n,)`, higher is better, of networks with fresh weights; images are random noise of 3 x 16 x 16."""
        import torch

        from predictornas.live.proxies import get_proxy
        from predictornas.live.trainable_network import NetworkShape, build_network

        proxy, shape = get_proxy(self.proxy), NetworkShape(self.channels, self.cells, classes=10)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        images = torch.randn(16, 3, 16, 16, generator=generator)
        labels = torch.randint(10, (16,), generator=generator)

        def score(row: Int8[np.ndarray, " g"]) -> float:
            network = build_network(space, row, shape, generator=generator)
            network.path_generator = generator  # of the operation `noise`
            return proxy(network, images, labels, generator)

        return np.array([score(row) for row in genes])

    def level_zero(self, space: SearchSpace, n: int, *, seed: int) -> tuple[Proposal, Float[np.ndarray, " n"]]:
        """The random pool of a run, the best score first, with its scores.

        Args:
            space: the space.
            n: architectures that are taken of it for the first level; the pool is `pool` times as large.
            seed: of the run.
        """
        return _level_zero(self, space, n, seed)


@remembered(1)  # the iterations of a run ask for the same
def _level_zero(zero_cost: ZeroCost, space: SearchSpace, n: int, seed: int) -> tuple[Proposal, Float[np.ndarray, " n"]]:
    nothing, rng = History.empty(space.num_genes), rng_for(seed, 0, "initial")
    pool = propose_uniformly(space, nothing, n * zero_cost.pool, rng, by=zero_cost.proxy)
    scores = zero_cost.scores(space, pool.genes, rng_for(seed, 0, "zero-cost"))
    order = np.argsort(-scores, kind="stable")
    return replace(pool, genes=pool.genes[order], keys=pool.keys[order]), scores[order]


@dataclass(frozen=True, kw_only=True)
class FromLevelZero(PredictorSearch):
    """A predictor search that also learns from level 0: architectures that have a zero-cost score and no training.

    They are the pool that T0 was chosen from: `Scheduled` trains the best of it, and the others stay at level 0, after
    0 epochs, until the search proposes them. How they are ordered, and what such a pair counts, the predictor's rule
    says; see `WithUntrained`.

    Args:
        zero_cost: as that of the `Scheduled` strategy around this one.
    """

    zero_cost: ZeroCost

    def learned_from(self, space: SearchSpace, history: History, *, seed: int) -> History:
        """What was evaluated, and who was not with a score."""
        pool, scores = self.zero_cost.level_zero(space, self.initial, seed=seed)
        untrained = ~np.isin(pool.keys, history.keys)
        return history.extended(
            keys=pool.keys[untrained],
            genes=pool.genes[untrained],
            epochs=np.zeros(int(untrained.sum()), np.int64),
            values=scores[untrained],
            iteration=0,
        )


def scheduler_of(strategy: Any) -> Scheduler | None:
    """The scheduler that a strategy goes by, or the strategy that it wraps; None where there is none."""
    scheduler = getattr(strategy, "scheduler", None)
    if isinstance(scheduler, Scheduler):
        return scheduler
    wrapped = getattr(strategy, "strategy", None)
    return None if wrapped is None else scheduler_of(wrapped)


@dataclass(frozen=True)
class Scheduled:
    """Promotes whom the scheduler names; where that is nobody, the strategy proposes newcomers for the first level.

    Example:
        >>> from predictornas import RandomSearch, Search, TabularOracle, iterate, open_benchmark
        >>> from predictornas.schedulers.nosh import NOSH
        >>> from predictornas.search.scheduled import Scheduled
        >>> table = open_benchmark("nasbench101-digits")
        >>> strategy = Scheduled(RandomSearch(initial=8, batch=4), NOSH((1, 3, 9)))
        >>> for step in iterate(Search(table.space, strategy, seed=0), TabularOracle(table), budget=18):
        ...     print(step.proposal.proposed_by, step.evaluations.epochs[0], len(step.evaluations))
        initial 1 8
        promotion 3 4
        promotion 9 2
        random 1 4

    Attributes:
        strategy: proposes newcomers from everything evaluated so far, at whatever level.
        scheduler: says how long each is trained.
        zero_cost: ranks a random pool for the initial set T0; None for a uniform draw.
    """

    strategy: Strategy
    scheduler: Scheduler
    zero_cost: ZeroCost | None = None

    @property
    def initial(self) -> int:
        """K0 of the strategy."""
        return self.strategy.initial

    @property
    def batch(self) -> int:
        """K of the strategy: newcomers; how many are promoted is up to the scheduler."""
        return self.strategy.batch

    @property
    def computes(self) -> bool:
        """Whether it computes anything that depends on threads; see `predictornas.search.strategies.Strategy`."""
        return self.zero_cost is not None or getattr(self.strategy, "computes", True)

    def start(self, space: SearchSpace, n: int, *, seed: int) -> Proposal:
        """T0, uniform or the best by its zero-cost score, for the first level."""
        if self.zero_cost is None:
            nothing, rng = History.empty(space.num_genes), rng_for(seed, 0, "initial")
            proposal = propose_uniformly(space, nothing, n, rng, by="initial")
        else:
            proposal = self.zero_cost.level_zero(space, n, seed=seed)[0].first(n)
        return replace(proposal, epochs=self.scheduler.entry)

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The scheduler's promotions, or else up to `n` newcomers."""
        # who is in flight waits for nothing, whatever a scheduler says of it; who failed is not trained further
        out = np.append(history.keys[history.failed], history.pending_keys)
        promoted = plan_of(self.scheduler, history).without(out)
        if len(promoted):
            row = self.recommend(space, history, seed=seed, iteration=iteration)
            return Proposal(
                promoted.genes,
                promoted.keys,
                proposed_by="promotion",
                recommended=None if row is None else int(history.keys[row]),
                epochs=promoted.epochs,
            )
        proposal = self.strategy.propose(space, history, n, seed=seed, iteration=iteration)
        return replace(proposal, epochs=self.scheduler.entry)

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """What the strategy recommends."""
        if isinstance(self.strategy, Recommending):
            return self.strategy.recommend(space, history, seed=seed, iteration=iteration)
        return None

    def for_one_run(self) -> Scheduled:
        """With the strategy as a run uses it."""
        return replace(self, strategy=for_one_run(self.strategy))
