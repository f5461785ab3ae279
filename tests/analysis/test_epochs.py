from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats
from scipy.special import expit, logit

from predictornas.analysis.epochs import epochs_table, errors_after, grid_of, savings
from predictornas.analysis.regret import TRACES, OracleErrors
from predictornas.errors import ConfigurationError, DataError


def curve(method: str, seed: int, points: Sequence[tuple[float | None, float]]) -> pl.DataFrame:
    """A run with (epochs spent, error) after each evaluation; the four traces are 0, 1, 2 and 3 tenths apart."""
    spent, errors = zip(*points, strict=True)
    return pl.DataFrame(
        {
            "run_id": [f"{method}/{seed}"] * len(points),
            "method": [method] * len(points),
            "seed": [seed] * len(points),
            "evaluations": np.arange(1, len(points) + 1),
            "cost_seconds": pl.Series([None] * len(points), dtype=pl.Float64),
            "cost_epochs": pl.Series(spent, dtype=pl.Float64),
            **{trace: np.array(errors) + place / 10 for place, trace in enumerate(TRACES)},
        }
    )


def test_the_grid_goes_from_where_all_have_begun_to_where_one_ends() -> None:
    grid = grid_of(pl.concat([curve("a", 0, [(2, 0.5), (4000, 0.4)]), curve("a", 1, [(3, 0.5), (2500, 0.4)])]))
    assert (grid[0], grid[-1]) == (3, 2500)
    assert (np.diff(grid) >= 1).all()
    assert len(grid) <= 240
    # even on a logarithmic axis, as far as whole numbers can be: (2500 / 3) ** (1 / 239) is 1.0285
    late = grid[grid > 500]
    assert np.abs(late[1:] / late[:-1] - 1.0285).max() < 2 / 500


def test_short_runs_have_every_number_of_epochs() -> None:
    assert grid_of(curve("a", 0, [(1, 0.5), (40, 0.4)])).tolist() == list(range(1, 41))
    assert grid_of(curve("a", 0, [(7, 0.5)])).tolist() == [7]


def test_epochs_that_are_not_known_make_no_grid() -> None:
    with pytest.raises(DataError, match="no cost in epochs"):
        grid_of(curve("a", 0, [(1, 0.5), (None, 0.4)]))


def test_what_counts_is_what_was_finished_by_then() -> None:
    run = curve("a", 3, [(2, 0.5), (4, 0.4), (4, 0.3), (8, 0.2)])  # the third evaluation cost nothing more
    after = errors_after(run, np.array([1, 2, 3, 4, 7, 8, 100]))
    assert after.columns == ["method", "seed", "run_id", "cost_epochs", "evaluations", *TRACES]
    assert after["cost_epochs"].to_list() == [2, 3, 4, 7, 8, 100]
    assert after["evaluations"].to_list() == [1, 1, 3, 3, 4, 4]
    assert after["searched"].to_list() == pytest.approx([0.5, 0.5, 0.3, 0.3, 0.2, 0.2])
    assert after["best"].to_list() == pytest.approx([0.8, 0.8, 0.6, 0.6, 0.5, 0.5])
    assert after["run_id"].unique().to_list() == ["a/3"]


def test_runs_stay_apart() -> None:
    runs = pl.concat([curve("b", 0, [(1, 0.5), (9, 0.1)]), curve("a", 0, [(4, 0.3)])])
    after = errors_after(runs, np.array([2, 5]))
    assert after.select("method", "cost_epochs", "searched").rows() == [("b", 2, 0.5), ("b", 5, 0.5), ("a", 5, 0.3)]


def test_runs_and_free_evaluations_stay_in_their_order() -> None:
    """Many runs, none sorted by name, each of 40 evaluations at one cost: the last of them counts."""
    names = ["c", "a", "d", "b", "f", "e", "h", "g"]
    after = errors_after(
        pl.concat(curve(name, 0, [(4, 0.9 - step / 100) for step in range(40)]) for name in names), np.array([4, 5])
    )
    assert after["method"].to_list() == [name for name in names for _ in range(2)]
    assert after["evaluations"].to_list() == [40] * 16
    assert after["searched"].to_list() == pytest.approx([0.51] * 16)


