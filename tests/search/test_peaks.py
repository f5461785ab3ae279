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


def exploring(share: float, explorations: int, every: int = 50) -> PeakExploringSearch:
    return PeakExploringSearch(**PARTS, share=share, explorations=explorations, every=every)


def most_unsure(history: History, without: list[int], *, seed: int = 1, iteration: int = 3) -> list[int]:
    """Keys of the uniform pool, the last gene first, as `UnsurePredictor` is least sure of large ones."""
    pool = Uniform().propose(SPACE, 100, history, None, rng_for(seed, iteration, "exploration"))
    free = [row for row in range(100) if pool.keys[row] not in without]
    return [int(pool.keys[row]) for row in sorted(free, key=lambda row: (-pool.genes[row, -1], row))]


def test_at_a_peak_the_first_explore_what_the_predictor_is_least_sure_of() -> None:
    history = at_a_peak()
    search, plain = exploring(0.6, 2), ClimbingSearch(**PARTS, share=0.6)
    assert search.explores(SPACE, history, 5).tolist() == [True, True, False, False, False]
    one, other = (each.propose(SPACE, history, 5, seed=1, iteration=3) for each in (search, plain))
    np.testing.assert_array_equal(one.keys[2:], other.keys[:3])  # the last two make way
    assert one.keys[:2].tolist() == most_unsure(history, one.keys[2:].tolist())[:2]
    assert one.pool is not None
    assert set(one.keys.tolist()) <= set(one.pool.keys.tolist())
    np.testing.assert_array_equal(SPACE.keys(one.genes), one.keys)


def test_the_same_peak_is_explored_again_after_a_while() -> None:
    """By hand: of four two are left after two, none after four; the next four come after ten in all."""
    history, search, plain = at_a_peak(), exploring(0.6, 4, 10), ClimbingSearch(**PARTS, share=0.6)
    far = SPACE.enumerate()[~np.isin(SPACE.keys(SPACE.enumerate()), history.keys)][:12]

    def after(count: int, value: float) -> History:
        genes, epochs = far[:count], np.zeros(count)
        values = np.full(count, value)
        return history.extended(keys=SPACE.keys(genes), genes=genes, epochs=epochs, values=values, iteration=2)

    assert search.explores(SPACE, after(2, 0.0), 5).tolist() == [True, True, False, False, False]
    assert not search.explores(SPACE, after(4, 0.0), 5).any()
    one, other = (each.propose(SPACE, after(4, 0.0), 5, seed=1, iteration=3) for each in (search, plain))
    np.testing.assert_array_equal(one.keys, other.keys)
    assert search.explores(SPACE, after(7, 0.0), 5).tolist() == [False] * 3 + [True] * 2
    assert search.explores(SPACE, after(12, 0.0), 5).tolist() == [True, True, False, False, False]
    assert not search.explores(SPACE, after(2, 2.0), 5).any()  # a better one has neighbours of its own


def test_it_does_not_explore_while_the_best_has_a_neighbour_left() -> None:
    history = at_a_peak(missing=1)
    search = exploring(0.6, 4)
    assert not search.explores(SPACE, history, 5).any()
    assert not search.explores(SPACE, History.empty(6), 5).any()
    one, other = (
        each.propose(SPACE, history, 10, seed=1, iteration=3) for each in (search, ClimbingSearch(**PARTS, share=0.6))
    )
    np.testing.assert_array_equal(one.keys, other.keys)
    last = np.setdiff1d(at_a_peak().keys, history.keys)
    flying = at_a_peak().genes[np.isin(at_a_peak().keys, last)]
    waiting = [Pending(int(last[0]), tuple(flying[0].tolist()), 1, None, "", 0.0)]
    assert search.explores(SPACE, history.with_pending(waiting), 5).tolist() == [True] * 4 + [False]


def test_what_would_not_climb_explores_too() -> None:
    history = at_a_peak()
    one = exploring(0.0, 3).propose(SPACE, history, 3, seed=1, iteration=3)
    assert one.keys.tolist() == most_unsure(history, [])[:3]


def test_who_asks_one_by_one_explores_as_much() -> None:
    search, explored = Search(SPACE, exploring(0.6, 4), seed=0, history=at_a_peak()), []
    for _ in range(10):
        asked = search.ask(1)
        iteration = search.history.pending[-1].iteration
        explored.append(asked.keys[0] in most_unsure(search.history, [], seed=0, iteration=iteration))
    assert explored == [True] * 4 + [False] * 6


def test_who_cannot_explore_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CountingPredictor cannot tell how unsure it is"):
        PeakExploringSearch(**PARTS | {"predictor": CountingPredictor()}, share=0.6, explorations=2, every=9)
    for number, every in ((-1, 50), (51, 50), (0, 0), (-2, -1)):
        with pytest.raises(ConfigurationError, match=f"no more than all, not {number} of {every}"):
            exploring(0.6, number, every)


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
    strategies = PeakExploringSearch(**parts, explorations=5, every=20), ClimbingSearch(**parts)
    best = [run(Search(SPACE, strategy, seed=2), Trap(), 100).values.max() for strategy in strategies]
    assert best[0] == 2
    assert best[1] <= 1


@pytest.mark.slow
def test_it_is_a_strategy() -> None:
    check_strategy(exploring(0.6, 2), SPACE, score=lambda genes: genes.mean(axis=1), rng=np.random.default_rng(0))
