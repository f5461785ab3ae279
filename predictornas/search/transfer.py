"""A search that begins with what a prior ranks first: another data set, or a score without training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import cast

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.transferring import Prior, TransferProcess, fitted
from predictornas.samplers.collect import Distinct
from predictornas.search.strategies import PredictorSearch, Proposal, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace

_CANDIDATES = 1000
"""Random architectures among which, and among its own, a prior names its best."""


@dataclass(frozen=True)
class TransferSearch(metaclass=PlainHelp):
    """A predictor search that knows how others rank: trials of another data set, or training-free scores (ours).

    Only ranks within each prior count, never its values. A part of the initial set is what the priors think best; the
    rest is random as ever and tells how far they can be trusted. What is proposed later comes from a process that
    learns what they leave unexplained, see `TransferProcess`. Trials of the objective itself belong into `Search.add`.

    Example:
        >>> from predictornas import Search, get_space
        >>> from predictornas.predictors.transferring import Prior
        >>> from predictornas.search.building import bayesian_optimisation
        >>> from predictornas.search.transfer import TransferSearch
        >>> space = get_space("nasbench201")
        >>> cells = space.sample(40, np.random.default_rng(0))
        >>> prior = Prior(cells, 100.0 * (cells == 3).sum(axis=1))  # of another data set
        >>> search = Search(space, TransferSearch(bayesian_optimisation(10, 10), (prior,)), seed=0)
        >>> first = search.ask()
        >>> len(first), bool((first.genes == 3).sum(axis=1).max() >= 4)
        (10, True)

    Args:
        strategy: the search; its predictor is a Gaussian process.
        priors: one or more, each ranked by itself.
        share: of the initial set that comes from the priors, 0 to 1.

    Raises:
        ConfigurationError: another strategy, or a predictor without a transfer; no prior; another share.
    """

    strategy: PredictorSearch
    priors: tuple[Prior, ...]
    share: float = 0.3

    def __post_init__(self) -> None:
        predictor = self.strategy.predictor if isinstance(self.strategy, PredictorSearch) else self.strategy
        if type(predictor) is not GaussianProcess:
            raise ConfigurationError(
                f"{type(predictor).__name__} cannot learn from others: only a search with the plain "
                "GaussianProcess can. Take bayesian-optimisation, or a sampler with @gp."
            )
        if not self.priors or not 0 <= self.share <= 1:
            raise ConfigurationError(
                f"A transfer needs a prior, and a share of the initial set from 0 to 1; got {len(self.priors)} "
                f"priors and {self.share}."
            )

    @property
    def initial(self) -> int:
        """K0 of the search."""
        return self.strategy.initial

    @property
    def batch(self) -> int:
        """K of the search."""
        return self.strategy.batch

    def start(self, space: SearchSpace, n: int, *, seed: int) -> Proposal:
        """T0: what the priors think best, by turns with what a search without them begins with."""
        nothing, rng = History.empty(space.num_genes), rng_for(seed, 0, "initial")
        random = propose_uniformly(space, nothing, self.initial, rng, by="initial")
        places = self.share * np.arange(1, len(random) + 1) - 1e-9
        informed = np.flatnonzero(np.ceil(places) > np.ceil(places - self.share))
        liked = self._liked(space, random.keys, len(informed), rng_for(seed, 0, "candidates"))
        rest = random.genes[: len(random) - len(liked)]
        genes = np.insert(rest, informed[: len(liked)] - np.arange(len(liked)), liked, axis=0)
        return Proposal(genes, space.keys(genes), proposed_by="initial").first(n)

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """As the search, with what the priors say."""
        return self._informed.propose(space, history, n, seed=seed, iteration=iteration)

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """As the search, with what the priors say."""
        return self._informed.recommend(space, history, seed=seed, iteration=iteration)

    @cached_property
    def _informed(self) -> PredictorSearch:
        return replace(self.strategy, predictor=TransferProcess.of(self._process, self.priors))

    @property
    def _process(self) -> GaussianProcess:
        return cast("GaussianProcess", self.strategy.predictor)  # as was checked

    def _liked(self, space: SearchSpace, taken: Keys, count: int, rng: np.random.Generator) -> Genes:
        """`(<= count, g)`, the best of each prior by turns, its own trials and random ones among them."""
        drawn = space.sample(_CANDIDATES, rng)
        ranked = []
        for prior in self.priors:
            candidates = np.concatenate([prior.genes, drawn])
            scores = fitted(prior, space, self._process).predict(candidates)
            ranked.append(candidates[np.argsort(-scores, kind="stable")])
        by_turns = [row for rows in zip_longest(*ranked) for row in rows if row is not None]
        found = Distinct(space, taken)
        found.add(np.array(by_turns, np.int8).reshape(-1, space.num_genes), at_most=count)
        return found.pool().genes
