"""Local search (White et al. 2021, "Exploring the loss landscape in neural architecture search")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool

from predictornas.history import History
from predictornas.remembering import remembered
from predictornas.samplers.collect import Distinct
from predictornas.search.strategies import Proposal, compared
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace


@dataclass(frozen=True)
class LocalSearch:
    """Evaluates the neighbours of the best architecture, in random order, one at a time.

    A neighbour that is better becomes the best at once (first improvement). Where all neighbours of the best are
    known, a local minimum, it goes on with the next-best architecture that has unseen ones; after the last of
    them, with a uniform draw. Unlike in the public code, an architecture left for a better one is not given up: its
    other neighbours have their turn when those of the better ones are exhausted.

    Example:
        >>> from predictornas import Search, get_space
        >>> from predictornas.search.local_search import LocalSearch
        >>> search = Search(get_space("nasbench201"), LocalSearch(initial=3), seed=0)
        >>> for _ in range(2):
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, proposal.genes.mean(axis=1))
        >>> best = search.history.genes[search.history.best(1)[0]]
        >>> int((search.ask().genes != best).sum())  # one gene away
        1

    Attributes:
        initial: random architectures to begin with.
    """

    initial: int = 10
    computes: ClassVar[bool] = False

    @property
    def batch(self) -> int:
        """One neighbour at a time."""
        return 1

    def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
        """`n` unseen neighbours, those of better architectures first; `proposed_by` is "uniform" without any."""
        rng = rng_for(seed, iteration, "local-search")
        found, seen, ranked = Distinct(space, history.keys), np.sort(history.keys), compared(history)
        for row in ranked.best(len(ranked)):
            if len(found) == n:
                break
            genes, keys = neighbours(space, ranked.genes[row].tobytes())
            unseen = np.flatnonzero(are_new(keys, seen))
            if len(unseen):
                found.add(genes[rng.permutation(unseen)], at_most=n - len(found))
        by = "local-search" if len(found) else "uniform"
        found.fill_uniformly(n, history, rng)
        pool = found.pool()
        return Proposal(pool.genes, pool.keys, proposed_by=by)


def are_new(keys: Keys, known: Keys) -> Bool[np.ndarray, " m"]:
    """Which keys are not among others: for few keys many times as fast as `np.isin`, which reads all that is known.

    Args:
        keys: `(m,)`, any.
        known: `(k,)`, ascending.
    """
    places = np.searchsorted(known, keys)
    inside = places < len(known)
    new = np.ones(len(keys), bool)
    new[inside] = known[places[inside]] != keys[inside]
    return new


@remembered(4096)
def neighbours(space: SearchSpace, row: bytes) -> tuple[Genes, Keys]:
    """The architectures one gene away, in normal form, each once; cached, because a search asks again and again.

    In NAS-Bench-101 a gene is an edge or an operation. Cutting an edge may cut vertices off, and to choose "absent" for
    an operation removes its vertex; no single gene adds a vertex, which takes an operation and two edges, so cells
    only shrink. The original walks on unpruned matrices, whose unused vertices an edge can bring back; a history keeps
    only what was evaluated.

    Args:
        space: the space.
        row: the bytes of one row of genes, int8.

    Returns:
        Genes `(m, g)` and keys `(m,)`, both read-only.
    """
    centre = np.frombuffer(row, np.int8)
    genes = np.repeat(centre[None], sum(space.num_choices), axis=0)
    places = np.repeat(np.arange(space.num_genes), space.num_choices)
    genes[np.arange(len(genes)), places] = np.concatenate([np.arange(count) for count in space.num_choices])
    genes = space.normalise(genes)
    genes = genes[space.valid(genes)]
    found = Distinct(space, space.keys(centre[None]))
    found.add(genes, at_most=len(genes))
    pool = found.pool()
    pool.genes.setflags(write=False)
    pool.keys.setflags(write=False)
    return pool.genes, pool.keys
