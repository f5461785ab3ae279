from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.gain import gain_table
from predictornas.analysis.targets import targets_for
from predictornas.errors import UnknownNameError

SEARCH = Path(__file__).parents[2] / "docs" / "results" / "search" / "nasbench101"
TABLE = np.linspace(0.1, 0.29, 20)  # row i has rank i + 1


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _random_runs(n: int, length: int, runs: int, rng: np.random.Generator) -> list[list[int]]:
    return [rng.choice(n, length, replace=False).tolist() for _ in range(runs)]


def test_pooled_and_per_run_by_hand(make_history) -> None:
    """Table of 20; targets with 2 and 4 good cells; two runs of three proposals: hits 2 and 0, then 3 and 1."""
    history = make_history(TABLE, {"a": [[19, 0, 1, 2], [19, 18, 17, 3]]})
    targets = targets_for(TABLE, count=0, errors=[TABLE[1], TABLE[3]])
    table = gain_table(history, TABLE, targets, rng=_rng())
    pooled = table.filter(pl.col("estimator") == "pooled")
    np.testing.assert_allclose(pooled["gain_db"], 10 * np.log10([(21 / 3) / (7 / 3), (21 / 5) / (7 / 5)]))
    per_run = table.filter(pl.col("estimator") == "per_run")
    first = 10 * np.log10((21 / 3) / (4 / 3))  # run 1 is unresolved and left out
    second = 5 * (np.log10((21 / 5) / (4 / 4)) + np.log10((21 / 5) / (4 / 2)))
    np.testing.assert_allclose(per_run["gain_db"], [first, second])
    assert per_run["unresolved_share"].to_list() == [0.5, 0.0]
    assert table.select("proposals", "proposals_total", "runs").unique().rows() == [(3, 6, 2)]
    np.testing.assert_allclose(table["cap_db"], 10 * np.log10([21 / 4, 21 / 5] * 2))
    assert table["table_hits"].to_list() == [2, 4] * 2
    assert table["quantile"].to_list() == [0.1, 0.2] * 2


def test_undefined_and_unresolved_targets(make_history) -> None:
    history = make_history(TABLE, {"a": [[19, 18, 17], [19, 16, 15]]})
    targets = targets_for(TABLE, count=0, errors=[0.05, TABLE[0], TABLE[19]])
    rows = gain_table(history, TABLE, targets, estimators=["pooled"], rng=_rng())
    undefined, unresolved, everything = rows.to_dicts()
    empty = ("gain_db", "low", "high", "cap_db", "null_db", "null_low", "null_high")
    assert [undefined[name] for name in empty] == [None] * len(empty)
    assert (undefined["resolved"], undefined["table_hits"]) == (False, 0)
    assert unresolved["gain_db"] == pytest.approx(10 * np.log10((21 / 2) / 5))  # the bound K + 1, an upper bound
    assert (unresolved["resolved"], unresolved["low"], unresolved["high"]) == (False, None, None)
    assert unresolved["unresolved_share"] == 1
    assert everything["gain_db"] == pytest.approx(0)
    assert everything["resolved"]


def test_perfect_proposals_reach_the_cap(make_history) -> None:
    history = make_history(TABLE, {"a": [[19, 0, 1, 2, 3]]})
    table = gain_table(history, TABLE, targets_for(TABLE, count=100), rng=_rng())
    assert len(table) == 40
    np.testing.assert_allclose(table["gain_db"], table["cap_db"], atol=1e-12)


def test_no_estimator_exceeds_its_cap(make_history) -> None:
    rng = np.random.default_rng(2)
    runs = [[19, *rng.permutation(8)[:6].tolist()] for _ in range(5)]
    estimators = ["pooled", "per_run", "per_iteration", "observed"]
    history = make_history(TABLE, {"a": runs}, per_iteration=2)
    table = gain_table(history, TABLE, targets_for(TABLE), estimators=estimators, rng=_rng())
    assert set(table["estimator"]) == set(estimators)
    assert (table["gain_db"] <= table["cap_db"] + 1e-9).all()


def test_initial_hits_do_not_count(make_history) -> None:
    history = make_history(TABLE, {"a": [[0, 19, 18, 17]]})
    table = gain_table(history, TABLE, targets_for(TABLE, count=0, errors=[TABLE[0]]), rng=_rng())
    assert not table["resolved"].any()


