from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History, Pending
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.search.climbing import ClimbingSearch
from predictornas.search.local_search import neighbours
from predictornas.search.loop import Search, run
from predictornas.search.sharing import places_of
from predictornas.search.strategies import PredictorSearch, Proposal
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.testing import check_strategy
from tests.search.examples import CountingOracle, CountingPredictor

SPACE = get_space("nasbench201")

PARTS = {"predictor": CountingPredictor(), "sampler": Evolutionary(), "pool_size": 100}


def searches(share: float) -> tuple[ClimbingSearch, PredictorSearch]:
    """One that climbs and one that does not, else the same."""
    return ClimbingSearch(**PARTS, share=share), PredictorSearch(**PARTS)  # type: ignore[arg-type]


def evaluated(count: int) -> History:
    """Random cells whose signal is not what the predictor learns: it likes others."""
    rng = np.random.default_rng(0)
    genes = SPACE.sample(count, rng)
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(count), values=rng.random(count), iteration=0
    )


HISTORY = evaluated(30)
LEARNED = CountingPredictor().fit(SPACE, HISTORY.genes, HISTORY.values, rng=np.random.default_rng(0))


def both(share: float, n: int, history: History = HISTORY) -> tuple[Proposal, Proposal]:
    one, other = (search.propose(SPACE, history, n, seed=1, iteration=3) for search in searches(share))
    return one, other


def unseen_around(row: int, taken: set[int]) -> list[list[int]]:
    """By hand: a cell's neighbours that are not taken, by the score of the predictor, ties in their order."""
    genes, keys = neighbours(SPACE, HISTORY.genes[row].tobytes())
    free = [gene for gene, key in zip(genes, keys.tolist(), strict=True) if key not in taken]
    scores = LEARNED.predict(np.array(free))
    return [free[place].tolist() for place in np.argsort(-scores, kind="stable")]


def test_the_others_are_those_of_a_search_that_does_not_climb() -> None:
    climbing, plain = both(0.6, 5)
    kept = [0, 2]
    np.testing.assert_array_equal(climbing.keys[kept], plain.keys[:2])
    assert climbing.predicted is not None
    assert plain.predicted is not None
    np.testing.assert_array_equal(climbing.predicted[kept], plain.predicted[:2])
    np.testing.assert_array_equal(climbing.predicted, LEARNED.predict(climbing.genes))
    np.testing.assert_array_equal(SPACE.keys(climbing.genes), climbing.keys)
    assert len(set(climbing.keys.tolist())) == 5


def test_they_climb_from_the_best_by_the_signal_to_what_the_predictor_likes_best() -> None:
    climbing, plain = both(0.6, 5)
    best = int(HISTORY.best(1)[0])
    taken = {*HISTORY.keys.tolist(), *plain.keys[:2].tolist()}
    assert climbing.genes[[1, 3, 4]].tolist() == unseen_around(best, taken)[:3]


def test_where_the_best_has_no_more_neighbours_the_next_best_is_climbed_from() -> None:
    first, second = HISTORY.best(2)
    around, keys = neighbours(SPACE, HISTORY.genes[first].tobytes())
    new = ~np.isin(keys, HISTORY.keys)
    history = HISTORY.extended(
        keys=keys[new][1:],
        genes=around[new][1:],
        epochs=np.zeros(new.sum() - 1),
        values=np.zeros(new.sum() - 1),
        iteration=1,
    )
    strategy, _ = searches(1.0)
    found = strategy.around_the_best(LEARNED, SPACE, history, 3, history.keys)
    assert len(found) > 3
    taken = {*history.keys.tolist(), int(keys[new][0])}
    assert found.genes[:3].tolist() == [around[new][0].tolist(), *unseen_around(int(second), taken)[:2]]


def test_what_is_in_flight_is_not_proposed_again() -> None:
    climbing, _ = both(0.6, 5)
    flying = [
        Pending(key, tuple(row), 1, None, "", 0.0)
        for key, row in zip(climbing.keys.tolist(), climbing.genes.tolist(), strict=True)
    ]
    again, _ = both(0.6, 5, HISTORY.with_pending(flying))
    assert len(again) == 5
    assert not np.isin(again.keys, climbing.keys).any()


