"""The lift of a predictor in closed form, against draws of what it describes."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.analysis.lift import TopScores, best_share, expected_gain, lift, top_scores
from predictornas.errors import ConfigurationError

TABLE, GOOD = 20_000, 200
TOP = TopScores(1.5, 0.75)


def scores(top: TopScores, rng: np.random.Generator) -> np.ndarray:
    """Of a table whose first rows are the good ones; all others make the whole table normal, as there are few."""
    drawn = rng.normal(size=TABLE)
    drawn[:GOOD] = rng.normal(top.mean, top.spread, size=GOOD)
    return drawn


@pytest.mark.parametrize("pool", [100, 1000, 10_000])
def test_as_many_times_more_good_ones_as_in_pools_that_are_drawn(pool: int) -> None:
    rng, batch, taken, draws = np.random.default_rng(0), 10, 0, 1500
    for _ in range(draws):
        of_all = scores(TOP, rng)
        drawn = rng.choice(TABLE, pool, replace=False)
        taken += np.count_nonzero(drawn[np.argpartition(-of_all[drawn], batch)[:batch]] < GOOD)
    measured = taken / (draws * batch) / (GOOD / TABLE)
    # within four standard deviations of the count, and what the good ones add to the upper tail of all
    assert lift(batch / pool, TOP) == pytest.approx(measured, rel=4 / np.sqrt(taken) + 0.12)


def test_a_predictor_that_knows_nothing_gains_nothing() -> None:
    assert lift(np.array([1.0, 0.1, 1e-4]), TopScores(0.0, 1.0)) == pytest.approx(1.0)
    assert lift(1.0, TOP) == pytest.approx(1.0)  # who takes all chooses nothing


@pytest.mark.parametrize("top", [TOP, TopScores(0.8, 0.7), TopScores(2.5, 0.5), TopScores(0.0, 0.9)])
def test_the_best_share_has_the_highest_lift(top: TopScores) -> None:
    shares = np.geomspace(1e-12, 1, 2000)
    assert lift(best_share(top), top) == pytest.approx(lift(shares, top).max(), rel=1e-4)


def test_where_good_ones_spread_as_wide_as_all_a_larger_pool_is_always_better() -> None:
    assert best_share(TopScores(1.0, 1.0)) == 0.0
    assert best_share(TopScores(0.0, 1.0)) == 1.0
    assert np.all(np.diff(lift(np.geomspace(1e-9, 1, 50), TopScores(1.0, 1.0))) < 0)


def test_scores_of_the_good_are_measured_on_the_scale_of_all() -> None:
    rng = np.random.default_rng(1)
    fits = [np.exp(3 * scores(TopScores(mean, 0.5), rng)) for mean in (1.0, 2.0)]  # only ranks count
    found = top_scores(fits, [np.arange(TABLE) < GOOD] * len(fits))
    assert found.mean == pytest.approx(1.5, abs=0.05)
    assert found.spread == pytest.approx(np.sqrt(0.5**2 + 0.5**2), abs=0.05)  # within fits, and between them


def test_a_single_good_one_has_hardly_any_spread() -> None:
    top = top_scores([np.arange(100.0)], [np.arange(100) == 99])
    assert 0 < top.spread < 1e-3
    assert lift(0.01, top) == pytest.approx(100)  # the best of all is taken, whatever else is


def test_the_gain_of_a_search_is_that_of_searches_with_such_scores() -> None:
    rng, iterations, batch, runs = np.random.default_rng(2), 14, 10, 40
    found = 0
    for _ in range(runs):
        seen = np.zeros(TABLE, bool)
        seen[rng.choice(TABLE, 10, replace=False)] = True
        for _ in range(iterations):
            pool = rng.choice(np.flatnonzero(~seen), 2000, replace=False)
            of_all = scores(TOP, rng)
            chosen = pool[np.argsort(-of_all[pool])[:batch]]
            seen[chosen] = True
            found += np.count_nonzero(chosen < GOOD)
    proposals = runs * iterations * batch
    measured = 10 * np.log10((TABLE + 1) / (GOOD + 1) * (found + 1) / (proposals + 1))
    sizes = {"table_size": TABLE, "table_hits": GOOD, "pool_size": 2000, "initial": 10, "batch": batch}
    assert expected_gain([TOP] * iterations, runs=runs, **sizes) == pytest.approx(measured, abs=0.6)


def test_a_perfect_predictor_finds_everything_and_no_more() -> None:
    perfect, sizes = TopScores(8.0, 0.01), {"table_size": 1000, "initial": 10, "batch": 10, "pool_size": None}
    gain = expected_gain([perfect] * 9, table_hits=20, runs=20, **sizes)
    cap = 10 * np.log10((1001 / 21) * ((20 * 20 + 1) / (20 * 90 + 1)))
    assert cap - 0.1 < gain <= cap


def test_nothing_to_count_is_refused() -> None:
    sizes = {"table_size": 100, "pool_size": 50, "initial": 10, "batch": 10}
    for tops, hits in (([], 5), ([TOP], 0), ([TOP] * 10, 5)):
        with pytest.raises(ConfigurationError, match="needs iterations"):
            expected_gain(tops, table_hits=hits, **sizes)
    with pytest.raises(ConfigurationError, match="at least one fit"):
        top_scores([np.arange(3.0)], [np.zeros(3, bool)])
