from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search.strategies import Strategy
from predictornas.search.weak_nas import WeakNAS
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


@dataclass
class Sum:
    """Likes high genes, with no two alike."""

    def fit(self, space: SearchSpace, genes: Genes, values: np.ndarray, **_: object) -> Sum:
        return self

    def predict(self, genes: Genes) -> np.ndarray:
        return np.asarray(genes.astype(float) @ 5.0 ** np.arange(6))


BEST = SPACE.keys(SPACE.enumerate()[np.argsort(-Sum().predict(SPACE.enumerate()))])
"""Keys, best first, without the cells that are the same as a better one."""


def history_of(keys: np.ndarray) -> History:
    genes = SPACE.enumerate()[np.isin(SPACE.enumerated_keys(), keys)]
    values = np.linspace(0, 1, len(genes))
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(len(genes)), values=values, iteration=0
    )


def test_picks_are_random_among_the_best_ranked() -> None:
    strategy = WeakNAS(Sum(), top=40)
    history = history_of(BEST[1000:1010])
    first, again, other = (strategy.propose(SPACE, history, 10, seed=seed, iteration=1) for seed in (0, 0, 1))
    assert np.isin(first.keys, BEST[:40]).all()
    assert (np.diff(first.predicted) < 0).all()  # type: ignore[arg-type]
    np.testing.assert_array_equal(first.keys, again.keys)
    assert not np.array_equal(first.keys, other.keys)
    picked = np.concatenate([strategy.propose(SPACE, history, 10, seed=s, iteration=1).keys for s in range(30)])
    assert set(picked) == set(BEST[:40])


def test_seen_ones_are_among_the_top_and_the_next_best_stand_in_where_few_are_left() -> None:
    strategy = WeakNAS(Sum(), top=40)
    proposal = strategy.propose(SPACE, history_of(BEST[:25]), 10, seed=0, iteration=1)
    assert np.isin(proposal.keys, BEST[25:40]).all()
    proposal = strategy.propose(SPACE, history_of(BEST[:35]), 10, seed=0, iteration=1)
    np.testing.assert_array_equal(proposal.keys, BEST[35:45])


def test_a_space_comes_to_its_end() -> None:
    space = SPACE.restricted_to(SPACE.enumerated_keys()[::400])
    genes = space.enumerate()
    history = History.empty(6).extended(
        keys=space.keys(genes), genes=genes, epochs=np.zeros(len(genes)), values=np.arange(len(genes)), iteration=0
    )
    assert len(WeakNAS(Sum()).propose(space, history, 5, seed=0, iteration=1)) == 0


def test_it_is_a_strategy() -> None:
    assert isinstance(WeakNAS(Sum()), Strategy)
    with pytest.raises(ConfigurationError, match="top >= 1"):
        WeakNAS(Sum(), top=0)