def test_a_table_by_hand() -> None:
    runs = pl.concat([curve("a", 0, [(1, 0.5), (2, 0.4), (4, 0.1)]), curve("a", 1, [(1, 0.4), (3, 0.2), (4, 0.2)])])
    oracles = OracleErrors(0.05, 0.15, 0.12, 0.08)
    table = epochs_table(runs, oracles)
    assert table["trace"].unique(maintain_order=True).to_list() == list(TRACES)
    searched = table.filter(pl.col("trace") == "searched")
    assert searched["cost_epochs"].to_list() == [1, 2, 3, 4]
    assert searched["mean"].to_list() == pytest.approx([0.45, 0.4, 0.3, 0.15])
    assert searched["evaluations"].to_list() == [1, 2, 2, 3]  # 1 and 1, 2 and 1 (the even one of 1.5), 2 and 2, 3 and 3
    assert searched["regret"].to_list() == pytest.approx([0.4, 0.35, 0.25, 0.1])
    last = searched.row(-1, named=True)
    ends = stats.t.interval(0.95, 1, logit(0.15), stats.sem([0.1, 0.2]) / (0.15 * 0.85))  # errors keep to [0, 1]
    low, high = expit(ends)
    assert (last["low"], last["high"], last["std"]) == pytest.approx((low, high, np.std([0.1, 0.2], ddof=1)))
    assert (last["runs"], last["cost_seconds"]) == (2, None)
    best = table.filter(pl.col("trace") == "best")
    assert best["regret"].to_list() == pytest.approx([0.63, 0.58, 0.48, 0.33])  # 0.3 above, and beside 0.12
    assert epochs_table(runs)["regret"].null_count() == len(table)
    silent = epochs_table(runs.with_columns(recommended=pl.lit(None, pl.Float64)))
    assert silent["trace"].unique(maintain_order=True).to_list() == ["searched", "chosen", "best"]


def test_evaluations_are_the_mean_over_runs() -> None:
    """One, one and seven evaluations after four epochs: three, not the one in the middle."""
    runs = [curve("a", seed, [(4, 0.5)] * count) for seed, count in enumerate((1, 1, 7))]
    assert epochs_table(pl.concat(runs))["evaluations"].unique().to_list() == [3]


REFERENCE = [(10, 0.5), (40, 0.3), (100, 0.2)]


def saved(*runs: pl.DataFrame, at: Sequence[int] = (100,), trace: str = "searched") -> dict[str, dict[str, Any]]:
    table = savings(pl.concat(runs), "full", at=at, trace=trace)
    assert table["at"].unique().to_list() == sorted(at)
    return {row["method"]: row for row in table.filter(pl.col("at") == at[-1]).to_dicts()}


def test_savings_of_one_seed_by_hand() -> None:
    rows = saved(
        curve("full", 0, REFERENCE),
        curve("fast", 0, [(10, 0.5), (25, 0.2), (100, 0.1)]),
        curve("never", 0, [(10, 0.5), (100, 0.21)]),
        curve("late", 0, [(10, 0.5), (100, 0.2)]),
    )
    assert list(rows) == ["fast", "never", "late"]
    fast = rows["fast"]
    assert (fast["reference"], fast["trace"], fast["error"]) == ("full", "searched", pytest.approx(0.2))
    assert (fast["reference_epochs"], fast["epochs"], fast["factor"]) == (100, 25, 4)
    assert (fast["low"], fast["high"]) == (None, None)  # one seed
    never = rows["never"]
    assert (never["epochs"], never["factor"]) == (None, None)
    assert (rows["late"]["epochs"], rows["late"]["factor"]) == (100, 1)


def test_savings_at_other_epochs_of_the_reference_by_hand() -> None:
    full, fast = curve("full", 0, REFERENCE), curve("fast", 0, [(10, 0.5), (20, 0.3), (50, 0.15), (100, 0.1)])
    early = saved(full, fast, at=[40])["fast"]
    assert (early["error"], early["reference_epochs"], early["epochs"], early["factor"]) == (0.3, 40, 20, 2)
    # after 60 epochs the reference is as good as it was after 40
    stalled = saved(full, fast, at=[40, 60])["fast"]
    assert (stalled["error"], stalled["reference_epochs"], stalled["epochs"], stalled["factor"]) == (0.3, 40, 20, 2)
    end = saved(full, fast, at=[40, 60, 100])["fast"]
    assert (end["error"], end["reference_epochs"], end["epochs"], end["factor"]) == (0.2, 100, 50, 2)


def test_means_over_seeds_are_compared_and_not_each_seed() -> None:
    rows = saved(
        curve("full", 0, [(10, 0.5), (100, 0.1)]),
        curve("full", 1, [(10, 0.5), (100, 0.3)]),
        curve("fast", 0, [(10, 0.5), (30, 0.3), (100, 0.25)]),
        curve("fast", 1, [(10, 0.5), (20, 0.4), (50, 0.1), (100, 0.1)]),
    )
    # 0.2 is reached with 0.3 and 0.1 after 50, though seed 0 never gets to 0.1
    assert (rows["fast"]["error"], rows["fast"]["epochs"]) == (pytest.approx(0.2), 50)


Points = list[tuple[int, float]]


def runs_of(method: str, seeds: list[Points]) -> list[pl.DataFrame]:
    return [curve(method, seed, points) for seed, points in enumerate(seeds)]