def test_the_pool_holds_all_that_was_chosen_from_each_once() -> None:
    climbing, plain = both(0.6, 5)
    assert climbing.pool is not None
    assert plain.pool is not None
    keys = climbing.pool.keys.tolist()
    assert len(set(keys)) == len(keys)
    around = neighbours(SPACE, HISTORY.genes[HISTORY.best(1)[0]].tobytes())[1]
    unseen = set(around.tolist()) - set(HISTORY.keys.tolist())
    assert set(climbing.keys.tolist()) | set(plain.pool.keys.tolist()) | unseen == set(keys)
    np.testing.assert_array_equal(SPACE.keys(climbing.pool.genes), climbing.pool.keys)


def test_who_asks_one_by_one_gets_the_most_promising_neighbour_whatever_is_in_flight() -> None:
    """Twenty workers: 3 of 5 climb, and what is proposed for those who do not takes none of their neighbours away."""
    search = Search(SPACE, searches(0.6)[0], seed=0)
    first = search.ask(10)
    search.tell(first.genes, CountingOracle().evaluate(first.genes, None, np.random.default_rng(0)).value)
    climbed = 0
    for known in range(10, 30):
        predictor = CountingPredictor().fit(
            SPACE, search.history.genes, search.history.values, rng=np.random.default_rng(0)
        )
        taken = {*search.history.keys.tolist(), *search.history.pending_keys.tolist()}
        best = search.history.genes[search.history.best(1)[0]]
        genes, keys = neighbours(SPACE, best.tobytes())
        free = [row for row, key in enumerate(keys.tolist()) if key not in taken]
        asked = search.ask(1)
        if places_of(0.6, known, 1)[0] and free:
            hoped = predictor.predict(genes[free])
            assert asked.keys[0] == keys[free[int(np.argmax(hoped))]]
            climbed += 1
    assert climbed == 12


@dataclass
class Unhashable:
    """A space that compares by its fields, as a dataclass of somebody else's may."""

    inner: SearchSpace

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_space_that_cannot_be_hashed_is_climbed_in_too() -> None:
    space = cast("SearchSpace", Unhashable(SPACE))
    with pytest.raises(TypeError):
        hash(space)
    strategy, _ = searches(0.6)
    there, here = (strategy.propose(each, HISTORY, 5, seed=1, iteration=3) for each in (space, SPACE))
    np.testing.assert_array_equal(there.keys, here.keys)


def test_without_a_share_nothing_climbs() -> None:
    climbing, plain = both(0.0, 10)
    assert climbing.keys.tolist() == plain.keys.tolist()
    one = replace(searches(0.0)[0], share=1.0).propose(SPACE, HISTORY, 4, seed=1, iteration=3)
    best = HISTORY.genes[HISTORY.best(1)[0]]
    assert (one.genes != best).sum(axis=1).tolist() == [1] * 4


def test_it_ends_with_the_whole_space() -> None:
    space = get_space("nasbench201")
    search = Search(space, searches(0.6)[0], seed=0)
    run(search, CountingOracle(), 60)
    assert len(np.unique(search.history.keys)) == 60
    strategy, _ = searches(0.6)
    whole = space.enumerate()[:-3]
    history = History.empty(6).extended(
        keys=space.enumerated_keys()[:-3],
        genes=whole,
        epochs=np.zeros(len(whole)),
        values=np.zeros(len(whole)),
        iteration=0,
    )
    last = strategy.propose(space, history, 5, seed=0, iteration=1)
    assert sorted(last.keys.tolist()) == sorted(space.enumerated_keys()[-3:].tolist())


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_one(share: float) -> None:
    with pytest.raises(ConfigurationError, match="a share from 0 to 1"):
        searches(share)


@pytest.mark.slow
def test_it_is_a_strategy() -> None:
    check_strategy(searches(0.6)[0], SPACE, score=lambda genes: genes.mean(axis=1), rng=np.random.default_rng(0))
