from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.regret import incumbent_curves
from predictornas.analysis.robustness import random_median, robustness_table
from predictornas.analysis.statistics import share_interval
from predictornas.errors import DataError


def history(**runs: list[list[int]]) -> pl.DataFrame:
    """Runs of methods by the places of what they evaluate in a table of 100, whose costs are 0.00, 0.01, ..."""
    rows = [
        {
            "run_id": f"{method}{seed}", "method": method, "seed": seed, "iteration": min(order, 1), "order": order,
            "key": place, "epochs": 0, "value": 1 - COSTS[place], "evaluation": 1 - COSTS[place], "cost_seconds": None,
            "cost_epochs": None,
        }
        for method, own in runs.items() for seed, places in enumerate(own) for order, place in enumerate(places)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"cost_seconds": pl.Float64, "cost_epochs": pl.Int64})


COSTS = np.arange(100) / 100


@pytest.mark.parametrize("draws", [1, 2, 4])
def test_the_median_of_random_search_by_every_draw(draws: int) -> None:
    """Of nine architectures with equal signals and equal evaluations among them; equal ones are chosen at random."""
    signal = np.array([3.0, 1, 1, 2, 2, 2, 5, 4, 9])
    evaluation = np.array([1.0, 4, 2, 7, 3, 3, 0, 0, 5])
    best, chosen = [], []
    for drawn in itertools.permutations(range(9), draws):  # the order of evaluation decides between equal signals
        own = list(drawn)
        best.append(evaluation[own].min())
        chosen.append(evaluation[own[int(signal[own].argmin())]])
    for found, is_chosen in ((best, False), (chosen, True)):
        expected = np.sort(found)[(len(found) + 1) // 2 - 1]
        assert random_median(signal, evaluation, draws, chosen=is_chosen) == expected


@pytest.mark.parametrize("draws", [1, 2, 4])
def test_what_has_no_evaluation_costs_random_search_a_draw(draws: int) -> None:
    signal = np.array([3.0, 1, 1, 2, 2, 2, 5, 4, 9])
    evaluation = np.array([1.0, np.nan, 2, 7, np.nan, 3, 0, 0, np.nan])
    best, chosen = [], []
    for drawn in itertools.permutations(range(9), draws):
        own = list(drawn)
        best.append(np.nanmin(evaluation[own], initial=np.inf))
        chosen.append(evaluation[own[int(signal[own].argmin())]])
    for found, is_chosen in ((best, False), (chosen, True)):
        ends = np.sort([end for end in found if np.isfinite(end)])
        assert random_median(signal, evaluation, draws, chosen=is_chosen) == ends[(len(ends) + 1) // 2 - 1]


def test_what_was_not_measured_is_not_drawn() -> None:
    signal, evaluation = np.array([0.1, np.nan, 0.2, 0.3]), np.array([0.5, 0.0, np.nan, 0.7])
    assert random_median(signal, evaluation, 2, chosen=False) == 0.5
    assert random_median(signal, evaluation, 50, chosen=True) == 0.5  # more draws than there are
    with pytest.raises(DataError, match="has both"):
        random_median(signal, np.full(4, np.nan), 2, chosen=True)


def test_runs_that_end_worse_than_the_median_are_counted_and_equal_ones_are_not() -> None:
    """After four of 100 the best is among the first 16 in half of the runs."""
    assert random_median(COSTS, COSTS, 4, chosen=False) == pytest.approx(0.15)
    runs = history(stuck=[[50, 60, 40, 70], [99, 15, 30, 20], [16, 17, 18, 19]], good=[[50, 3, 2, 1]] * 3)
    table = robustness_table(runs, incumbent_curves(runs), COSTS, COSTS, {"top 3 %": 0.02, "top 20 %": 0.19})
    stuck, good = (table.filter(method=method).row(0, named=True) for method in ("stuck", "good"))
    assert (stuck["best_behind"], stuck["chosen_behind"], good["best_behind"]) == pytest.approx((2 / 3, 2 / 3, 0))
    assert (stuck["best_behind_low"], stuck["best_behind_high"]) == share_interval(2, 3)
    assert stuck["evaluations"] == 4
    assert "recommended_behind" not in table.columns


def test_the_lower_quartile_is_that_of_a_run_and_one_without_a_hit_is_the_worst() -> None:
    """Three proposals a run: E_S = 101 / 21 at the best 20, E_C = 4 / (M + 1)."""
    lucky, once, never = [50, 1, 2, 3], [50, 1, 60, 61], [50, 61, 62, 63]
    runs = history(a=[lucky, lucky, lucky, once], b=[lucky, lucky, lucky, never])
    table = robustness_table(runs, incumbent_curves(runs), COSTS, COSTS, {"top 20 %": 0.19})
    assert table["quartile_db, top 20 %"].to_list() == [pytest.approx(10 * np.log10(101 / 21 / (4 / 2))), None]


def test_the_mean_hides_what_the_share_shows() -> None:
    """Seven of eight runs find the best at once, one finds nothing: pooled, they gain."""
    runs = history(most=[[50, 0, 1, 2]] * 7 + [[50, 90, 91, 92]])
    table = robustness_table(runs, incumbent_curves(runs), COSTS, COSTS, {"top 3 %": 0.02})
    assert table["best_behind"].to_list() == [1 / 8]
    assert table["quartile_db, top 3 %"][0] > 0