@pytest.mark.slow
def test_random_search_lies_in_the_null_wherever_it_is_resolved(make_history) -> None:
    rng, n = np.random.default_rng(7), 2000
    errors = np.sort(rng.random(n))
    methods = {f"random-{i}": _random_runs(n, 64, 10, rng) for i in range(40)}
    history = make_history(errors, methods, initial=4, per_iteration=4)
    estimators = ["pooled", "per_run", "per_iteration", "observed"]
    table = gain_table(history, errors, targets_for(errors, count=12), estimators=estimators, rng=_rng()).filter(
        pl.col("resolved")
    )
    inside = (pl.col("gain_db") >= pl.col("null_low") - 1e-9) & (pl.col("gain_db") <= pl.col("null_high") + 1e-9)
    shares = table.group_by("estimator").agg(inside.mean().alias("share"), pl.len())
    assert shares["len"].min() > 300
    assert shares["share"].min() > 0.92


def test_a_good_method_stands_above_the_null(make_history) -> None:
    rng, n = np.random.default_rng(7), 2000
    errors = np.sort(rng.random(n))
    good = [[1999, *(rng.permutation(100)[:40]).tolist()] for _ in range(8)]
    table = gain_table(make_history(errors, {"good": good}), errors, targets_for(errors, count=9), rng=_rng())
    middle = table.filter(pl.col("table_hits").is_between(10, 1000))
    assert (middle["low"] > middle["null_high"]).all()


def test_whole_seeds_are_left_out(make_history) -> None:
    """All hits sit in half of the runs: the spread over runs is much wider than that of independent proposals."""
    n = 1000
    errors = np.linspace(0.1, 0.9, n)
    clustered = [[999, *range(10)] for _ in range(6)] + [[999, *range(500, 510)] for _ in range(6)]
    even = [[999, *range(5), *range(500, 505)] for _ in range(12)]
    history = make_history(errors, {"clustered": clustered, "even": even})
    target = targets_for(errors, count=0, errors=[errors[9]])
    table = gain_table(history, errors, target, estimators=["pooled"], rng=_rng())
    clustered_row, even_row = table.to_dicts()
    assert clustered_row["gain_db"] == pytest.approx(even_row["gain_db"])  # 60 hits in 120 proposals, both
    assert (even_row["low"], even_row["high"]) == (None, None)  # runs that are all alike show no spread
    # leaving out a run of ten hits or one of none leaves 50 or 60 hits in 110 proposals: jackknife by hand
    without = 10 * np.log10(1001 / 11 / (111 / (np.repeat([50, 60], 6) + 1)))
    half = 2.2009851600829935 * np.sqrt(11 / 12 * ((without - without.mean()) ** 2).sum())
    centre = clustered_row["gain_db"]
    assert (clustered_row["low"], clustered_row["high"]) == pytest.approx((centre - half, centre + half))


def test_one_run_has_no_interval(make_history) -> None:
    table = gain_table(make_history(TABLE, {"a": [[19, 0, 1]]}), TABLE, targets_for(TABLE), rng=_rng())
    assert table["low"].null_count() == table["high"].null_count() == len(table)
    assert table["gain_db"].null_count() == 0


