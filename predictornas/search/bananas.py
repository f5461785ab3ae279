"""BANANAS (White et al. 2021): an ensemble on path encodings and independent Thompson sampling near the best cell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.path_network import PathEnsemble
from predictornas.samplers.mutants_of_best import MutantsOfBest
from predictornas.search.strategies import Proposal, compared
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class BANANAS:
    """Fit the ensemble, draw one value for each candidate from N(mean, std) of its members, evaluate the best draws.

    Candidates are mutants of the best architecture by the signal: as many are drawn as are wanted, and where some were
    seen before, the next best architectures follow, `parents` at most (as the public code does). Uniform draws
    fill the pool up and add `uniform` more. Mutants come from `SearchSpace.mutate` with one rate for edges and
    operations (the public code flips 1 of 21 edges and redraws 1 of 5 operations in the mean).

    Of the errors found in public code around this method none is repeated: a fresh ensemble starts from zero
    gradients, the predictions decide which candidates are evaluated, and two cells are the same when they are
    isomorphic, not when they have the same paths, which leaves out cells never evaluated.

    Example:
        >>> from predictornas import Search, get_space
        >>> from predictornas.search.bananas import BANANAS
        >>> from predictornas.predictors.path_network import PathEnsemble
        >>> strategy = BANANAS(PathEnsemble(members=2, layers=2, training_epochs=2), initial=5, batch=3)
        >>> search = Search(get_space("nasbench201"), strategy, seed=0)
        >>> for _ in range(2):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1) / 4)
        >>> len(search.history), proposal.proposed_by, len(proposal.pool)
        (8, 'bananas', 200)

    Attributes:
        predictor: configuration of the ensemble; a fresh copy is fitted in each iteration.
        mutants: wanted mutants in a pool.
        uniform: uniform draws in a pool.
        parents: how many of the best may have mutants.
        rate: probability with which each gene is mutated (ours).
        initial: K0.
        batch: K.

    Raises:
        ConfigurationError: a value out of range.
    """

    predictor: PathEnsemble = field(default_factory=PathEnsemble)
    mutants: int = 100
    uniform: int = 100
    parents: int = 5
    rate: float = 0.1
    initial: int = 10
    batch: int = 10

    def __post_init__(self) -> None:
        if min(self.mutants, self.uniform) < 0 or self.parents < 1 or not 0 < self.rate <= 1:
            raise ConfigurationError(
                "BANANAS needs mutants >= 0, uniform >= 0, parents >= 1 and 0 < rate <= 1, "
                f"not {self.mutants}, {self.uniform}, {self.parents} and {self.rate}."
            )

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` candidates with the best draws, best first."""
        predictor = replace(self.predictor).fit(
            space, history.genes_by_key, history.values, epochs=history.epochs, rng=rng_for(seed, iteration, "fit")
        )
        shown = compared(history, self.predictor.fidelity_pairs)
        sampler = MutantsOfBest(self.mutants, self.parents, rate=self.rate)
        size = max(self.mutants + self.uniform, n)
        pool = sampler.propose(space, size, shown, None, rng_for(seed, iteration, "pool"))
        of_members = predictor.predict_members(pool.genes)
        mean = of_members.mean(axis=0)
        draws = rng_for(seed, iteration, "thompson").normal(mean, of_members.std(axis=0))
        chosen = pool.best(draws, n)
        return Proposal(
            genes=pool.genes[chosen],
            keys=pool.keys[chosen],
            proposed_by="bananas",
            predicted=mean[chosen],
            pool=pool,
        )
