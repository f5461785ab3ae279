"""What to evaluate next: random search, and the predictor-based search of Mauch et al. 2020 (algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import (
    ExpectingPredictor,
    FidelityPredictor,
    Predictor,
    UncertainPredictor,
    WarmStartPredictor,
    fresh,
    knows_noise,
)
from predictornas.predictors.contract import fitted_on, scores_of, spread_of
from predictornas.predictors.fidelity import FidelityRule, comparable, same_fidelity
from predictornas.samplers.base import Pool, Sampler, pool_of
from predictornas.samplers.uniform import Uniform
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace


@dataclass(frozen=True)
class Proposal:
    """Architectures to evaluate next, best first.

    Attributes:
        genes: `(k, g)`.
        keys: `(k,)`.
        proposed_by: the name of what proposed them.
        predicted: `(k,)` scores of the predictor, where one ranked them.
        pool: what they were chosen from, where a predictor ranked a pool.
        recommended: key of the evaluated architecture that the search would name as its result before this proposal;
            None where that is the best by the signal.
        epochs: how long each is to be trained in all, by a scheduler; None for the oracle's own length.
    """

    genes: Genes
    keys: Keys
    proposed_by: str
    predicted: Float[np.ndarray, " k"] | None = None
    pool: Pool | None = None
    recommended: int | None = None
    epochs: int | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def first(self, count: int) -> Proposal:
        """The first architectures alone."""
        return self._rows(slice(count))

    def without(self, keys: Keys) -> Proposal:
        """All but some architectures."""
        return self._rows(~np.isin(self.keys, keys)) if len(keys) else self

    def _rows(self, kept: Any) -> Proposal:
        predicted = None if self.predicted is None else self.predicted[kept]
        return replace(self, genes=self.genes[kept], keys=self.keys[kept], predicted=predicted)


@runtime_checkable
class Strategy(Protocol):
    """Proposes from what was seen. Frozen and stateless: a function of the history and the seed.

    What is in flight is in `history.pending`. A strategy may make use of it and need not: a search asks for as many
    more as there are in flight and leaves those out. Failures have the worst value (`History.with_failures_last`).

    A search pins everything to one thread while its strategy computes, which needs torch; a strategy with the attribute
    `computes = False` only draws and compares, and is spared that.
    """

    @property
    def initial(self) -> int:
        """K0, the size of the random initial set T0."""
        ...

    @property
    def batch(self) -> int:
        """K, architectures evaluated in each iteration."""
        ...

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """Up to `n` architectures that were not evaluated yet; none where the space is exhausted."""
        ...


@runtime_checkable
class Starting(Strategy, Protocol):
    """A strategy that says itself what the initial set T0 is; that of the others is uniform."""

    def start(self, space: SearchSpace, n: int, *, seed: int) -> Proposal:
        """Up to `n` architectures to begin with."""
        ...


@runtime_checkable
class Recommending(Strategy, Protocol):
    """A strategy that may have an opinion on what it evaluated that is better than one noisy training each."""

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """Row of the history that the search would name as its result; None where that is the best by the signal."""
        ...


@runtime_checkable
class Remembering(Strategy, Protocol):
    """A strategy that would compute the same things again in every iteration, were there not something to keep them.

    What it proposes stays a function of the history: what is kept only saves the time of computing it.
    """

    def for_one_run(self) -> Strategy:
        """What proposes the same as this strategy, and keeps what it computed until the next iteration asks."""
        ...


def for_one_run(strategy: Strategy) -> Strategy:
    """The strategy as a run uses it: with a memory of its own where the strategy has use for one."""
    return strategy.for_one_run() if isinstance(strategy, Remembering) else strategy


def propose_uniformly(space: SearchSpace, history: History, n: int, rng: np.random.Generator, by: str) -> Proposal:
    """`n` distinct unseen architectures, uniformly over the distinct ones."""
    pool = Uniform().propose(space, n, history, None, rng)
    return Proposal(pool.genes, pool.keys, proposed_by=by)


@dataclass(frozen=True)
class RandomSearch(metaclass=PlainHelp):
    """Uniform draws over the distinct architectures, without replacement.

    Example:
        >>> from predictornas import RandomSearch, Search, get_space
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=4, batch=2), seed=0)
        >>> proposal = search.ask()
        >>> proposal.proposed_by, len(proposal)
        ('initial', 4)

    Args:
        initial: K0, counted like the initial set of the other methods.
        batch: K.
    """

    initial: int = 10
    batch: int = 10
    computes: ClassVar[bool] = False

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """Uniform over what was not evaluated yet."""
        return propose_uniformly(space, history, n, rng_for(seed, iteration, "random"), by="random")


@dataclass(frozen=True)
class PredictorSearch(metaclass=PlainHelp):
    """Fit a predictor on everything seen, rank a fresh pool, take the best K (Mauch et al. 2020, algorithm 1).

    Example:
        >>> from predictornas import GCN, PredictorSearch, Search, Uniform, get_space
        >>> strategy = PredictorSearch(GCN(width=8, training_epochs=5), Uniform(), pool_size=50, initial=4, batch=2)
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> for _ in range(2):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> proposal.proposed_by, len(proposal), len(proposal.pool)
        ('uniform', 2, 50)

    Args:
        predictor: configuration of the predictor; a fresh copy is fitted in each iteration.
        sampler: draws the pool S'.
        pool_size: N'; not used by samplers that give the whole space.
        initial: K0.
        batch: K.
        warm_start: whether each fit begins with the weights of the iteration before (ours). They are a function of
            the history too: where they are not in memory, as after a resume, the earlier fits are repeated.
        exploration: standard deviations of its score by which an architecture is thought better than predicted (the
            upper confidence bound of Srinivas et al. 2010; 0 in Mauch et al.); needs a predictor that knows them.
        smoothed: whether the sampler sees what the predictor makes of the architectures that were evaluated instead
            of their signal, which is one noisy training each (ours). Then the best by prediction are the parents, and
            where the predictor knows the noise (`DenoisingPredictor`), the best by prediction is recommended.

    Raises:
        ConfigurationError: a warm start of a predictor that cannot go on from another one, or exploration with a
            predictor that does not know how unsure it is.
    """

    predictor: Predictor
    sampler: Sampler
    pool_size: int = 1000
    initial: int = 10
    batch: int = 10
    warm_start: bool = False
    exploration: float = 0.0
    smoothed: bool = False

    def __post_init__(self) -> None:
        if self.warm_start and not isinstance(self.predictor, WarmStartPredictor):
            raise ConfigurationError(
                f"{type(self.predictor).__name__} cannot start from the iteration before: it has no `starting_from`. "
                "Leave warm_start off."
            )
        if self.exploration and not isinstance(self.predictor, UncertainPredictor):
            raise ConfigurationError(
                f"{type(self.predictor).__name__} cannot tell how unsure it is: it has no `predict_std`. Set "
                "exploration to 0, or take GaussianProcess or an Ensemble."
            )

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` architectures of a fresh pool that the predictor likes best."""
        predictor = self.fitted(space, history, seed=seed, iteration=iteration)
        return self.proposal_of(predictor, space, history, n, seed=seed, iteration=iteration)

    def proposal_of(
        self, predictor: Predictor, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int
    ) -> Proposal:
        """What is proposed where the predictor of the iteration is fitted already."""
        known = scores_of(predictor, history.genes).astype(np.float64)
        shown = replace(history, values=known).latest() if self.smoothed else self.compared(history)
        pool = pool_of(self.sampler, space, self.pool_size, shown, predictor, rng_for(seed, iteration, "pool"))
        scores = scores_of(predictor, pool.genes)
        chosen = pool.best(self.hopes(predictor, history, pool.genes, scores), n)
        return Proposal(
            genes=pool.genes[chosen],
            keys=pool.keys[chosen],
            proposed_by=self.sampler.name,
            predicted=scores[chosen].astype(np.float64),
            pool=pool,
            recommended=int(history.keys[_best_of_longest(history, known)]) if self.denoises(history) else None,
        )

    def hopes(
        self, predictor: Predictor, history: History, genes: Genes, scores: Float[np.ndarray, " m"]
    ) -> Float[np.ndarray, " m"]:
        """What is gone by where architectures of these scores are chosen: the scores, or their upper bounds."""
        if not (self.exploration and isinstance(predictor, UncertainPredictor)):
            return scores
        sure = predictor
        if history.pending and isinstance(predictor, ExpectingPredictor):
            sure = predictor.expecting(history.pending_genes)
        return scores + self.exploration * spread_of(sure, genes)

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """The evaluated architecture with the highest score of a predictor that knows the noise; ties to the first.

        Where a scheduler trains some longer than others, it is one of those that were trained longest. None where the
        predictor does not know the noise: its score orders the best, which lie close together, worse than the signal.
        None too where the search is not `smoothed`: what the predictor likes best has then few neighbours among the
        evaluated, and naming it was no reliable help; see docs/results/search.md.
        """
        if not self.denoises(history):
            return None
        predictor = self.fitted(space, history, seed=seed, iteration=iteration)
        return _best_of_longest(history, scores_of(predictor, history.genes).astype(np.float64))

    def denoises(self, history: History) -> bool:
        """Whether it has an opinion on what of a history is best."""
        return len(history) > 0 and self.smoothed and knows_noise(self.predictor)

    def fitted(
        self, space: SearchSpace, history: History, *, seed: int, iteration: int, before: Predictor | None = None
    ) -> Predictor:
        """The predictor of an iteration, fitted on everything evaluated before it.

        Args:
            space: the space.
            history: everything evaluated before the iteration.
            seed: of the run.
            iteration: 1 or more.
            before: the predictor of the iteration before, for a warm start; where it is not at hand, the fits of all
                earlier iterations are repeated.
        """
        if self.warm_start and before is None:
            for past in range(1, iteration):
                before = self._fit(space, history.before(past), seed, past, before)
        return self._fit(space, history, seed, iteration, before)

    def for_one_run(self) -> Strategy:
        """With a warm start, one that keeps the latest fit, because the next one goes on from it."""
        return WarmStarted(self) if self.warm_start else self

    def learned_from(self, space: SearchSpace, history: History, *, seed: int) -> History:
        """What the predictor is fitted on: what was evaluated. A subclass may know of more; see `FromLevelZero`."""
        return history

    def _fit(
        self, space: SearchSpace, history: History, seed: int, iteration: int, before: Predictor | None
    ) -> Predictor:
        unfitted = fresh(self.predictor)
        if self.warm_start and before is not None and isinstance(unfitted, WarmStartPredictor):
            unfitted = unfitted.starting_from(before)
        known, rng = self.learned_from(space, history, seed=seed), rng_for(seed, iteration, "fit")
        return fitted_on(unfitted, space, known.genes_by_key, known.values, epochs=known.epochs, rng=rng)

    def compared(self, history: History) -> History:
        """As `compared` below, by the rule that the predictor has."""
        return compared(history, rule_of(self.predictor))


