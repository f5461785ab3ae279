from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History, Pending
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.uniform import Uniform
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.local_search import neighbours
from predictornas.search.loop import Search, run
from predictornas.search.peaks import PeakExploringSearch
from predictornas.seeding import rng_for
from predictornas.spaces.registry import get_space
from predictornas.testing import check_strategy
from tests.search.examples import CountingPredictor, Trap, UnsurePredictor

SPACE = get_space("nasbench201")
PARTS: dict[str, Any] = {"predictor": UnsurePredictor(), "sampler": Evolutionary(), "pool_size": 100}


def at_a_peak(missing: int = 0) -> History:
    """31 random cells and all neighbours of the best, none of them better, but for the last ones."""
    rng = np.random.default_rng(0)
    drawn = SPACE.sample(31, rng)
    history = History.empty(6).extended(
        keys=SPACE.keys(drawn), genes=drawn, epochs=np.zeros(31), values=rng.random(31), iteration=0
    )
    genes, keys = neighbours(SPACE, history.genes[history.best(1)[0]].tobytes())
    new = np.flatnonzero(~np.isin(keys, history.keys))
    new = new[: len(new) - missing]
    return history.extended(
        keys=keys[new], genes=genes[new], epochs=np.zeros(len(new)), values=np.zeros(len(new)), iteration=1
    )


def exploring(share: float, exploring: float) -> PeakExploringSearch:
    return PeakExploringSearch(**PARTS, share=share, exploring=exploring)


def test_at_a_peak_a_share_explores_what_the_predictor_is_least_sure_of() -> None:
    """By hand: the second and the fourth of five climb, the last would too and explores."""
    history = at_a_peak()
    known = len(history)
    assert known % 5 == 0  # so that places are those of a batch's start
    search, plain = exploring(0.6, 0.2), ClimbingSearch(**PARTS, share=0.6)
    assert search.is_at_a_peak(SPACE, history)
    one, other = (each.propose(SPACE, history, 5, seed=1, iteration=3) for each in (search, plain))
    np.testing.assert_array_equal(one.keys[:4], other.keys[:4])
    pool = Uniform().propose(SPACE, 100, history, None, rng_for(1, 3, "exploration"))
    free = [row for row in range(100) if pool.keys[row] not in one.keys[:4]]
    unsure = sorted(free, key=lambda row: (-pool.genes[row, -1], row))
    assert one.keys[4] == pool.keys[unsure[0]]
    assert one.pool is not None
    assert set(pool.keys.tolist()) <= set(one.pool.keys.tolist())
    np.testing.assert_array_equal(SPACE.keys(one.genes), one.keys)


def test_it_does_not_explore_while_the_best_has_a_neighbour_left() -> None:
    history = at_a_peak(missing=1)
    search = exploring(0.6, 0.4)
    assert not search.is_at_a_peak(SPACE, history)
    assert not search.is_at_a_peak(SPACE, History.empty(6))
    one, other = (
        each.propose(SPACE, history, 10, seed=1, iteration=3) for each in (search, ClimbingSearch(**PARTS, share=0.6))
    )
    np.testing.assert_array_equal(one.keys, other.keys)
    last = np.setdiff1d(at_a_peak().keys, history.keys)
    flying = at_a_peak().genes[np.isin(at_a_peak().keys, last)]
    waiting = [Pending(int(last[0]), tuple(flying[0].tolist()), 1, None, "", 0.0)]
    assert search.is_at_a_peak(SPACE, history.with_pending(waiting))


def test_what_would_not_climb_explores_too() -> None:
    history = at_a_peak()
    one = exploring(0.0, 1.0).propose(SPACE, history, 3, seed=1, iteration=3)
    pool = Uniform().propose(SPACE, 100, history, None, rng_for(1, 3, "exploration"))
    unsure = sorted(range(100), key=lambda row: (-pool.genes[row, -1], row))
    assert one.keys.tolist() == pool.keys[unsure[:3]].tolist()


def test_who_asks_one_by_one_explores_as_much() -> None:
    search, explored = Search(SPACE, exploring(0.6, 0.2), seed=0, history=at_a_peak()), []
    for _ in range(20):
        known = len(search.history) + len(search.history.pending)
        asked = search.ask(1)
        pool = Uniform().propose(
            SPACE, 100, search.history, None, rng_for(0, search.history.pending[-1].iteration, "exploration")
        )
        explored.append((known, asked.keys[0] in pool.keys))
    assert [place for place, far in explored if far] == [known for known, _ in explored if known % 5 == 4]


def test_who_cannot_explore_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CountingPredictor cannot tell how unsure it is"):
        PeakExploringSearch(**PARTS | {"predictor": CountingPredictor()}, share=0.6, exploring=0.2)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigurationError, match=f"a share from 0 to 1, not {share}"):
            exploring(0.6, share)


@pytest.mark.slow
def test_it_leaves_a_peak_that_all_seen_speak_for() -> None:
    """More convolutions are better, and best are the few cells without: who only climbs never looks there."""
    parts: dict[str, Any] = {
        "predictor": GaussianProcess(width=4, relevances=False, degrees_of_freedom=None),
        "sampler": Evolutionary(),
        "pool_size": 100,
        "exploration": 1.0,
        "batch": 5,
        "share": 0.6,
    }
    strategies = PeakExploringSearch(**parts, exploring=0.2), ClimbingSearch(**parts)
    best = [run(Search(SPACE, strategy, seed=2), Trap(), 100).values.max() for strategy in strategies]
    assert best[0] == 2
    assert best[1] <= 1


@pytest.mark.slow
def test_it_is_a_strategy() -> None:
    check_strategy(exploring(0.6, 0.2), SPACE, score=lambda genes: genes.mean(axis=1), rng=np.random.default_rng(0))
