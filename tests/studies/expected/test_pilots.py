from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from predictornas import Evolutionary, Exhaustive, PredictorSearch, RandomSearch, Search, Uniform, iterate
from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search.named import Named
from predictornas.studies.expected.pilots import CountingSearch, Effort, PilotSearch, pilots, ranks_pools
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.study import Study
from tests.studies.expected.parts import TABLE, Noisy, search


def nothing(_: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def opened() -> OpenedStudy:
    return open_study(Study(benchmark=TABLE, methods=(Named("noisy", search(3.0)),), budget=50))


def found(
    opened: OpenedStudy, strategy: PredictorSearch, pools: int, seed: int = 0, count: int = 2
) -> list[PilotSearch]:
    return pilots(opened, strategy, 50, Effort(count, pools), seed, nothing)


@pytest.mark.parametrize("sampler", [Uniform(), Evolutionary(), Exhaustive()])
def test_a_pilot_is_the_search_that_nobody_watches(
    opened: OpenedStudy, sampler: Uniform | Evolutionary | Exhaustive
) -> None:
    strategy = PredictorSearch(Noisy(3.0), sampler, pool_size=100, initial=10, batch=10)
    watched = Search(opened.benchmark.space, CountingSearch(strategy, opened, 5, nothing), seed=3)
    alone = Search(opened.benchmark.space, strategy, seed=3)
    for each in (watched, alone):
        for _ in iterate(each, opened.oracle, 40):
            pass
    assert watched.history.keys.tolist() == alone.history.keys.tolist()


def test_of_the_whole_space_is_counted_what_was_found(opened: OpenedStudy) -> None:
    strategy = PredictorSearch(Noisy(3.0), Exhaustive(), initial=10, batch=10)
    for pilot in found(opened, strategy, pools=20):
        proposed = pilot.history.keys[pilot.history.iterations > 0]
        assert pilot.proposals == len(proposed) == 40
        assert pilot.summed("hits").tolist() == opened.hits(proposed).tolist()
        assert [each.pool_size for each in pilot.iterations] == [len(opened.errors) - 10 * k for k in range(1, 5)]


def test_of_pools_is_counted_what_they_would_find_in_the_mean(opened: OpenedStudy) -> None:
    """A predictor that knows everything finds what a random pool has: the K best of N' of what is left."""
    (pilot, _) = found(opened, search(0.0, pool=200), pools=100)
    first, left = pilot.iterations[0], len(opened.errors) - 10
    good = opened.hits(opened.benchmark.keys) - opened.hits(pilot.history.keys[:10])
    assert first.pool_hits == pytest.approx(200 * good / left, rel=0.25, abs=0.1)
    few = good <= 20  # nearly all of so few are among the ten best of a pool
    assert first.hits[few] == pytest.approx(first.pool_hits[few], abs=0.01)
    assert (first.hits <= 10).all()


def test_what_is_counted_spreads_less_than_what_is_found(opened: OpenedStudy) -> None:
    ours = found(opened, search(3.0, pool=100), pools=10, count=8)
    rare = int(np.flatnonzero(opened.targets["table_hits"].to_numpy() >= 10)[0])
    counted = np.array([pilot.summed("hits")[rare] for pilot in ours])
    hit = np.array([opened.hits(pilot.history.keys[pilot.history.iterations > 0])[rare] for pilot in ours])
    assert counted.std() < hit.std() / 1.5
    assert counted.mean() == pytest.approx(hit.mean(), abs=3 * hit.std() / np.sqrt(len(ours)))


def test_what_was_evaluated_is_no_good_architecture_any_more(opened: OpenedStudy) -> None:
    for pilot in found(opened, search(3.0), pools=1):
        for each in pilot.iterations:
            assert len(each.scores) == len(opened.errors)
            assert np.isinf(each.costs).sum() == each.learned_from


def test_seeds_are_told_apart(opened: OpenedStudy) -> None:
    runs: list[History] = [pilot.history for seed in (0, 1) for pilot in found(opened, search(3.0), 1, seed)]
    assert found(opened, search(3.0), 1)[0].history.keys.tolist() == runs[0].keys.tolist()
    assert all(one.keys.tolist() != other.keys.tolist() for one, other in combinations(runs, 2))


def test_what_fits_no_predictor_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'random' fits no predictor"):
        ranks_pools("random", RandomSearch())
    with pytest.raises(ConfigurationError, match="At least 2 pilots"):
        Effort(pilots=1)
