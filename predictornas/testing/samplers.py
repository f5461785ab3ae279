"""Checks that a sampler keeps every rule of the `Sampler` protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from predictornas.history import History
from predictornas.predictors.base import Predictor
from predictornas.samplers.base import Pool, Sampler
from predictornas.spaces.base import SearchSpace
from predictornas.testing.conformance import attempt, copied, require, require_array, require_rows, twice

_LEFT = 3  # architectures that a nearly exhausted space still holds


def check_sampler(
    sampler: Sampler,
    space: SearchSpace,
    *,
    history: History,
    predictor: Predictor | None,
    rng: np.random.Generator,
    n: int = 100,
    needs_history: bool = False,
) -> None:
    """Checks every rule of `Sampler`.

    Args:
        sampler: the sampler.
        space: the space it draws from.
        history: distinct architectures of the space, at least one, with their values.
        predictor: fitted on the history; None for a sampler that asks none.
        rng: the only source of randomness.
        n: wanted size of the pools, >= 1.
        needs_history: whether the sampler may refuse an empty history.

    Raises:
        ConformanceError: a rule is broken; names the rule, the architecture and the remedy.
    """
    good = isinstance(sampler, Sampler) and isinstance(sampler.name, str) and bool(sampler.name)
    require(good, "a sampler has a name and propose()", type(sampler).__name__, "add them")
    require(len(history) > 0, "the check itself needs a history", "an empty one", "evaluate some architectures first")
    before = copied(history)
    probe = space.sample(20, rng)
    scores = None if predictor is None else np.array(predictor.predict(probe))
    pool, again = twice(lambda same: _pool(sampler, space, n, history, predictor, same), rng)
    check_pool(pool, space, history, n)
    rule = "propose() is a function of its arguments and the generator"
    require(
        np.array_equal(pool.keys, again.keys), rule, "two pools from one state", "draw from `rng` alone, keep no state"
    )
    same = all(np.array_equal(new, old) for new, old in zip(copied(history), before, strict=True))
    require(same, "propose() leaves the history as it is", "altered arrays", "work on copies")
    if predictor is not None and scores is not None:
        rule = "propose() leaves the predictor as it is"
        require(
            np.array_equal(predictor.predict(probe), scores), rule, "other scores", "do not train what is handed in"
        )
    check_exhaustion(sampler, space, history, predictor, rng, n)
    if not needs_history:
        empty = History.empty(space.num_genes)
        check_pool(_pool(sampler, space, n, empty, predictor, rng), space, empty, n)


def check_pool(pool: Any, space: SearchSpace, history: History, n: int) -> None:
    """A pool holds `n` distinct, valid architectures that were not evaluated, or all that are left.

    A pool that is the whole space may ignore `n`.
    """
    require(isinstance(pool, Pool), "propose() returns a Pool", type(pool).__name__, "see samplers.base.Pool")
    genes, keys = pool.genes, pool.keys
    require_array(genes, np.int8, (len(keys), space.num_genes), "Pool.genes")
    require_array(keys, np.uint64, (len(genes),), "Pool.keys")
    require_rows(space.valid(genes), space, genes, "pools hold valid rows", "normalise, then drop what is not valid")
    require_rows(space.keys(genes) == keys, space, genes, "Pool.keys are the keys of Pool.genes", "keep them together")
    distinct = np.isin(np.arange(len(keys)), np.unique(keys, return_index=True)[1])
    require_rows(distinct, space, genes, "pools hold each architecture once", "drop repeated keys")
    allowed = np.isin(pool.excluded, keys) & np.isin(pool.excluded, history.keys)
    rule = "Pool.excluded are evaluated architectures inside the pool"
    good = bool(allowed.all()) and len(np.unique(pool.excluded)) == len(pool.excluded)
    require(good, rule, f"{int((~allowed).sum())} others, or repetitions", "exclude history.keys that are in the pool")
    fresh = ~np.isin(keys, history.keys) | np.isin(keys, pool.excluded)
    remedy = "leave out history.keys, or name them in Pool.excluded"
    require_rows(fresh, space, genes, "what was evaluated is not proposed again", remedy)
    rule = "Pool.filled counts members of the pool, or is None"
    require(pool.filled is None or 0 <= pool.filled <= len(pool), rule, pool.filled, "let samplers.collect count")
    left = len(space) - int(np.isin(history.keys, space.enumerated_keys()).sum())
    wanted = left if len(keys) == len(space) else min(n, left)
    rule = f"a pool holds n = {n} architectures, or all {left} that are left"
    require(len(pool) == wanted, rule, len(pool), "cut what is too much, and fill up with Uniform().propose")


def check_exhaustion(
    sampler: Sampler,
    space: SearchSpace,
    history: History,
    predictor: Predictor | None,
    rng: np.random.Generator,
    n: int,
) -> None:
    """The sampler ends, with all that is left, where everything or nearly everything was evaluated."""
    unseen = space.sample(_LEFT + len(history), rng)
    unseen = unseen[~np.isin(space.keys(unseen), history.keys)][:_LEFT]
    for extra in (unseen[:0], unseen):
        part = space.restricted_to(np.concatenate([history.keys, space.keys(extra)]))
        check_pool(_pool(sampler, part, n, history, predictor, rng), part, history, n)


def _pool(
    sampler: Any, space: SearchSpace, n: int, history: History, predictor: Predictor | None, rng: np.random.Generator
) -> Any:
    rule = f"propose() takes a history of {len(history)} evaluations in a space of {len(space):,}"
    remedy = "see Sampler.propose; or check with needs_history, where it is empty"
    return attempt(rule, remedy, sampler.propose, space, n, history, predictor, rng)