def rule_of(predictor: Predictor) -> FidelityRule:
    """How a predictor orders pairs that were trained for different lengths; one without a rule goes by "common"."""
    return predictor.fidelity_pairs if isinstance(predictor, FidelityPredictor) else "common"


def compared(history: History, rule: FidelityRule = "common") -> History:
    """Each architecture once, with values that can be compared where they were trained for different lengths.

    Args:
        history: what was evaluated; it is returned as it is where all were trained alike.
        rule: how pairs are ordered.
    """
    if same_fidelity(history.epochs):
        return history
    _, values = comparable(history.genes_by_key, history.values, history.epochs, rule)
    return replace(history.latest(), values=values)


class WarmStarted:
    """A predictor search with a warm start, in one run: it keeps the latest fit.

    Args:
        search: what to propose; everything proposed here is what it proposes.
    """

    def __init__(self, search: PredictorSearch) -> None:
        self.search = search
        self._latest: tuple[bytes, Predictor] | None = None

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
        predictor = self._fitted(space, history, seed, iteration)
        return self.search.proposal_of(predictor, space, history, n, seed=seed, iteration=iteration)

    def recommend(self, space: SearchSpace, history: History, *, seed: int, iteration: int) -> int | None:
        """See `PredictorSearch.recommend`."""
        if not self.search.denoises(history):
            return None
        predictor = self._fitted(space, history, seed, iteration)
        return _best_of_longest(history, scores_of(predictor, history.genes).astype(np.float64))

    def _fitted(self, space: SearchSpace, history: History, seed: int, iteration: int) -> Predictor:
        asked = _asked_for(history, seed, iteration)
        if self._latest is not None and self._latest[0] == asked:
            return self._latest[1]
        # a search may be told another history than the one that led here: then the kept fit is nobody's predecessor
        predecessor = _asked_for(history.before(iteration - 1), seed, iteration - 1)
        before = self._latest[1] if self._latest is not None and self._latest[0] == predecessor else None
        fitted = self.search.fitted(space, history, seed=seed, iteration=iteration, before=before)
        self._latest = asked, fitted
        return fitted


def _asked_for(history: History, seed: int, iteration: int) -> bytes:
    """What a fit depends on."""
    columns = (history.keys, history.values, history.epochs)
    return b"%d,%d," % (seed, iteration) + b"".join(column.tobytes() for column in columns)


def _best_of_longest(history: History, scores: Float[np.ndarray, " n"]) -> int:
    """Row of the best score among the longest trainings that succeeded; of all that have a value where none did."""
    longest = history.longest()
    rows = longest if len(longest) else np.flatnonzero(~history.failed)
    return int(rows[scores[rows].argmax()])
