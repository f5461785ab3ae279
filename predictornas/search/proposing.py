"""What a search proposes while evaluations are in flight: T0 piece by piece, then what the strategy chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from predictornas.history import History
from predictornas.search.strategies import Proposal, Starting, Strategy, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import SearchSpace


def initial(strategy: Strategy, space: SearchSpace, size: int, *, seed: int) -> Proposal:
    """T0, the same for every method of a seed but for those that say themselves what it is."""
    if isinstance(strategy, Starting):
        return strategy.start(space, size, seed=seed)
    nothing, rng = History.empty(space.num_genes), rng_for(seed, 0, "initial")
    return propose_uniformly(space, nothing, size, rng, by="initial")


def rest_of_initial(strategy: Strategy, space: SearchSpace, history: History, size: int, *, seed: int) -> Proposal:
    """The next part of T0; then random architectures, for whoever asks before anything of T0 was told.

    The first part is drawn as if it were all, as by a search whose budget is smaller than T0.
    """
    known = np.append(history.keys, history.pending_keys)
    if not len(known):
        return initial(strategy, space, size, seed=seed)
    left = initial(strategy, space, strategy.initial, seed=seed).without(known)
    return left.first(size) if len(left) else at_random(strategy, space, history, size, seed=seed, iteration=0)


def at_random(
    strategy: Strategy, space: SearchSpace, history: History, size: int, *, seed: int, iteration: int
) -> Proposal:
    """Uniform over what is neither evaluated nor in flight, trained as T0 is."""
    nothing = np.zeros(len(history.pending))
    seen = history.extended(
        keys=history.pending_keys, genes=history.pending_genes, epochs=nothing, values=nothing, iteration=0
    )
    proposal = propose_uniformly(space, seen, size, rng_for(seed, iteration, "initial"), by="uniform")
    epochs = initial(strategy, space, strategy.initial, seed=seed).epochs if isinstance(strategy, Starting) else None
    return replace(proposal, epochs=epochs)


def chosen(
    strategy: Strategy,
    space: SearchSpace,
    history: History,
    size: int,
    *,
    seed: int,
    iteration: int,
    at_most: int | None,
) -> Proposal:
    """What the strategy chooses; random architectures where it has nothing to learn from, or nothing else is left.

    It is asked for as many more as are in flight, so that enough are left without those: any strategy that keeps its
    promises can be used so, whether it looks at `history.pending` or not.

    Args:
        strategy: as a run uses it, see `for_one_run`.
        space: the space.
        history: what was told, and what is in flight.
        size: how many are wanted.
        seed: of the run.
        iteration: 1 or more.
        at_most: cuts what a scheduler promotes, which may be more than `size`; None leaves it where nothing is in
            flight.
    """
    learned, pending = history.with_failures_last(), history.pending_keys
    if learned.failed.all():
        return at_random(strategy, space, history, size, seed=seed, iteration=iteration)
    found = strategy.propose(space, learned, size + len(pending), seed=seed, iteration=iteration)
    if not len(pending):
        return found if at_most is None else found.first(at_most)
    found = found.without(pending).first(size)
    return found if len(found) else at_random(strategy, space, history, size, seed=seed, iteration=iteration)
