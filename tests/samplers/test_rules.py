"""What every sampler owes its callers, on many proposals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from predictornas.history import History
from predictornas.samplers.base import Pool, Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.likelihood import Likelihood
from predictornas.samplers.pvll import PVLL
from predictornas.samplers.uniform import Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space


@dataclass(frozen=True)
class Case:
    """A sampler, and pools drawn on NAS-Bench-101 and on NAS-Bench-201: 100,000 proposals where that is quick."""

    sampler: Sampler
    pools: int
    size: int
    total: int = 100_000


CASES = [
    Case(Uniform(), pools=10, size=10_000),
    Case(Evolutionary(), pools=20, size=5000),
    Case(Likelihood(), pools=4, size=5000, total=20_000),
    Case(PVLL(), pools=10, size=100, total=1000),
]


class Linear:
    """A predictor with a slope for each choice of each gene: gradients that cost nothing."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        shape = (space.num_genes, max(space.num_choices))
        self._space = space
        self._slopes = torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))

    def fit(self, space, genes, values, *, epochs=None, rng):
        return self

    def predict(self, genes):
        return self.relaxed(torch.from_numpy(self._space.sequences(genes))).numpy()

    def relaxed(self, sequences):
        return (sequences * self._slopes).sum((1, 2))


def named(case: Case) -> str:
    return f"{case.sampler.name}-{case.size}"


def history_of(space: SearchSpace, count: int, seed: int) -> History:
    """`count` random architectures with random values."""
    rng = np.random.default_rng(seed)
    genes = space.sample(count, rng)
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(count), values=rng.random(count), iteration=0
    )


def propose(case: Case, space: SearchSpace, n: int, history: History, seed: int) -> Pool:
    return case.sampler.propose(space, n, history, Linear(space, seed), np.random.default_rng(seed))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
@pytest.mark.parametrize("share", [pytest.param(1, marks=pytest.mark.thorough), 4], ids=["all", "a quarter"])
def test_many_proposals_obey_the_rules(share: int, name: str, case: Case) -> None:
    space = get_space(name)
    members = np.sort(space.enumerated_keys())
    pools, proposed = case.pools // share, 0
    for seed in range(pools):
        history = history_of(space, 4 + 3 * seed, seed)
        pool = propose(case, space, case.size, history, seed)
        assert len(pool) == len(np.unique(pool.keys)) == case.size
        assert not np.isin(pool.keys, history.keys).any()
        assert space.valid(pool.genes).all()
        np.testing.assert_array_equal(pool.keys, space.keys(pool.genes))
        assert (members[np.searchsorted(members, pool.keys).clip(0, len(members) - 1)] == pool.keys).all()
        proposed += len(pool)
    assert proposed == pools * case.size >= (case.total if share == 1 else 100)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize(
    ("name", "seen"), [("nasbench101", 60), ("nasbench201", 60), ("nasbench201", 79), ("nasbench201", 80)]
)
def test_a_pool_ends_with_all_that_an_exhausted_space_has_left(name: str, seen: int, case: Case) -> None:
    whole = get_space(name)
    rows = np.random.default_rng(0).choice(len(whole), size=80, replace=False)
    space = whole.restricted_to(whole.enumerated_keys()[rows])
    history = history_of(space, seen, 1)
    pool = propose(case, space, 50, history, 2)
    assert sorted([*pool.keys.tolist(), *history.keys.tolist()]) == sorted(space.enumerated_keys().tolist())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_pools_are_a_function_of_history_and_seed(name: str, case: Case) -> None:
    space = get_space(name)
    first, again, other = (propose(case, space, 500, history_of(space, 50, 1), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.genes, again.genes)
    np.testing.assert_array_equal(first.keys, again.keys)
    assert (first.keys != other.keys).any()


@pytest.mark.parametrize("case", CASES, ids=named)
def test_no_proposals_are_wanted(case: Case) -> None:
    space = get_space("nasbench201")
    assert len(propose(case, space, 0, history_of(space, 20, 1), 0)) == 0
