"""Checks that a strategy keeps every rule of the `Strategy` protocols."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.history import History
from predictornas.search.strategies import Proposal, Recommending, Starting, Strategy, for_one_run, propose_uniformly
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.testing.conformance import attempt, copied, require, require_array, require_described, require_rows

Score = Callable[[Genes], Float[np.ndarray, " n"]]
"""`(n,)` accuracies, fractions, of `(n, g)` genes."""

_EPOCHS = 12
_LEFT = 3  # architectures that a nearly exhausted space still holds


def check_strategy(
    strategy: Strategy,
    space: SearchSpace,
    *,
    score: Score,
    rng: np.random.Generator,
    iterations: int = 3,
) -> None:
    """Checks every rule of `Strategy`, and of `Starting` and `Recommending` where they apply.

    Args:
        strategy: the strategy; configure it so that an iteration takes a second or less.
        space: a space that can be listed, of many more architectures than are evaluated here.
        score: what an architecture is worth; stands for its training.
        rng: the only source of randomness.
        iterations: of a search, after its initial set.

    Raises:
        ConformanceError: a rule is broken; names the rule, the architecture and the remedy.
    """
    check_sizes(strategy)
    require_described(strategy, "a strategy")
    rule = "a strategy reaches other processes by pickle"
    again = pickle.loads(attempt(rule, "hold no lambdas, locks or open files", pickle.dumps, strategy))
    seed = int(rng.integers(2**31))
    history = _begun(strategy, space, score, seed)
    running = for_one_run(strategy)
    for iteration in range(1, iterations + 1):
        proposal = check_proposal(strategy, space, history, seed=seed, iteration=iteration)
        for what, other in (("a copy in another process", again), ("what runs a whole search", running)):
            same = _same(proposal, _proposed(other, space, history, strategy.batch, seed, iteration))
            rule = f"propose() is a function of space, history, seed and iteration: {what} proposes the same"
            require(same, rule, "another proposal", "keep nothing from call to call that changes what is proposed")
        check_recommendation(strategy, space, history, seed=seed, iteration=iteration)
        history = _evaluated(history, space, proposal, score, iteration)
    check_exhaustion(strategy, space, history, rng, seed=seed)


def check_sizes(strategy: Any) -> None:
    """A strategy says how many architectures it wants at first and in each iteration."""
    good = isinstance(strategy, Strategy)
    require(good, "a strategy has initial, batch and propose()", type(strategy).__name__, "add them")
    for name in ("initial", "batch"):
        size = getattr(strategy, name)
        require(isinstance(size, int) and size >= 1, f"{name} is a whole number, at least 1", size, f"correct {name}")


def check_proposal(strategy: Strategy, space: SearchSpace, history: History, *, seed: int, iteration: int) -> Proposal:
    """A proposal holds up to n architectures worth an evaluation, and is the same whenever it is asked for."""
    before = copied(history)
    proposal: Proposal = _proposed(strategy, space, history, strategy.batch, seed, iteration)
    check_rows(proposal, space, history, strategy.batch)
    same = all(np.array_equal(new, old) for new, old in zip(copied(history), before, strict=True))
    require(same, "propose() leaves the history as it is", "altered arrays", "work on copies")
    _proposed(strategy, space, history, strategy.batch, seed + 1, iteration)
    again = _proposed(strategy, space, History(*before), strategy.batch, seed, iteration)
    rule = "propose() is a function of space, history, seed and iteration, whatever was asked before"
    require(_same(proposal, again), rule, "another proposal", "draw from seeding.rng_for(seed, iteration, ...)")
    return proposal


def check_rows(proposal: Any, space: SearchSpace, history: History, n: int) -> None:
    """Valid, distinct, new (or trained longer than before), as many as there are places, signed."""
    require(isinstance(proposal, Proposal), "propose() returns a Proposal", type(proposal).__name__, "see Proposal")
    genes, keys = proposal.genes, proposal.keys
    require_array(genes, np.int8, (len(keys), space.num_genes), "Proposal.genes")
    require_array(keys, np.uint64, (len(genes),), "Proposal.keys")
    require_rows(space.valid(genes), space, genes, "proposals are valid", "normalise, then drop what is not valid")
    require_rows(
        space.keys(genes) == keys, space, genes, "Proposal.keys are the keys of its genes", "keep them together"
    )
    distinct = np.isin(np.arange(len(keys)), np.unique(keys, return_index=True)[1])
    require_rows(distinct, space, genes, "a proposal holds each architecture once", "drop repeated keys")
    length = _EPOCHS if proposal.epochs is None else proposal.epochs
    done = history.keys[history.epochs >= length]
    remedy = "leave out history.keys, but for longer trainings"
    require_rows(~np.isin(keys, done), space, genes, "what was evaluated is not proposed again", remedy)
    newcomers = int((~np.isin(keys, history.keys)).sum())
    require(newcomers <= n, f"a proposal holds at most n = {n} new architectures", newcomers, "cut what is too much")
    left = len(space) - int(np.isin(history.keys, space.enumerated_keys()).sum())
    rule = "something is proposed as long as anything is left"
    require(len(proposal) > 0 or not left, rule, f"nothing, and {left} are left", "fill up with propose_uniformly")
    signed = isinstance(proposal.proposed_by, str) and bool(proposal.proposed_by)
    require(signed, "proposed_by names who proposes", repr(proposal.proposed_by), "give a name")
    if proposal.predicted is not None:
        require_array(proposal.predicted, np.floating, (len(genes),), "Proposal.predicted")
    named = proposal.recommended is None or proposal.recommended in history
    require(named, "recommended is the key of an evaluated architecture, or None", proposal.recommended, "see Proposal")


def check_recommendation(
    strategy: Strategy, space: SearchSpace, history: History, *, seed: int, iteration: int
) -> None:
    """A recommendation is a row of the history, the same at every call."""
    if not isinstance(strategy, Recommending):
        return
    rows = [strategy.recommend(space, history, seed=seed, iteration=iteration) for _ in range(2)]
    inside = rows[0] is None or (isinstance(rows[0], int) and 0 <= rows[0] < len(history))
    require(inside, "recommend() returns a row of the history, or None", rows[0], "return int(row)")
    require(rows[0] == rows[1], "recommend() is a function of its arguments", rows, "keep no state")


def check_exhaustion(
    strategy: Strategy, space: SearchSpace, history: History, rng: np.random.Generator, *, seed: int
) -> None:
    """Where everything or nearly everything was evaluated, all that is left is proposed, then nothing."""
    unseen = space.sample(_LEFT + len(history), rng)
    unseen = unseen[~np.isin(space.keys(unseen), history.keys)][:_LEFT]
    iteration = int(history.iterations[-1]) + 1
    for extra in (unseen, unseen[:0]):
        part = space.restricted_to(np.concatenate([history.keys, space.keys(extra)]))
        proposal = _proposed(strategy, part, history, strategy.batch, seed, iteration)
        check_rows(proposal, part, history, strategy.batch)


def _begun(strategy: Strategy, space: SearchSpace, score: Score, seed: int) -> History:
    """The history of the initial set T0, by the strategy where it says what that is."""
    nothing = History.empty(space.num_genes)
    if isinstance(strategy, Starting):
        first, again = (strategy.start(space, strategy.initial, seed=seed) for _ in range(2))
        check_rows(first, space, nothing, strategy.initial)
        rule = "start() is a function of its arguments"
        require(_same(first, again), rule, "another set", "draw from seeding.rng_for(seed, 0, ...)")
    else:
        first = propose_uniformly(space, nothing, strategy.initial, rng_for(seed, 0, "initial"), by="initial")
    return _evaluated(nothing, space, first, score, 0)


def _proposed(strategy: Any, space: SearchSpace, history: History, n: int, seed: int, iteration: int) -> Any:
    rule = f"propose() takes a history of {len(history)} evaluations in a space of {len(space):,}"
    return attempt(rule, "see Strategy.propose", strategy.propose, space, history, n, seed=seed, iteration=iteration)


def _same(one: Proposal, other: Proposal) -> bool:
    return np.array_equal(one.keys, other.keys) and one.epochs == other.epochs


def _evaluated(history: History, space: SearchSpace, proposal: Proposal, score: Score, iteration: int) -> History:
    epochs = np.full(len(proposal), _EPOCHS if proposal.epochs is None else proposal.epochs)
    genes = proposal.genes
    values = score(genes)
    return history.extended(keys=space.keys(genes), genes=genes, epochs=epochs, values=values, iteration=iteration)
