from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History, Pending
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.search.exploring import ExploringSearch
from predictornas.search.loop import Search, run
from predictornas.search.proposing import chosen
from predictornas.search.strategies import PredictorSearch, Proposal
from predictornas.seeding import rng_for
from predictornas.spaces.registry import get_space
from predictornas.testing import check_strategy
from tests.search.examples import CountingOracle, CountingPredictor, Trap, UnsurePredictor, trap

SPACE = get_space("nasbench201")


def searches(share: float, patience: int = 0) -> tuple[ExploringSearch, PredictorSearch]:
    """One that explores, always if it has no patience, and one that does not, else the same."""
    parts = {"predictor": UnsurePredictor(), "sampler": Evolutionary(), "pool_size": 100, "exploration": 0.5}
    return ExploringSearch(**parts, share=share, patience=patience), PredictorSearch(**parts)  # type: ignore[arg-type]


def evaluated(count: int) -> History:
    rng = np.random.default_rng(0)
    genes = SPACE.sample(count, rng)
    values = CountingOracle().evaluate(genes, None, rng).value
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(count), values=values, iteration=0
    )


HISTORY = evaluated(30)


def in_flight(genes: np.ndarray) -> list[Pending]:
    """Each of some cells as what a worker has."""
    keys = SPACE.keys(genes).tolist()
    return [Pending(key, tuple(row), 1, None, "", 0.0) for key, row in zip(keys, genes.tolist(), strict=True)]


def both(share: float, n: int, history: History = HISTORY) -> tuple[Proposal, Proposal]:
    one, other = (search.propose(SPACE, history, n, seed=1, iteration=3) for search in searches(share))
    return one, other


@pytest.mark.parametrize(("share", "known", "places"), [(0.2, 10, [4, 9]), (0.1, 10, [9]), (0.3, 20, [3, 6, 9])])
def test_the_share_is_spread_evenly(share: float, known: int, places: list[int]) -> None:
    search, _ = searches(share)
    assert np.flatnonzero(search.explores(known, 10)).tolist() == places
    one_by_one = [search.explores(known + step, 1) for step in range(10)]
    np.testing.assert_array_equal(np.concatenate(one_by_one), search.explores(known, 10))
    assert search.explores(0, 1000).sum() == round(1000 * share)


def test_all_other_choices_are_those_of_a_search_that_does_not_explore() -> None:
    exploring, plain = both(0.2, 10)
    kept = np.delete(np.arange(10), [4, 9])
    np.testing.assert_array_equal(exploring.keys[kept], plain.keys[:8])
    assert exploring.predicted is not None
    assert plain.predicted is not None
    np.testing.assert_array_equal(exploring.predicted[kept], plain.predicted[:8])
    assert not np.isin(exploring.keys[[4, 9]], plain.keys).any()
    np.testing.assert_array_equal(SPACE.keys(exploring.genes), exploring.keys)


def test_they_explore_what_the_predictor_is_least_sure_of() -> None:
    """By hand: the largest last genes of a uniform pool, ties to the first."""
    exploring, plain = both(0.2, 10)
    pool = Uniform().propose(SPACE, 100, HISTORY, None, rng_for(1, 3, "exploration"))
    free = [row for row in range(100) if pool.keys[row] not in plain.keys]
    unsure = sorted(free, key=lambda row: (-pool.genes[row, -1], row))
    assert exploring.keys[[4, 9]].tolist() == pool.keys[unsure[:2]].tolist()


def test_what_is_proposed_sooner_or_in_flight_counts_as_known() -> None:
    strategy, _ = searches(0.5)
    flying = evaluated(33).genes[30:]
    history = HISTORY.with_pending(in_flight(flying))
    predictor = UnsurePredictor().fit(SPACE, history.genes, history.values, rng=np.random.default_rng(0))
    assert isinstance(predictor, UnsurePredictor)
    proposal = strategy.proposal_of(predictor, SPACE, history, 8, seed=0, iteration=1)
    explored = np.flatnonzero(strategy.explores(33, 8))
    assert explored.tolist() == [0, 2, 4, 6]
    genes, waiting = ([tuple(row) for row in rows.tolist()] for rows in (proposal.genes, flying))
    asked = [sorted(map(tuple, rows.tolist())) for rows in predictor.asked]
    # the search itself, whose standard deviations are part of its hopes, asks with what is in flight alone
    assert asked == [sorted([*waiting, *genes[:place]]) for place in (0, *explored.tolist())]
    assert not np.isin(proposal.keys, history.pending_keys).any()


