from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from predictornas.history import History
from predictornas.predictors.gcn import GCN
from predictornas.samplers.base import Pool, Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.likelihood import Likelihood
from predictornas.samplers.pvll import PVLL
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.testing import ConformanceError, check_sampler

SAMPLERS: list[Sampler] = [Exhaustive(), Uniform(), Evolutionary(), Likelihood(), PVLL()]
"""Every sampler of the package."""


def evaluated(space: SearchSpace, rng: np.random.Generator) -> History:
    genes = space.sample(30, rng)
    values = genes.mean(axis=1) / 10
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.full(30, 12), values=values, iteration=0
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.name)
def test_our_samplers_keep_every_rule(sampler: Sampler, name: str, rng: np.random.Generator) -> None:
    space = get_space(name)
    space = space.restricted_to(space.enumerated_keys()[:: len(space) // 2000])
    history = evaluated(space, rng)
    predictor = GCN(width=8, training_epochs=20).fit(space, history.genes, history.values, rng=rng)
    check_sampler(sampler, space, history=history, predictor=predictor, rng=rng, n=40)


@dataclass
class Broken:
    """Uniform pools, changed by one function of (pool, space, history) after a draw."""

    change: Callable[..., Any]
    name: str = "broken"
    calls: list[int] = field(default_factory=list)

    def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> Any:
        self.calls.append(n)
        pool = Uniform().propose(space, n, history, predictor, rng)
        return self.change(pool, space, history) if len(pool) else pool


def with_first(pool: Pool, genes: np.ndarray, keys: np.ndarray) -> Pool:
    return replace(pool, genes=np.concatenate([genes, pool.genes[1:]]), keys=np.concatenate([keys, pool.keys[1:]]))


def evaluated_one(pool: Pool, space: Any, history: Any) -> Pool:
    return with_first(pool, history.genes[:1], history.keys[:1])


def invalid_one(pool: Pool, space: Any, history: Any) -> Pool:
    genes = pool.genes[:1] + np.int8(5)
    return with_first(pool, genes, space.keys(pool.genes[:1]))


def raised_values(pool: Pool, space: Any, history: Any) -> Pool:
    history.values[0] += 1
    return pool


def random_pool(pool: Pool, space: Any, history: Any) -> Pool:
    return Uniform().propose(space, len(pool), history, None, np.random.default_rng())


BROKEN: dict[str, tuple[str, Callable[..., Any]]] = {
    "no pool": ("returns a Pool", lambda pool, space, history: pool.genes),
    "invalid": ("pools hold valid rows", invalid_one),
    "keys of other rows": ("are the keys of", lambda pool, space, history: replace(pool, keys=pool.keys[::-1])),
    "twice": ("once", lambda pool, space, history: with_first(pool, pool.genes[-1:], pool.keys[-1:])),
    "evaluated": ("not proposed again", evaluated_one),
    "unevaluated excluded": (
        "are evaluated architectures",
        lambda pool, space, history: replace(pool, excluded=pool.keys[:1]),
    ),
    "too few": ("a pool holds n", lambda pool, space, history: Pool(pool.genes[1:], pool.keys[1:])),
    "more filled than there": ("Pool.filled counts", lambda pool, space, history: replace(pool, filled=41)),
    "alters the history": ("leaves the history", raised_values),
    "its own generator": ("is a function", random_pool),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_found_and_named(what: str, rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    message, change = BROKEN[what]
    with pytest.raises(ConformanceError, match=message):
        check_sampler(Broken(change), space, history=evaluated(space, rng), predictor=None, rng=rng, n=40)


class TooMany(Broken):
    def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> Any:
        return Uniform().propose(space, n + 1, history, predictor, rng)


class Stops(Broken):
    """Gives less where the space is nearly exhausted."""

    def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> Any:
        return Uniform().propose(space, n if len(space) > 1000 else 1, history, predictor, rng)


class NeedsHistory(Broken):
    def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> Any:
        return Uniform().propose(space, n if len(history) else 0, history, predictor, rng)


class TrainsThePredictor(Broken):
    def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> Any:
        predictor.fit(space, history.genes[:5], history.values[:5], rng=np.random.default_rng(len(self.calls)))
        return super().propose(space, n, history, predictor, rng)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (TooMany, "a pool holds n"),
        (Stops, "or all 3 that are left"),
        (NeedsHistory, "a pool holds n"),
        (TrainsThePredictor, "leaves the predictor"),
    ],
)
def test_what_shows_only_in_further_calls(kind: type[Broken], message: str, rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    history = evaluated(space, rng)
    predictor = GCN(width=8, training_epochs=5).fit(space, history.genes, history.values, rng=rng)
    sampler = kind(lambda pool, space, history: pool)
    with pytest.raises(ConformanceError, match=message):
        check_sampler(sampler, space, history=history, predictor=predictor, rng=rng, n=40)


def test_a_sampler_may_need_a_history(rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    sampler = NeedsHistory(lambda pool, space, history: pool)
    check_sampler(sampler, space, history=evaluated(space, rng), predictor=None, rng=rng, needs_history=True)
    with pytest.raises(ConformanceError, match="the check itself needs a history"):
        check_sampler(sampler, space, history=History.empty(6), predictor=None, rng=rng)


def test_a_sampler_has_a_name(rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    with pytest.raises(ConformanceError, match="has a name"):
        check_sampler(Uniform(name=""), space, history=evaluated(space, rng), predictor=None, rng=rng)
