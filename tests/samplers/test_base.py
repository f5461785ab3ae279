from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers import base
from predictornas.samplers.base import Pool
from predictornas.spaces.registry import get_space


def pool_of(size: int, excluded: list[int] = []) -> Pool:  # noqa: B006
    keys = np.arange(size, dtype=np.uint64) + np.uint64(100)
    return Pool(np.zeros((size, 3), np.int8), keys, np.array(excluded, np.uint64) + np.uint64(100))


@pytest.mark.slow
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 50), st.data())
def test_best_equals_a_full_sort_without_the_excluded(scores: list[int], count: int, data: st.DataObject) -> None:
    excluded = sorted(data.draw(st.sets(st.integers(0, len(scores) - 1))))
    expected = sorted((row for row in range(len(scores)) if row not in excluded), key=lambda row: (-scores[row], row))
    chosen = pool_of(len(scores), excluded).best(np.array(scores, np.float32), count)
    assert chosen.tolist() == expected[:count]


def test_length_counts_what_may_be_chosen() -> None:
    assert len(pool_of(10, [3, 4])) == 8


def test_an_empty_pool_gives_nothing() -> None:
    assert pool_of(0).best(np.empty(0, np.float32), 5).tolist() == []


def test_nothing_is_excluded_or_discarded_unless_it_is_said() -> None:
    pool = pool_of(3)
    whole = Pool(pool.genes, pool.keys)
    assert (len(whole), whole.excluded.tolist(), whole.discarded) == (3, [], 0)


def test_a_sampler_that_forgets_to_return_is_named() -> None:
    class Forgetful:
        name = "forgetful"

        def propose(self, space: Any, n: int, history: Any, predictor: Any, rng: Any) -> None:
            return None

    space = get_space("nasbench201")
    with pytest.raises(
        ConfigurationError, match=r"Forgetful\.propose gave NoneType and no Pool: end it with `return Pool"
    ):
        inspect.unwrap(base.pool_of)(Forgetful(), space, 5, History.empty(6), None, np.random.default_rng(0))
