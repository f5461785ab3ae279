"""A strategy that knows trials made elsewhere, of the same objective: what `Search.add` is to a search, for a study."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError, DataError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.schedulers.base import plan_of
from predictornas.search.proposing import initial
from predictornas.search.scheduled import scheduler_of
from predictornas.search.strategies import Proposal, Recommending, Strategy, for_one_run, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace


@dataclass(frozen=True, eq=False)
class WithTrials(metaclass=PlainHelp):
    """A strategy that learns from trials of others too, and proposes none of them.

    They stand for as many of the initial set, and count to no budget: they are not in the history of the search.

    Example:
        >>> from predictornas import RandomSearch, Search, get_space
        >>> from predictornas.search.with_trials import WithTrials
        >>> space = get_space("nasbench201")
        >>> cells = space.sample(6, np.random.default_rng(0))
        >>> strategy = WithTrials(RandomSearch(initial=10), cells, np.arange(6) / 10, np.full(6, 200))
        >>> first = Search(space, strategy, seed=0).ask()
        >>> len(first), bool(np.isin(first.keys, space.keys(cells)).any())
        (4, False)

    Args:
        strategy: any; one with a scheduler goes by the epochs of the trials too.
        genes: `(t, g)` architectures, each once.
        values: `(t,)` on the scale of the search, higher is better; NaN where a training failed.
        epochs: `(t,)` length of each training; 0 for the oracle's own, or for a scheduler's first level.
    """

    strategy: Strategy
    genes: Genes
    values: Float[np.ndarray, " t"]
    epochs: Int[np.ndarray, " t"]

    @property
    def initial(self) -> int:
        """What is left of the initial set, or else a batch."""
        left = self.strategy.initial - len(self.genes)
        return left if left > 0 else self.strategy.batch

    @property
    def batch(self) -> int:
        """K of the strategy."""
        return self.strategy.batch

    @property
    def computes(self) -> bool:
        """Whether the strategy computes anything that depends on threads."""
        return bool(getattr(self.strategy, "computes", True))

    def start(self, space: SearchSpace, n: int, *, seed: int) -> Proposal:
        """What the initial set has beside the trials; where they are as many, what the strategy makes of them.

        Raises:
            ConfigurationError: trials of lengths that the strategy's scheduler cannot have planned.
        """
        known = self.known(space, History.empty(space.num_genes))
        scheduler = scheduler_of(self.strategy)
        if scheduler is not None:
            try:
                plan_of(scheduler, known)
            except DataError as error:
                raise ConfigurationError(f"The trials do not go with the scheduler of this search: {error}") from error
        if len(known) < self.strategy.initial:
            return initial(self.strategy, space, self.strategy.initial, seed=seed).without(known.keys).first(n)
        if known.failed.all():
            return propose_uniformly(space, known, n, rng_for(seed, 0, "initial"), by="uniform")
        proposal = self.strategy.propose(space, known, n, seed=seed, iteration=0)
        return replace(proposal.first(n), recommended=None)

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """What the strategy makes of the trials and of the history."""
        proposal = self.strategy.propose(space, self.known(space, history), n, seed=seed, iteration=iteration)
        own = proposal.recommended is not None and proposal.recommended in history
        return proposal if own else replace(proposal, recommended=None)

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """What the strategy recommends, where it is of the history and no trial."""
        if not isinstance(self.strategy, Recommending):
            return None
        row = self.strategy.recommend(space, self.known(space, history), seed=seed, iteration=iteration)
        return None if row is None or row < len(self.genes) else row - len(self.genes)

    def for_one_run(self) -> WithTrials:
        """With the strategy as a run uses it."""
        return replace(self, strategy=for_one_run(self.strategy))

    def known(self, space: SearchSpace, history: History) -> History:
        """The trials, and then the history."""
        scheduler = scheduler_of(self.strategy)
        epochs = self.epochs if scheduler is None else np.where(self.epochs == 0, scheduler.entry, self.epochs)
        trials = History.empty(space.num_genes).extended(
            keys=space.keys(self.genes), genes=self.genes, epochs=epochs, values=self.values, iteration=0
        )
        both = trials.extended(
            keys=history.keys,
            genes=history.genes,
            epochs=history.epochs,
            values=history.values,
            iteration=history.iterations,
            failures=history.failures,
        )
        return both.with_pending(history.pending).with_failures_last()
