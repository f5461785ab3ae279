from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from predictornas.history import History
from predictornas.samplers.base import Sampler
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.search.loop import Search, run
from predictornas.search.one_shot import OneShot
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle, CountingPredictor

SPACE = get_space("nasbench201")


@dataclass
class Recording(CountingPredictor):
    """Counts its fits in a list that its copies share."""

    fits: list[int] = field(default_factory=list)

    def fit(self, space: SearchSpace, genes: Genes, values: np.ndarray, **options: object) -> Recording:
        self.fits.append(len(genes))
        super().fit(space, genes, values, **options)  # type: ignore[arg-type]
        return self


def searched(strategy: OneShot, budget: int, *, space: SearchSpace = SPACE, seed: int = 0) -> History:
    return run(Search(space, strategy, seed=seed), CountingOracle(), budget)


def test_follows_the_protocol_and_the_paper_begins_with_172() -> None:
    assert isinstance(OneShot(), Strategy)
    assert (OneShot().initial, OneShot().batch) == (172, 10)


def test_it_fits_once_on_the_initial_set_alone() -> None:
    predictor = Recording()
    searched(OneShot(predictor, initial=30), 100)
    assert predictor.fits == [30]


@pytest.mark.slow
@pytest.mark.parametrize("batch", [7, 1])
def test_it_walks_down_one_ranking_of_the_whole_space(batch: int) -> None:
    history = searched(OneShot(CountingPredictor(), initial=30, batch=batch), 60)
    predictor = CountingPredictor().fit(SPACE, history.genes[:30], history.values[:30], rng=np.random.default_rng())
    scores = predictor.predict(SPACE.enumerate())
    scores[np.isin(SPACE.enumerated_keys(), history.keys[:30])] = -np.inf
    expected = SPACE.enumerated_keys()[np.argsort(-scores, kind="stable")[:30]]
    np.testing.assert_array_equal(history.keys[30:], expected)


def test_later_values_do_not_change_the_ranking() -> None:
    strategy = OneShot(CountingPredictor(), initial=30)
    first = searched(strategy, 30)
    proposed = strategy.propose(SPACE, first, 10, seed=0, iteration=1)
    orders = []
    for values in (np.zeros(10), np.linspace(0, 1, 10)):
        told = first.extended(keys=proposed.keys, genes=proposed.genes, epochs=np.zeros(10), values=values, iteration=1)
        orders.append(strategy.propose(SPACE, told, 10, seed=0, iteration=2).keys)
    np.testing.assert_array_equal(orders[0], orders[1])
    assert not np.isin(orders[0], proposed.keys).any()


@pytest.mark.parametrize("sampler", [Exhaustive(), Uniform()])
def test_a_resumed_run_goes_on_as_the_uninterrupted_one(sampler: Sampler) -> None:
    whole = searched(OneShot(CountingPredictor(), sampler, pool_size=50, initial=20), 80)
    resumed = Search(
        SPACE, OneShot(CountingPredictor(), sampler, pool_size=50, initial=20), seed=0, history=whole.before(3)
    )
    np.testing.assert_array_equal(run(resumed, CountingOracle(), 80).keys, whole.keys)


def test_the_strategy_itself_keeps_no_ranking() -> None:
    strategy = OneShot(Recording(), initial=30)
    history = searched(strategy, 60)
    fits = strategy.predictor.fits  # type: ignore[attr-defined]
    fits.clear()
    alone = [strategy.propose(SPACE, history, 10, seed=0, iteration=4) for _ in range(2)]
    remembering = strategy.for_one_run()
    kept = [remembering.propose(SPACE, history, 10, seed=0, iteration=4) for _ in range(2)]
    assert fits == [30] * 3
    for proposal in (alone[1], *kept):
        np.testing.assert_array_equal(proposal.keys, alone[0].keys)


def test_a_strategy_serves_several_runs_in_turn() -> None:
    shared = OneShot(CountingPredictor(), initial=20)
    for seed in (1, 2, 1):
        alone = searched(OneShot(CountingPredictor(), initial=20), 40, seed=seed)
        np.testing.assert_array_equal(searched(shared, 40, seed=seed).keys, alone.keys)


def test_a_sampled_pool_is_ranked_once_and_shows_what_may_be_chosen() -> None:
    strategy = OneShot(CountingPredictor(), Uniform(), pool_size=100, initial=20)
    history = searched(strategy, 50)
    proposal = strategy.propose(SPACE, history, 10, seed=0, iteration=4)
    assert proposal.pool is not None
    assert len(proposal.pool) == 100 - 30
    assert np.isin(proposal.keys, proposal.pool.keys).all()
    assert proposal.predicted is not None
    assert (np.diff(proposal.predicted) <= 0).all()


def test_when_the_pool_is_used_up_uniform_draws_follow_to_the_end_of_the_space() -> None:
    small = SPACE.restricted_to(SPACE.enumerated_keys()[::400])
    history = searched(OneShot(CountingPredictor(), Uniform(), pool_size=10, initial=5, batch=4), 100, space=small)
    assert sorted(history.keys.tolist()) == sorted(small.enumerated_keys().tolist())
