"""What the document of expected gains says of committed searches follows from their histories."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau

from predictornas.analysis.early_stopping import saving_from_pilot
from predictornas.analysis.lift import TopScores
from predictornas.benchmarks.catalog import open_benchmark
from tests.test_results import RESULTS, script

FOLDER = RESULTS / "expected-gain"


@pytest.mark.slow
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("method", ["rank-nosh-30", "rank-nosh-50", "rank-nosh-70"])
def test_who_survived_follows_from_the_history(method: str) -> None:
    table, trained = open_benchmark("nasbench101-digits"), {}
    judged = dict(zip(table.keys.tolist(), table.values(table.evaluation).tolist(), strict=True))
    history = pl.read_parquet(RESULTS / "nosh" / "digits" / "history.parquet").filter(method=method)
    for seed, key, epochs in history.select("seed", "key", "epochs").iter_rows():
        trained[seed, key] = max(epochs, trained.get((seed, key), 0))
    ends = []
    for seed in range(20):
        own = sorted((-judged[key], epochs) for (run, key), epochs in trained.items() if run == seed)
        ends += [epochs == 9 for _, epochs in own[:2]]
    rows = pl.read_csv(FOLDER / "chosen.csv", infer_schema_length=None)
    row = rows.filter(table="nasbench101-digits", method=method, judged="evaluation").row(0, named=True)
    assert row["measured"] == pytest.approx(np.mean(ends))
    assert row["candidates"] == round(len(trained) / 20)
    saved = pl.read_csv(RESULTS / "nosh" / "digits" / "savings.csv", infer_schema_length=None)
    at = saved.filter(method=method, reference="rank-full", trace="best", at=180).row(0, named=True)
    assert (row["saved"], row["saved_low"], row["saved_high"]) == pytest.approx((at["factor"], at["low"], at["high"]))


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_what_pilots_say_is_as_far_off_as_others_are() -> None:
    rows = pl.read_csv(FOLDER / "pilots.csv", infer_schema_length=None)
    row = rows.filter(table="nasbench101-digits", ratio=0.3).row(0, named=True)
    table = open_benchmark("nasbench101-digits")
    curves = np.stack([table.values(f"valid_accuracy_{epochs}_run0") for epochs in (1, 3, 9)], axis=1)
    rng, found = np.random.default_rng(99), []
    for _ in range(60):
        own = curves[rng.choice(len(curves), 30, replace=False)]
        saving = saving_from_pilot(
            own, (1, 3, 9), ratio=Fraction(3, 10), candidates=row["candidates"], draws=1, rng=rng
        )
        found.append(abs(saving.factor / row["measured"] - 1))
    assert np.median(found) == pytest.approx(row["copula_median"], abs=0.06)


def test_parts_of_a_pool_by_hand() -> None:
    # ten good ones in 100 of which the table has one: 10 dB; Phi(2 - 1.2816) / 0.1 of them are taken, and 8 were
    facts = {"table": "t", "pool_size": 100, "target": "top", "learned_from": "uniform", "pool": "uniform"}
    counted = {
        "share": 0.01,
        "evaluations": 20,
        "members": 100,
        "batch": 10,
        "scores": [1.0] * 5 + [3.0] * 5,
        "taken": 8,
    }
    (row,) = script("expected_pools").summary(pl.DataFrame([facts | counted])).to_dicts()
    assert (row["mean"], row["spread"], row["sampler_db"]) == pytest.approx((2.0, 1.0, 10.0))
    assert row["predictor_db"] == pytest.approx(10 * np.log10(7.6375), abs=0.01)
    assert row["counted_db"] == pytest.approx(10 * np.log10(8))


def test_gains_of_pools_are_those_of_the_committed_split() -> None:
    rows = pl.read_csv(FOLDER / "pools.csv", infer_schema_length=None).drop_nulls("total_gain_db")
    assert len(rows) == 16
    for row in rows.to_dicts():
        assert row["sampler_gain_db"] + row["predictor_gain_db"] == pytest.approx(row["total_gain_db"], abs=1e-4)
        split = pl.read_csv(RESULTS / "efficient-sampling" / row["table"] / "split.csv", infer_schema_length=None)
        method = f"{row['pool']}-{row['pool_size']}"
        of_method = split.filter(method=method, estimator="pooled", part="total")
        near = of_method.filter((pl.col("gain_db") - row["total_gain_db"]).abs() < 1e-9)
        share = {"top 0.1 %": 0.001, "top 1 %": 0.01}[row["target"]]
        size = 423_624 if row["table"] == "nasbench101" else 15_625
        assert near["table_hits"][0] / size == pytest.approx(share, rel=0.1)


def test_how_near_chance_leaves_what_is_told() -> None:
    found = pl.read_csv(FOLDER / "pilots" / "comparison.csv", infer_schema_length=None).filter("resolved")
    assert len(found["table"].unique()) == 4
    rng = np.random.default_rng(0)
    for row in found.to_dicts()[::40]:
        # Student's t: 20 searches leave 19 degrees of freedom, six pilots five
        for name, width, factor in (
            ("if_exact", row["measured_db"] - row["measured_low"], 2.093),
            ("if_chance", row["expected_db"] - row["expected_low"], 2.571),
        ):
            errors = rng.normal(0, width / factor, 200_000)
            assert np.mean(np.abs(errors) < 2) == pytest.approx(row[name], abs=0.005)


def test_predictors_that_are_made_know_what_they_are_said_to_know() -> None:
    made, rng = script("expected_synthetic"), np.random.default_rng(0)
    quality = np.sort(rng.normal(size=4000))[::-1]
    same, alike = (made.Made(quality, degraded=degraded, tau=0.5).scores(rng) for degraded in (False, True))
    assert kendalltau(same, quality).statistic == pytest.approx(0.5, abs=0.02)
    assert kendalltau(same[:400], quality[:400]).statistic > 0.1
    assert abs(kendalltau(alike[:400], quality[:400]).statistic) < 0.1
    sure = made.Made(quality, degraded=False, tau=0.999)
    reached = np.arange(4000)[None] < np.array([[70], [4000]])
    best, all_of_them = made.searched(sure, reached, None, anew=True, rng=rng)
    assert all_of_them == made.BATCH * made.ITERATIONS
    assert best >= 60  # but for those that the random beginning took
    assert made.beyond(TopScores(1.0, 0.5), 100) == pytest.approx((1.2816 - 1) / 0.5, abs=1e-3)
