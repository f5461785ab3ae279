from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.loop import Search, run
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle

SPACE = get_space("nasbench201")


def history_of(genes: Genes, values: object) -> History:
    return History.empty(6).extended(
        keys=SPACE.keys(genes), genes=genes, epochs=np.zeros(len(genes)), values=values, iteration=0
    )


def children(strategy: RegularisedEvolution, history: History, count: int) -> Genes:
    return np.concatenate([strategy.propose(SPACE, history, 1, seed=s, iteration=1).genes for s in range(count)])


def test_follows_the_protocol() -> None:
    assert isinstance(RegularisedEvolution(), Strategy)
    assert (RegularisedEvolution().initial, RegularisedEvolution().batch) == (50, 1)


def test_a_tournament_of_everyone_is_won_by_the_best_of_the_living() -> None:
    # the oldest is the best of all, but three younger ones fill the population
    genes = np.array([[4] * 6, [0] * 6, [2] * 6, [1] * 6], np.int8)
    history = history_of(genes, [0.9, 0.3, 0.8, 0.5])
    changed = (children(RegularisedEvolution(population=3, tournament=3, rate=0.05), history, 40) != 2).sum(axis=1)
    assert changed.min() == 1
    assert changed.mean() < 2


@pytest.mark.slow
def test_a_tournament_of_one_takes_each_of_the_living_equally_often() -> None:
    genes = np.array([[0] * 6, [1] * 6, [2] * 6, [3] * 6], np.int8)
    born = children(RegularisedEvolution(population=4, tournament=1, rate=0.1), history_of(genes, np.arange(4.0)), 200)
    parents = np.array([np.bincount(row).argmax() for row in born])
    assert (np.abs(np.bincount(parents)[:4] - 50) < 4 * np.sqrt(200 * 0.25 * 0.75)).all()


@pytest.mark.slow
def test_a_tournament_of_two_takes_the_best_half_of_the_time() -> None:
    # of the 6 pairs of 4, the best is in 3, the second wins 2, the third 1, the worst none
    genes = np.array([[0] * 6, [1] * 6, [2] * 6, [3] * 6], np.int8)
    history = history_of(genes, [0.4, 0.3, 0.2, 0.1])
    born = children(RegularisedEvolution(population=4, tournament=2, rate=0.1), history, 200)
    wins = np.bincount([np.bincount(row).argmax() for row in born], minlength=5)[:4] / 200
    np.testing.assert_allclose(wins, [1 / 2, 1 / 3, 1 / 6, 0], atol=0.12)
    assert wins[3] == 0


@pytest.mark.slow
def test_it_never_repeats_and_finds_better_cells_than_its_first_population() -> None:
    history = run(Search(SPACE, RegularisedEvolution(population=20, tournament=5), seed=0), CountingOracle(), 150)
    assert len(np.unique(history.keys)) == 150
    assert history.values[20:].max() > history.values[:20].max()


@pytest.mark.slow
def test_without_anything_new_near_by_it_draws_uniformly_and_ends_with_the_space() -> None:
    space = SPACE.restricted_to(SPACE.enumerated_keys()[::1000])
    history = run(Search(space, RegularisedEvolution(population=4, tournament=2), seed=0), CountingOracle(), 100)
    assert sorted(history.keys.tolist()) == sorted(space.enumerated_keys().tolist())


def test_a_uniform_draw_in_the_place_of_a_child_says_so() -> None:
    history = history_of(np.array([[0] * 6], np.int8), [0.5])
    for rate, by in ((1e-9, "uniform"), (0.5, "evolution")):  # a rate so low that children are their parents
        strategy = RegularisedEvolution(population=1, tournament=1, rate=rate)
        proposal = strategy.propose(SPACE, history, 1, seed=0, iteration=1)
        assert proposal.proposed_by == by
        assert proposal.keys[0] not in history


@pytest.mark.slow
def test_a_resumed_run_goes_on_as_the_uninterrupted_one() -> None:
    strategy = RegularisedEvolution(population=10, tournament=3)
    whole = run(Search(get_space("nasbench101"), strategy, seed=3), CountingOracle(), 40)
    resumed = Search(get_space("nasbench101"), strategy, seed=3, history=whole.before(12))
    np.testing.assert_array_equal(run(resumed, CountingOracle(), 40).keys, whole.keys)


@pytest.mark.parametrize("options", [{"tournament": 0}, {"population": 5, "tournament": 6}, {"rate": 0.0}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="Regularised evolution needs"):
        RegularisedEvolution(**options)  # type: ignore[arg-type]
