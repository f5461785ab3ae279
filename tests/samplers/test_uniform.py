from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space


def seen(space: SearchSpace, count: int) -> History:
    genes = space.enumerate()[:count]
    return History.empty(space.num_genes).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(count), values=np.zeros(count), iteration=0
    )


@pytest.mark.parametrize("sampler", [Exhaustive(), Uniform()])
def test_follow_the_protocol(sampler: Sampler) -> None:
    assert isinstance(sampler, Sampler)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_uniform_gives_distinct_unseen_valid_architectures(name: str, rng: np.random.Generator) -> None:
    space = get_space(name)
    history = seen(space, 200)
    pool = Uniform().propose(space, 1000, history, None, rng)
    assert len(pool) == len(np.unique(pool.keys)) == 1000
    assert not np.isin(pool.keys, history.keys).any()
    assert space.valid(pool.genes).all()
    np.testing.assert_array_equal(pool.keys, space.keys(pool.genes))


@pytest.mark.slow
def test_uniform_is_uniform_over_what_was_not_seen() -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[:12])
    history = seen(space, 2)
    counts: dict[int, int] = dict.fromkeys(space.enumerated_keys().tolist(), 0)
    for seed in range(2000):
        for key in Uniform().propose(space, 3, history, None, np.random.default_rng(seed)).keys.tolist():
            counts[key] += 1
    assert [counts[key] for key in history.keys.tolist()] == [0, 0]
    assert stats.chisquare([count for count in counts.values() if count]).pvalue > 1e-3
    assert sum(count > 0 for count in counts.values()) == 10


def test_uniform_gives_what_is_left_of_an_exhausted_space(rng: np.random.Generator) -> None:
    whole = get_space("nasbench201")
    space = whole.restricted_to(whole.enumerated_keys()[:10])
    assert len(Uniform().propose(space, 5, seen(space, 7), None, rng)) == 3
    assert len(Uniform().propose(space, 5, seen(space, 10), None, rng)) == 0


def test_uniform_is_reproducible_from_its_generator() -> None:
    space = get_space("nasbench201")
    pools = [Uniform().propose(space, 50, seen(space, 5), None, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(pools[0].keys, pools[1].keys)


def test_exhaustive_is_the_space_itself_without_a_copy(rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    history = seen(space, 7)
    pool = Exhaustive().propose(space, 1, history, None, rng)
    assert pool.genes is space.enumerate()
    assert len(pool) == 15_625 - 7
    scores = -np.arange(len(space), dtype=np.float32)
    assert pool.best(scores, 3).tolist() == [7, 8, 9]


def test_what_was_trained_for_several_lengths_is_left_out_once(rng: np.random.Generator) -> None:
    space = get_space("nasbench201")
    history = seen(space, 7)
    longer = history.extended(
        keys=history.keys[:3], genes=history.genes[:3], epochs=[300] * 3, values=[0.1] * 3, iteration=1
    )
    assert len(Exhaustive().propose(space, 1, longer, None, rng)) == 15_625 - 7