def test_the_interval_holds_the_epochs_that_a_paired_test_does_not_refuse() -> None:
    """Four seeds end at .20 to .23; `fast` is then .03 behind, level, .02 and .1 ahead, give or take .01."""
    give, ends = [0.01, -0.01, 0.005, -0.005], [0.20, 0.21, 0.22, 0.23]
    full = [[(10, 0.5), (100, end)] for end in ends]
    steps = {10: 0.3, 20: 0.03, 40: 0.0, 50: -0.02, 100: -0.1}
    fast = [[(n, end + ahead + extra) for n, ahead in steps.items()] for end, extra in zip(ends, give, strict=True)]
    row = saved(*runs_of("full", full), *runs_of("fast", fast))["fast"]
    half = 3.182446305284263 * np.std(give, ddof=1) / 2  # t of three degrees
    assert 0.0 < half < 0.02 < 0.03  # so the test refuses 20, not 40, and is certain from 50 on
    assert (row["factor"], row["low"], row["high"]) == (2.5, 2.0, 2.5)
    never = [[(10, 0.5), (100, end + 0.1 + extra)] for end, extra in zip(ends, give, strict=True)]
    row = saved(*runs_of("full", full), *runs_of("fast", never))["fast"]
    assert (row["factor"], row["low"], row["high"]) == (None, 0.0, 0.0)
    perhaps = [[(10, 0.5), (100, end + 0.005 + extra)] for end, extra in zip(ends, give, strict=True)]
    row = saved(*runs_of("full", full), *runs_of("fast", perhaps))["fast"]
    assert (row["factor"], row["low"], row["high"]) == (None, 0.0, 1.0)


def test_the_same_errors_count_as_reached_however_they_are_summed() -> None:
    ends = np.random.default_rng(1).uniform(0.05, 0.1, 23)
    runs = [curve("full", seed, [(1, 0.5), (100, end)]) for seed, end in enumerate(ends)]
    runs += [curve("fast", seed, [(1, 0.5), (50, end), (100, end)]) for seed, end in enumerate(ends)]
    row = saved(*runs)["fast"]
    assert (row["factor"], row["low"], row["high"]) == (2, 0, 2)  # no difference in any seed: nothing is certain


def test_an_error_that_is_not_there_yet_counts_as_one() -> None:
    fast = curve("fast", 0, [(1, 0.5), (20, 0.1), (100, 0.1)])
    unsaid = fast.with_columns(recommended=pl.when(pl.col("cost_epochs") == 100).then(pl.col("recommended")))
    rows = saved(curve("full", 0, [(1, 0.5), (100, 0.2)]), unsaid, trace="recommended")
    assert rows["fast"]["epochs"] == 100


def test_nothing_to_compare_saves_nothing() -> None:
    full = curve("full", 0, REFERENCE)
    assert savings(full, "full", at=[100]).is_empty()
    assert savings(pl.concat([full, curve("fast", 0, REFERENCE)]), "full", at=[]).is_empty()


def test_what_cannot_be_compared() -> None:
    full = curve("full", 0, REFERENCE)
    with pytest.raises(ConfigurationError, match="No run of 'complete'"):
        savings(full, "complete", at=[100])


def test_methods_are_compared_over_the_seeds_that_both_have() -> None:
    both = [curve(method, seed, REFERENCE) for method in ("full", "fast") for seed in (0, 1)]
    expected = savings(pl.concat(both), "full", at=[100])
    more = pl.concat([*both, curve("full", 2, REFERENCE), curve("other", 7, REFERENCE)])
    assert_frame_equal(savings(more, "full", at=[100]), expected)


def test_a_mean_ends_where_a_run_has_no_value() -> None:
    runs = pl.concat([curve("full", seed, REFERENCE) for seed in (0, 1)])
    lost = pl.when((pl.col("seed") == 1) & (pl.col("cost_epochs") == 100)).then(None).otherwise(pl.col("best"))
    table = epochs_table(runs.with_columns(best=lost))
    assert table.filter(trace="best")["cost_epochs"].max() == 99
    assert table.filter(trace="chosen")["cost_epochs"].max() == 100
    assert table.filter(trace="best")["runs"].unique().to_list() == [2]
    assert_frame_equal(table.filter(trace="chosen"), epochs_table(runs).filter(trace="chosen"))


def test_a_run_that_nobody_judged_is_not_taken_for_the_worst() -> None:
    runs = pl.concat([curve(method, seed, REFERENCE) for method in ("full", "fast") for seed in (0, 1)])
    lost = pl.when((pl.col("seed") == 1) & (pl.col("method") == "fast")).then(None).otherwise(pl.col("chosen"))
    assert savings(runs.with_columns(chosen=lost), "full", at=[100]).is_empty()
    assert len(savings(runs, "full", at=[100])) == 1