def test_the_pool_holds_all_that_was_chosen_from_each_once() -> None:
    exploring, plain = both(0.2, 10)
    assert exploring.pool is not None
    assert plain.pool is not None
    keys = exploring.pool.keys.tolist()
    assert len(set(keys)) == len(keys) > len(plain.pool.keys)
    assert set(exploring.keys.tolist()) | set(plain.pool.keys.tolist()) <= set(keys)
    np.testing.assert_array_equal(SPACE.keys(exploring.pool.genes), exploring.pool.keys)


def told(*values: float) -> History:
    """As many cells with these values."""
    return replace(evaluated(len(values)), values=np.array(values))


@pytest.mark.parametrize(
    ("values", "patience", "stuck"),
    [
        ((0.5, 0.9, 0.8, 0.7), 2, True),
        ((0.5, 0.9, 0.8, 0.7), 3, False),
        ((0.5, 0.9, 0.9, 0.9), 2, True),  # as good is not better
        ((0.5, 0.6, 0.7, 0.9), 1, False),
        ((0.5, 0.6, 0.7, 0.9), 0, True),
    ],
)
def test_it_is_stuck_where_the_last_evaluations_brought_nothing_better(
    values: tuple[float, ...], patience: int, stuck: bool
) -> None:
    assert searches(0.2, patience)[0].is_stuck(told(*values)) == stuck


def test_who_knows_only_failures_is_not_stuck() -> None:
    assert not searches(0.2, 0)[0].is_stuck(told(np.nan, np.nan))


@pytest.mark.parametrize(("share", "patience"), [(0.0, 0), (0.01, 0), (0.5, 30)])
def test_where_nothing_explores_it_is_the_same_search(share: float, patience: int) -> None:
    ours, plain = (search.propose(SPACE, HISTORY, 10, seed=1, iteration=3) for search in searches(share, patience))
    np.testing.assert_array_equal(ours.keys, plain.keys)
    assert ours.pool is not None
    assert plain.pool is not None
    np.testing.assert_array_equal(ours.pool.keys, plain.pool.keys)


def test_who_asks_one_by_one_explores_as_much_and_gets_nothing_twice() -> None:
    strategy, _ = searches(0.2)
    history, explored = HISTORY, []
    for iteration in range(1, 21):
        run = {"seed": 0, "iteration": iteration}
        proposal = chosen(strategy, SPACE, history, 1, **run, at_most=1)
        history = history.with_pending([*history.pending, *in_flight(proposal.genes)])
        pool = Uniform().propose(SPACE, 100, HISTORY, None, rng_for(0, iteration, "exploration"))
        explored.append(int(proposal.keys[0]) in pool.keys)
    assert len(np.unique(history.pending_keys)) == 20
    assert np.flatnonzero(explored).tolist() == [4, 9, 14, 19]


def test_the_last_architectures_of_a_space_are_proposed_too() -> None:
    everything = SPACE.enumerate()
    left = 6
    history = History.empty(6).extended(
        keys=SPACE.keys(everything[left:]),
        genes=everything[left:],
        epochs=np.zeros(len(everything) - left),
        values=everything[left:].mean(axis=1),
        iteration=0,
    )
    for sampler in (Evolutionary(), Exhaustive()):
        strategy = replace(searches(0.5)[0], sampler=sampler)
        proposal = strategy.propose(SPACE, history, 10, seed=0, iteration=1)
        remaining = np.setdiff1d(SPACE.enumerated_keys(), history.keys)
        assert sorted(proposal.keys.tolist()) == sorted(remaining.tolist())


def test_what_cannot_explore_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CountingPredictor cannot tell how unsure it is"):
        ExploringSearch(CountingPredictor(), Uniform(), share=0.2, patience=20)
    for share, patience in ((1.5, 20), (-0.1, 20), (0.2, -1)):
        with pytest.raises(ConfigurationError, match=rf"not {share} and {patience}"):
            searches(share, patience)


@pytest.mark.slow
def test_it_keeps_the_rules_and_finds_cells_that_all_seen_speak_against() -> None:
    """More convolutions are better, and best are the few cells without: a search that does not explore never looks."""
    parts = {
        "predictor": GaussianProcess(width=4, relevances=False, degrees_of_freedom=None),
        "sampler": Evolutionary(),
        "pool_size": 100,
        "exploration": 1.0,
    }
    exploring = ExploringSearch(**parts, share=0.5, patience=10)  # type: ignore[arg-type]
    check_strategy(replace(exploring, patience=0), SPACE, score=trap, rng=np.random.default_rng(0), iterations=1)
    plain = PredictorSearch(**parts)  # type: ignore[arg-type]
    best = [run(Search(SPACE, strategy, seed=0), Trap(), 50).values.max() for strategy in (exploring, plain)]
    assert best[0] == 2
    assert best[1] <= 1