def test_the_same_generator_gives_the_same_table(make_history) -> None:
    rng = np.random.default_rng(1)
    history = make_history(TABLE, {"a": _random_runs(20, 6, 4, rng), "b": _random_runs(20, 6, 4, rng)})
    targets = targets_for(TABLE)
    first, again, other = (gain_table(history, TABLE, targets, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)  # simulated random searches differ
    assert first.drop("null_db", "null_low", "null_high").equals(other.drop("null_db", "null_low", "null_high"))


def test_intervals_stay_below_the_cap(make_history) -> None:
    runs = [[19, 0, 1, 2], [19, 0, 1, 3], [19, 5, 6, 7]]
    table = gain_table(make_history(TABLE, {"a": runs}), TABLE, targets_for(TABLE), rng=_rng())
    assert (table["high"] <= table["cap_db"]).all()
    assert (table["high"] == table["cap_db"]).any()


def test_a_mean_over_resolved_runs_has_their_spread_alone(make_history) -> None:
    """Two of five runs have a hit, one of them two: one degree of freedom; a single one has no interval."""
    runs = [[19, 0, 1], [19, 0, 10], [19, 10, 11], [19, 12, 13], [19, 14, 15]]
    target = targets_for(TABLE, count=0, errors=[TABLE[0], TABLE[1]])
    table = gain_table(make_history(TABLE, {"a": runs}), TABLE, target, estimators=["per_run"], rng=_rng())
    both, single = 10 * np.log10(21 / 3), 10 * np.log10(21 / 3 / 1.5)
    without = np.array([single, both, *[(both + single) / 2] * 3])
    half = 12.706204736432095 * np.sqrt(4 / 5 * ((without - without.mean()) ** 2).sum())
    assert table["gain_db"][1] == pytest.approx((both + single) / 2)
    assert table["low"][1] == pytest.approx((both + single) / 2 - half)
    lone = gain_table(make_history(TABLE, {"a": runs[1:]}), TABLE, target, estimators=["per_run"], rng=_rng())
    assert lone["low"].null_count() == 2


def test_gains_count_equally_many_evaluations_of_every_run(make_history) -> None:
    """`b` starts with three random cells and `a` with one: all four evaluations of both count, `a`'s fifth does not."""
    history = pl.concat(
        [
            make_history(TABLE, {"a": [[19, 18, 17, 0, 1]]}),
            make_history(TABLE, {"b": [[16, 1, 15, 0]]}, initial=3),
        ]
    )
    target = targets_for(TABLE, count=0, errors=[TABLE[1]])
    table = gain_table(history, TABLE, target, estimators=["pooled", "per_iteration"], rng=_rng())
    sizes = table.select("evaluations", "with_initial", "proposals").unique()
    assert sizes.rows() == [(4, True, 4)]
    a, b = table.filter(pl.col("estimator") == "pooled")["gain_db"]
    assert (a, b) == pytest.approx((10 * np.log10(7 / (5 / 2)), 10 * np.log10(7 / (5 / 3))))
    a, b = table.filter(pl.col("estimator") == "per_iteration")["gain_db"]  # T0 is one more iteration
    assert (a, b) == pytest.approx((10 * np.log10(7 / (7 / 4)), 10 * np.log10(7 / (3 / 2))))
    same_start = history.filter(pl.col("method") == "a")
    alone = gain_table(same_start, TABLE, target, estimators=["pooled"], rng=_rng())
    assert alone.select("evaluations", "with_initial", "proposals").row(0) == (5, False, 4)


def test_unknown_estimators_are_refused(make_history) -> None:
    with pytest.raises(UnknownNameError, match="pooled"):
        gain_table(make_history(TABLE, {"a": [[0, 1]]}), TABLE, targets_for(TABLE), estimators=["polled"], rng=_rng())


@pytest.mark.slow
def test_random_search_on_the_real_table(make_history, test_tables) -> None:
    column = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=["test_accuracy_run0"])
    errors = 1 - column["test_accuracy_run0"].to_numpy()
    runs = _random_runs(len(errors), 150, 20, np.random.default_rng(0))
    history = make_history(errors.astype(np.float64), {"random": runs}, initial=4, per_iteration=4)
    table = gain_table(history, errors, targets_for(errors, count=40), rng=_rng())
    resolved = table.filter(pl.col("resolved"))
    assert (resolved["gain_db"] >= resolved["null_low"] - 0.3).all()
    assert (resolved["gain_db"] <= resolved["null_high"] + 0.3).all()
    assert table["cap_db"].max() == pytest.approx(34.6, abs=0.05)


@pytest.mark.slow
def test_the_published_order_of_one_shot_and_local_search(test_tables) -> None:
    """Without T0 one-shot, which begins with 172 random cells, stands above local search by its smaller K alone."""
    column = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=["test_accuracy_run0"])
    errors = 1 - column["test_accuracy_run0"].to_numpy()
    history = pl.read_parquet(SEARCH / "history.parquet")
    top = targets_for(errors, count=0, errors=[float(np.sort(errors)[round(len(errors) / 1000) - 1])])
    table = gain_table(history, errors, top, estimators=["pooled"], rng=_rng())
    assert table.select("evaluations", "with_initial", "proposals").unique().rows() == [(300, True, 300)]
    gains = dict(table.select("method", "gain_db").iter_rows())
    assert gains["one-shot"] < gains["local-search"]
    alone = {
        method: gain_table(part, errors, top, estimators=["pooled"], rng=_rng()).row(0, named=True)
        for (method,), part in history.partition_by("method", as_dict=True).items()
    }
    assert alone["one-shot"]["gain_db"] > alone["local-search"]["gain_db"]
    assert alone["one-shot"]["proposals"] == 128
    assert alone["one-shot"]["gain_db"] == pytest.approx(17.9, abs=0.05)
