"""NAS-BOWL (Ru, Wan et al. 2021): a process with a Weisfeiler-Lehman kernel and the expected improvement."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from predictornas.history import History
from predictornas.predictors.base import fresh
from predictornas.predictors.weisfeiler_lehman import WeisfeilerLehmanProcess
from predictornas.samplers.base import Sampler, pool_of
from predictornas.samplers.mutants_of_best import MutantsOfBest
from predictornas.search.strategies import Proposal, compared
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class NASBOWL:
    """Fit the process, draw mutants of the best and as many uniform candidates, take the most expected improvement.

    What is improved on is the target of the evaluated architecture that the process thinks best, as in the public
    code. Two faults of that code are not repeated: the sign of a determinant, see `WeisfeilerLehmanProcess`, and tests
    of isomorphism that ignore operations, which drop mutants that differ in them from everything seen.

    Example:
        >>> from predictornas import Search, get_space
        >>> from predictornas.search.nas_bowl import NASBOWL
        >>> search = Search(get_space("nasbench101"), NASBOWL(initial=6, batch=3), seed=0)
        >>> for _ in range(2):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, 0.9 + proposal.genes.mean(axis=1) / 100)
        >>> len(search.history), proposal.proposed_by, len(proposal.pool)
        (9, 'nas-bowl', 100)

    Attributes:
        predictor: configuration of the process; a fresh copy is fitted in each iteration.
        sampler: draws the candidates: five mutants of each of the ten best.
        pool_size: candidates in an iteration, filled up uniformly.
        initial: K0.
        batch: K.
    """

    predictor: WeisfeilerLehmanProcess = field(default_factory=WeisfeilerLehmanProcess)
    sampler: Sampler = field(default_factory=lambda: MutantsOfBest(mutants=50, parents=10, each=5, rate=0.15))
    pool_size: int = 100
    initial: int = 30
    batch: int = 5

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """The `n` candidates from which most improvement is expected, best first."""
        process = fresh(self.predictor).fit(
            space, history.genes_by_key, history.values, epochs=history.epochs, rng=rng_for(seed, iteration, "fit")
        )
        size, shown = max(self.pool_size, n), compared(history, self.predictor.fidelity_pairs)
        pool = pool_of(self.sampler, space, size, shown, process, rng_for(seed, iteration, "pool"))
        scores = process.predict(pool.genes)
        best = process.targets_[process.predict(process.genes_).argmax()]
        chosen = pool.best(expected_improvement(scores, process.predict_std(pool.genes), best), n)
        return Proposal(
            genes=pool.genes[chosen],
            keys=pool.keys[chosen],
            proposed_by="nas-bowl",
            predicted=scores[chosen],
            pool=pool,
        )


def expected_improvement(
    mean: Float[np.ndarray, " n"], std: Float[np.ndarray, " n"], best: float
) -> Float[np.ndarray, " n"]:
    """How much normal values of these means and deviations exceed the best in the mean, those below it counting 0.

    Source: Jones et al. 1998, eq. 15.

    Example:
        >>> import numpy as np
        >>> expected_improvement(np.array([0.0]), np.array([1.0]), 0.0).round(4).item()  # 1 / sqrt(2 pi)
        0.3989

    Args:
        mean: `(n,)` of the posterior.
        std: `(n,)` of the posterior, > 0.
        best: what is improved on.
    """
    gap = (mean - best) / std
    density = np.exp(-np.square(gap) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(std * (density + gap * ndtr(gap)))
