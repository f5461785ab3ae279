"""The search loop: ask/tell for a user's own evaluations, and a generator that asks an oracle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.oracles.base import Evaluations, Oracle
from predictornas.plain_help import PlainHelp
from predictornas.schedulers.base import incumbent
from predictornas.search.strategies import (
    Proposal,
    Recommending,
    Starting,
    Strategy,
    for_one_run,
    propose_uniformly,
)
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace, require_members
from predictornas.threads import one_thread


class Search(metaclass=PlainHelp):
    """One run of a strategy on a space: a function of configuration, seed and what it was told.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, PredictorSearch, Search, get_space
        >>> space = get_space("nasbench201")
        >>> strategy = PredictorSearch(GaussianProcess(), Evolutionary(), pool_size=50, initial=5, batch=5)
        >>> search = Search(space, strategy, seed=0)
        >>> while len(search.history) < 15:
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, [(row == 3).mean() for row in proposal.genes])  # train and validate here
        >>> len(search.history), search.recommend().shape
        (15, (1, 6))

    Args:
        space: the space to search.
        strategy: what proposes; or the name of a method, as in `predictornas search --method`, with the preset
            "default".
        seed: seed of the run.
        history: evaluations of an interrupted run to continue from; only whole iterations.

    Raises:
        UnknownNameError: no method has this name; names the nearest.
        ConfigurationError: something that is neither a strategy nor a name.
        InvalidArchitectureError: the history holds genes that are no architecture of the space.

    Attributes:
        history: everything told so far.
        iteration: the iteration that `ask` proposes for; 0 is the random initial set T0.
    """

    def __init__(
        self, space: SearchSpace, strategy: Strategy | str, *, seed: int = 0, history: History | None = None
    ) -> None:
        self.space = space
        self.strategy = _strategy(strategy)
        self._running = for_one_run(self.strategy)
        self.seed = seed
        self.history = history if history is not None else History.empty(space.num_genes)
        require_members(space, self.history.genes)
        self.iteration = int(self.history.iterations[-1]) + 1 if len(self.history) else 0

    def ask(self, at_most: int | None = None) -> Proposal:
        """What to evaluate next: T0 first, then the strategy's choice. The same until `tell` is called.

        Args:
            at_most: what is left of a budget.

        Returns:
            A proposal; empty where the space is exhausted.
        """
        size = self.strategy.initial if self.iteration == 0 else self.strategy.batch
        size = size if at_most is None else min(size, at_most)
        with self._pinned():
            return self._asked(size, at_most)

    def _asked(self, size: int, at_most: int | None) -> Proposal:
        if self.iteration == 0 and isinstance(self.strategy, Starting):
            return self.strategy.start(self.space, size, seed=self.seed)
        if self.iteration == 0:
            rng = rng_for(self.seed, 0, "initial")
            return propose_uniformly(self.space, self.history, size, rng, by="initial")
        proposal = self._running.propose(self.space, self.history, size, seed=self.seed, iteration=self.iteration)
        return proposal if at_most is None else proposal.first(at_most)  # a scheduler may promote more than K

    def recommend(self) -> Genes:
        """What the search would name as its result, `(1, g)`.

        The strategy's opinion where it has one; else the best by the signal of those that were trained longest.

        Raises:
            ConfigurationError: nothing was told yet, or every training failed.
        """
        if not len(self.history):
            raise ConfigurationError("Nothing was evaluated yet, so there is nothing to recommend. Call tell() first.")
        row = self.opinion()
        row = incumbent(self.history) if row is None else row
        if row is None:
            raise ConfigurationError("Every training failed, so there is nothing to recommend.")
        return np.asarray(self.history.genes[row : row + 1])

    def opinion(self) -> int | None:
        """Row of the history that the strategy would name as the result; None where it goes by the signal."""
        if not isinstance(self._running, Recommending) or not len(self.history):
            return None
        with self._pinned():
            return self._running.recommend(self.space, self.history, seed=self.seed, iteration=self.iteration)

    def _pinned(self) -> AbstractContextManager[None]:
        """One thread while the strategy computes, so that what it proposes is the same in every process."""
        return one_thread() if getattr(self.strategy, "computes", True) else nullcontext()

    def tell(self, genes: Genes, values: Any, *, epochs: Any = None, costs: Any = None) -> None:
        """Adds one iteration's evaluations.

        Args:
            genes: `(k, g)`, not necessarily those that were asked for.
            values: `(k,)` accuracies (any score, higher is better).
            epochs: `(k,)` fidelity of each value; 0 by default.
            costs: `(k, m)` what a strategy for several objectives goes by, lower is better.

        Raises:
            ConfigurationError: lengths differ, or a value is not finite.
            InvalidArchitectureError: genes that are no architecture of the space; names row, gene and range.
        """
        genes = require_members(self.space, genes)
        values = np.asarray(values, np.float64)
        if values.shape != (len(genes),) or not np.isfinite(values).all():
            raise ConfigurationError(
                f"tell() takes one finite value an architecture: {len(genes)} of them, values {values.tolist()[:8]}. "
                "Leave out what failed, or give it the worst value."
            )
        epochs = np.zeros(len(genes), np.int64) if epochs is None else epochs
        keys = self.space.keys(genes)
        self.history = self.history.extended(
            keys=keys, genes=genes, epochs=epochs, values=values, iteration=self.iteration, costs=costs
        )
        self.iteration += 1


def _strategy(given: Any) -> Strategy:
    """A strategy, also from the name of a method."""
    if isinstance(given, str):
        from predictornas.search.methods import get_preset, get_strategy  # they need what a search rarely does

        return get_strategy(given, get_preset("default"))
    if not isinstance(given, Strategy):
        raise ConfigurationError(
            f"{type(given).__name__} is no strategy. Give the name of a method, such as 'bayesian-optimisation', or an "
            "object with initial, batch and propose()."
        )
    return given


@dataclass(frozen=True)
class Step:
    """One iteration that has been evaluated."""

    iteration: int
    proposal: Proposal
    evaluations: Evaluations


def iterate(search: Search, oracle: Oracle, budget: int) -> Iterator[Step]:
    """Runs a search one iteration at a time, so that logging and stopping stay with the caller.

    Example:
        >>> from predictornas import RandomSearch, Search, TabularOracle, iterate, open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> search = Search(table.space, RandomSearch(initial=3, batch=2), seed=0)
        >>> for step in iterate(search, TabularOracle(table), budget=6):
        ...     print(step.iteration, len(step.proposal), len(step.evaluations))
        0 3 3
        1 2 2
        2 1 1

    Args:
        search: the run to drive.
        oracle: answers with the signal.
        budget: evaluations in all, T0 included. Ends earlier where the space is exhausted.
    """
    while len(search.history) < budget:
        iteration = search.iteration
        proposal = search.ask(budget - len(search.history))
        if not len(proposal):
            return
        evaluations = oracle.evaluate(proposal.genes, proposal.epochs, rng_for(search.seed, iteration, "oracle"))
        search.tell(proposal.genes, evaluations.value, epochs=evaluations.epochs, costs=evaluations.costs)
        yield Step(iteration, proposal, evaluations)


def run(search: Search, oracle: Oracle, budget: int) -> History:
    """Runs a search to the end of its budget and returns its history."""
    for _ in iterate(search, oracle, budget):
        pass
    return search.history
