import numpy as np
import polars as pl
import pytest

from predictornas.analysis.gain import gain_table
from predictornas.analysis.split import split_table
from predictornas.analysis.targets import targets_for
from predictornas.errors import DataError, UnknownNameError

TABLE = np.linspace(0.1, 0.29, 20)


def _pools(method: str, grid: list[float], runs: list[list[list[int]]]) -> pl.DataFrame:
    """Pools named by the rows of the table that they hold, iteration by iteration, run by run."""
    rows = [
        {
            "run_id": f"{method}/{seed}",
            "method": method,
            "seed": seed,
            "iteration": iteration,
            "pool_size": len(pool),
            "target_error": target,
            "pool_hits": int((TABLE[pool] <= target).sum()),
        }
        for seed, run in enumerate(runs)
        for iteration, pool in enumerate(run, start=1)
        for target in grid
    ]
    return pl.DataFrame(rows)


def _parts(table: pl.DataFrame, estimator: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    rows = table.filter(pl.col("estimator") == estimator)
    sampler, predictor, total = (rows.filter(pl.col("part") == part) for part in ("sampler", "predictor", "total"))
    return sampler, predictor, total


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_split_by_hand(make_history) -> None:
    """One run, two proposals from pools of 4 and 5 with 2 and 1 cells among the table's best 4; one proposal hits."""
    history = make_history(TABLE, {"a": [[19, 0, 10]]})
    pools = _pools("a", [TABLE[3]], [[[0, 1, 8, 9], [3, 10, 11, 12, 13]]])
    for estimator in ("pooled", "per_run"):
        sampler, predictor, total = _parts(split_table(history, pools, TABLE, rng=_rng()), estimator)
        e_table, e_pool, e_proposed = 21 / 5, 10 / 4, 3 / 2
        assert sampler["gain_db"][0] == pytest.approx(10 * np.log10(e_table / e_pool))
        assert predictor["gain_db"][0] == pytest.approx(10 * np.log10(e_pool / e_proposed))
        assert total["gain_db"][0] == pytest.approx(10 * np.log10(e_table / e_proposed))


def test_parts_add_up_to_the_gain(make_history) -> None:
    rng = np.random.default_rng(6)
    grid = TABLE[[0, 1, 3, 7, 12, 19]].tolist()
    chosen, pools = [], []
    for _ in range(6):
        pool = [rng.choice(20, 7, replace=False).tolist() for _ in range(4)]
        chosen.append([19, *dict.fromkeys(min(members) for members in pool)])
        pools.append(pool)
    history, pool_table = make_history(TABLE, {"a": chosen}), _pools("a", grid, pools)
    split = split_table(history, pool_table, TABLE, rng=_rng())
    gain = gain_table(history, TABLE, targets_for(TABLE, count=0, errors=grid), rng=_rng())
    for estimator in ("pooled", "per_run"):
        sampler, predictor, total = _parts(split, estimator)
        np.testing.assert_allclose(sampler["gain_db"] + predictor["gain_db"], total["gain_db"], atol=1e-12, rtol=0)
        own = gain.filter(pl.col("estimator") == estimator)
        np.testing.assert_allclose(total["gain_db"], own["gain_db"], atol=1e-12, rtol=0)
        for column in ("cap_db", "proposals", "proposals_total", "runs", "table_hits", "quantile", "unresolved_share"):
            assert total[column].to_list() == own[column].to_list()


def test_the_whole_table_as_pool_gives_the_sampler_nothing(make_history) -> None:
    history = make_history(TABLE, {"exhaustive": [[19, 0, 1]]})
    pools = _pools("exhaustive", TABLE.tolist(), [[list(range(20)), list(range(20))]])
    sampler, _, _ = _parts(split_table(history, pools, TABLE, rng=_rng()), "pooled")
    repeated = 10 * np.log10(21 / (np.arange(1, 21) + 1) / (41 / (2 * np.arange(1, 21) + 1)))
    np.testing.assert_allclose(sampler["gain_db"], repeated)
    assert sampler["gain_db"][-1] == pytest.approx(0)


def test_undefined_and_unresolved(make_history) -> None:
    history = make_history(TABLE, {"a": [[19, 10, 11]]})
    pools = _pools("a", [TABLE[0], TABLE[5], TABLE[11]], [[[3, 10, 18], [4, 11, 17]]])
    split = split_table(history, pools, TABLE, estimators=["pooled"], rng=_rng())
    sampler, predictor, total = _parts(split, "pooled")
    assert [part["gain_db"][0] for part in (sampler, predictor, total)] == [None] * 3  # no pool member is the best cell
    assert sampler["resolved"].to_list() == [False, True, True]
    assert predictor["resolved"].to_list() == total["resolved"].to_list() == [False, False, True]
    assert predictor["gain_db"][1] == pytest.approx(10 * np.log10(7 / 3 / 3))  # pool 7/3, proposals at the bound 3


def test_the_share_of_runs_without_a_hit_is_that_of_pools_for_the_sampler(make_history) -> None:
    """Of four runs three have the best cell in a pool, and one proposes it; all have the second target."""
    history = make_history(TABLE, {"a": [[19, 0], [19, 5], [19, 6], [19, 4]]})
    pools = _pools("a", [TABLE[0], TABLE[6]], [[[0, 1]], [[0, 5]], [[0, 6]], [[4, 5]]])
    for estimator in ("pooled", "per_run"):
        sampler, predictor, total = _parts(split_table(history, pools, TABLE, rng=_rng()), estimator)
        assert sampler["unresolved_share"].to_list() == [0.25, 0.0]
        assert predictor["unresolved_share"].to_list() == total["unresolved_share"].to_list() == [0.75, 0.0]


def test_runs_without_a_hit_count_for_neither_side_of_per_run_by_hand(make_history) -> None:
    """Only the first run has a hit in its pool (2 of 3) and among its proposals (1 of 2): (21 / 3) against 4 / 3."""
    history = make_history(TABLE, {"a": [[19, 0, 10], [19, 11, 12], [19, 13, 14]]})
    pools = _pools("a", [TABLE[1]], [[[0, 1, 10]], [[0, 11, 12]], [[12, 13, 14]]])
    sampler, predictor, total = _parts(split_table(history, pools, TABLE, rng=_rng()), "per_run")
    assert sampler["gain_db"][0] == pytest.approx(10 * np.log10(21 / 3 / (4 / 3)))
    assert predictor["gain_db"][0] == pytest.approx(10 * np.log10(4 / 3 / (3 / 2)))
    assert total["gain_db"][0] == pytest.approx(10 * np.log10(21 / 3 / (3 / 2)))


def test_methods_without_pools_are_left_out(make_history) -> None:
    history = make_history(TABLE, {"a": [[19, 0], [19, 1]], "random": [[3, 4], [5, 6]]})
    pools = _pools("a", [TABLE[4]], [[[0, 12]], [[1, 13]]])
    assert set(split_table(history, pools, TABLE, rng=_rng())["method"]) == {"a"}


def test_pools_and_proposals_of_a_run_are_left_out_together(make_history) -> None:
    """A run's pool and its proposals move together: here the predictor's part is the same in every run."""
    history = make_history(TABLE, {"a": [[19, 0], [19, 15], [19, 0], [19, 15]]})
    pools = _pools("a", [TABLE[4]], [[[0]], [[15]], [[0]], [[15]]])
    sampler, predictor, _ = _parts(split_table(history, pools, TABLE, rng=_rng()), "pooled")
    assert (predictor["low"][0], predictor["high"][0]) == (None, None)  # no spread, so nothing to say about it
    assert sampler["high"][0] - sampler["low"][0] > 3


def test_parts_have_the_jackknife_interval_of_their_own_means(make_history) -> None:
    """Three runs with pools of three hold 1, 2, 2 good cells; leaving one out leaves 4, 3, 3 of 6."""
    history = make_history(TABLE, {"a": [[19, 0], [19, 1], [19, 15]]})
    pools = _pools("a", [TABLE[4]], [[[0, 10, 11]], [[1, 2, 12]], [[3, 4, 15]]])
    sampler, _, total = _parts(split_table(history, pools, TABLE, rng=_rng()), "pooled")
    without = 10 * np.log10((np.array([4, 3, 3]) + 1) / 7)
    half = 4.302652729696142 * np.sqrt(2 / 3 * ((without - without.mean()) ** 2).sum())
    centre = 10 * np.log10(21 / 6 / (10 / 6))
    assert (sampler["low"][0], sampler["high"][0]) == pytest.approx((centre - half, centre + half))
    assert total["high"][0] == total["cap_db"][0]  # the interval ends where no method can be


def test_an_initial_set_that_counts_is_a_pool_of_its_own(make_history) -> None:
    """`a` starts with one random cell and `b` with two: both count with three evaluations and the pools up to there."""
    history = pl.concat(
        [make_history(TABLE, {"a": [[19, 0, 12, 3]]}), make_history(TABLE, {"b": [[1, 18, 2]]}, initial=2)]
    )
    pools = pl.concat(
        [_pools("a", [TABLE[3]], [[[0, 9, 10], [11, 12], [2, 3, 4]]]), _pools("b", [TABLE[3]], [[[2, 8, 9, 10]]])]
    )
    split = split_table(history, pools, TABLE, estimators=["pooled"], rng=_rng())
    sampler, predictor, total = _parts(split, "pooled")
    table, in_pools, proposed = 21 / 5, np.array([7 / 2, 7 / 3]), np.array([4 / 2, 4 / 3])
    np.testing.assert_allclose(sampler["gain_db"], 10 * np.log10(table / in_pools))
    np.testing.assert_allclose(predictor["gain_db"], 10 * np.log10(in_pools / proposed))
    np.testing.assert_allclose(total["gain_db"], 10 * np.log10(table / proposed))
    assert split.select("evaluations", "with_initial", "proposals").unique().rows() == [(3, True, 3)]


def test_pools_that_do_not_belong_are_refused(make_history) -> None:
    history = make_history(TABLE, {"a": [[19, 0, 1], [19, 2, 3]]})
    one_run = _pools("a", [TABLE[4]], [[[0], [1]]])
    with pytest.raises(DataError, match="a/1"):
        split_table(history, one_run, TABLE, rng=_rng())
    uneven = pl.concat([_pools("a", TABLE[[4, 5]].tolist(), [[[0]], [[2]]]), one_run.filter(pl.col("iteration") == 2)])
    with pytest.raises(DataError, match="a/0"):
        split_table(history, uneven, TABLE, rng=_rng())
    other = _pools("a", TABLE[[4, 5]].tolist(), [[[0]], [[2], [3]]])
    lacking = other.filter((pl.col("iteration") == 1) | (pl.col("target_error") == TABLE[4]))
    with pytest.raises(DataError, match="a/1"):
        split_table(history, lacking, TABLE, rng=_rng())
    with pytest.raises(UnknownNameError, match="observed"):
        split_table(history, one_run, TABLE, estimators=["observed"], rng=_rng())
