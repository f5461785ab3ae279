from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest

from predictornas.quantity import ERRORS
from predictornas.studies.gain import report as reports
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.report import filled_shares, json_rows, printable, report_on, write_report
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import study_targets


def test_the_summary_is_printed_in_percent_and_db() -> None:
    summary = pl.DataFrame(
        {
            "method": ["random"],
            "evaluations": [100],
            "runs": [20],
            "searched_mean": [0.1],
            "chosen_mean": [0.09123],
            "chosen_low": [0.09],
            "chosen_high": [0.0925],
            "chosen_regret": [0.00456],
            "best_mean": [0.08],
            "best_low": [None],
            "best_high": [None],
            "proposals": [1290],
            "with_initial": [False],
            "gain_db, top 1 %": [3.14159],
            "low, top 1 %": [2.0],
            "high, top 1 %": [4.0],
            "resolved, top 1 %": [True],
        }
    )
    assert printable(summary) == [
        {
            "method": "random",
            "chosen error, %": "9.12 [9.00, 9.25]",
            "best evaluated error, %": "8.00",
            "regret, %": "0.46",
            "K": "1,290",
            "dB at top 1 %": "3.1 [2.0, 4.0]",
        }
    ]
    assert printable(summary.with_columns(with_initial=True))[0]["K with T0"] == "1,290"
    failing = summary.with_columns(
        **{"best_behind": 0.35, "best_behind_low": 0.154, "best_behind_high": 0.592, "quartile_db, top 1 %": 1.25},
        **{"quartile_db, top 0.1 %": pl.lit(None, pl.Float64)},
    )
    shown = printable(failing)[0]
    assert shown["worse than random, %"] == "35 [15, 59]"
    assert shown["lower quartile, dB at top 1 %"] == "1.2"
    assert shown["lower quartile, dB at top 0.1 %"] == "not reached"
    assert printable(failing.with_columns(runs=1))[0].keys() == printable(summary)[0].keys()
    told = json_rows(failing.with_columns(best_median=0.085, searched_low=0.1, searched_high=0.1))[0]
    assert (told["best_behind"], told["best_median"], told["gains"][0]["quartile"]) == (0.35, 0.085, 1.25)


def test_what_is_missing_is_a_dash() -> None:
    names = ("chosen", "best")
    columns = {f"{name}_{part}": [None] for name in names for part in ("mean", "low", "high", "regret")}
    row = printable(
        pl.DataFrame(
            {"method": ["a"], "evaluations": [9], "runs": [1], "proposals": [8], "with_initial": [False], **columns}
        )
    )[0]
    assert row["chosen error, %"] == row["regret, %"] == "-"


POOLS = pl.DataFrame(
    {
        "run_id": ["a", "a", "a", "b", "u"],
        "method": ["likelihood-100"] * 4 + ["uniform-100"],
        "iteration": [1, 1, 2, 1, 1],
        "pool_size": [100, 100, 100, 50, 100],
        "pool_filled": [20, 20, 0, 30, None],
        "target_error": [0.1, 0.2, 0.1, 0.1, 0.1],
    }
)


def test_the_share_filled_uniformly_counts_each_pool_once() -> None:
    assert filled_shares(POOLS).rows() == [("likelihood-100", 50 / 250)]


def test_pools_of_earlier_versions_have_no_share() -> None:
    assert filled_shares(POOLS.drop("pool_filled")).rows() == filled_shares(pl.DataFrame()).rows() == []


def test_the_origin_of_pools_is_printed_where_it_was_counted() -> None:
    columns = {
        f"{name}_{part}": [None] * 2 for name in ("chosen", "best") for part in ("mean", "low", "high", "regret")
    }
    sizes = {"proposals": [8] * 2, "with_initial": [False] * 2}
    summary = pl.DataFrame({"method": ["likelihood-100", "uniform-100"], **sizes, **columns})
    counted = printable(summary.join(filled_shares(POOLS), on="method", how="left"))
    assert [row["filled, %"] for row in counted] == ["20", "-"]
    assert "filled, %" not in printable(summary)[0]


@pytest.mark.slow
def test_the_ordering_is_reported_where_both_methods_of_a_claim_ran(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictornas.studies.gain.report._figures", lambda report: {})  # they take most of the time
    study = Study(methods=("random",), budget=12, seeds=(0, 1))
    outcome = run_study(study, tmp_path / "random", workers=1)
    assert outcome.report.ordering.is_empty()
    assert not (outcome.folder / "ordering.csv").exists()

    twins = [
        outcome.history.with_columns(method=pl.lit(method), run_id=pl.col("run_id") + method)
        for method in ("evolutionary-100", "uniform-100")
    ]
    benchmark = study.open()
    targets = study_targets(benchmark.costs(benchmark.signal))
    history = pl.concat(twins)
    worst = {"iteration": 1, "pool_size": 10, "pool_filled": 0, "target_error": targets["target_error"].max()}
    pools = (
        history.select("run_id", "method", "seed")
        .unique()
        .with_columns(*(pl.lit(value).alias(name) for name, value in worst.items()), pool_hits=pl.lit(10))
    )
    report = report_on(history, pools, benchmark, targets)
    assert report.split["gain_db"].to_list() == [0] * 12  # two methods, two estimators, three parts at the worst error
    assert set(report.ordering["a"]) == {"evolutionary-100"}
    assert report.ordering["difference"].abs().max() == 0
    assert report.ordering["pairs"].to_list() == [2] * 8  # three traces, twice; two targets
    write_report(tmp_path, report)
    assert (tmp_path / "ordering.csv").read_text().startswith("a,relation,b,quantity,of,difference,low,high,pairs,")


def test_the_title_has_a_range_where_methods_differ() -> None:
    sizes = pl.DataFrame({"runs": [20, 20, 20], "evaluations": [300, 150, 200]})
    assert reports._sizes(sizes) == "20 runs of 150-300 evaluations"
    assert reports._sizes(sizes[:1]) == "20 runs of 300 evaluations"


def test_the_summary_is_the_end_of_each_method_and_its_pooled_gain_at_the_named_targets() -> None:
    """Of 1,000 errors 0.001 to 1 the first ten are the top 1 %, and the first alone is the top 0.1 %."""
    ends = [("a", 10, "best", 0.3), ("a", 20, "best", 0.2), ("b", 10, "best", 0.4), ("a", 20, "chosen", 0.25)]
    convergence = pl.DataFrame(ends, schema=("method", "evaluations", "trace", "mean"), orient="row").with_columns(
        runs=pl.lit(5), low=pl.col("mean") - 0.01, high=pl.col("mean") + 0.02, regret=pl.col("mean") - 0.1
    )
    gains = [
        ("a", "pooled", 0.01, 7.0, True),
        ("a", "pooled", 0.001, 9.0, False),
        ("a", "pooled", 0.5, 1.0, True),
        ("a", "per_run", 0.01, 70.0, True),
        ("b", "pooled", 0.01, 5.0, True),
    ]
    gain = pl.DataFrame(gains, schema=("method", "estimator", "target_error", "gain_db", "resolved"), orient="row")
    gain = gain.with_columns(
        low=pl.col("gain_db") - 1,
        high=pl.col("gain_db") + 1,
        null_low=pl.col("gain_db") - 6,
        null_high=pl.col("gain_db") - 5,
        proposals=19,
        with_initial=False,
    )
    a, b = reports._summary(gain, convergence, np.arange(1, 1001) / 1000).sort("method").to_dicts()
    assert (a["evaluations"], a["runs"], a["proposals"], b["evaluations"]) == (20, 5, 19, 10)
    assert [a[f"best_{name}"] for name in ("mean", "low", "high", "regret")] == pytest.approx([0.2, 0.19, 0.22, 0.1])
    assert (a["chosen_mean"], b["best_mean"], b["chosen_mean"]) == (0.25, 0.4, None)
    assert "recommended_mean" not in a
    names = ("gain_db", "low", "high", "resolved", "null_low", "null_high")
    assert [a[f"{name}, top 1 %"] for name in names] == [7, 6, 8, True, 1, 2]
    assert [a[f"{name}, top 0.1 %"] for name in names] == [9, 8, 10, False, 3, 4]
    assert (b["gain_db, top 1 %"], b["gain_db, top 0.1 %"]) == (5, None)


def test_a_bound_is_marked_and_a_half_known_interval_is_left_out() -> None:
    columns = {f"chosen_{name}": [0.5] for name in ("mean", "low", "regret")} | {"chosen_high": [None]}
    sizes = {"proposals": [8], "with_initial": [False]}
    gains = {f"{name}, top 1 %": [value] for name, value in (("gain_db", 1.0), ("low", None), ("high", None))}
    summary = pl.DataFrame({"method": ["a"], **columns, **sizes, **gains, "resolved, top 1 %": [False]})
    (row,) = printable(summary)
    assert row == {"method": "a", "chosen error, %": "50.00", "regret, %": "50.00", "K": "8", "dB at top 1 %": "<= 1.0"}


def test_seconds_have_a_figure_where_the_table_knows_them_and_the_split_where_there_are_pools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, names in (
        ("convergence", ["convergence"]),
        ("distribution", ["distribution"]),
        ("gain", ["gain", "split"]),
    ):
        for name in names:
            monkeypatch.setattr(
                f"predictornas.plots.{module}.draw_{name}",
                lambda *_, name=name, note, axis="evaluations", **_read: (name, axis, note),
            )
    known = Mock(reports.Report, convergence=pl.DataFrame({"cost_seconds": [1.0]}), split=pl.DataFrame({"a": [1]}))
    some = Mock(reports.Report, convergence=pl.DataFrame({"cost_seconds": [1.0, None]}), split=pl.DataFrame())
    for report in (known, some):
        report.gain = report.distribution = report.oracles = None
        report.title, report.quantities = "T", ERRORS
    always = {name: (name, "evaluations", "T.") for name in ("gain", "convergence", "distribution")}
    assert reports._figures(some) == always
    assert reports._figures(known) == {
        **always,
        "split": ("split", "evaluations", "T."),
        "convergence-seconds": ("convergence", "seconds", "T."),
    }


def test_a_gain_without_an_interval_stands_beside_what_random_search_shows() -> None:
    columns = {f"chosen_{name}": [0.5] for name in ("mean", "low", "high", "regret")}
    gains = {"gain_db": 12.34, "low": None, "high": None, "resolved": True, "null_low": 9.61, "null_high": 10.8}
    named = {f"{name}, top 1 %": [value] for name, value in gains.items()}
    summary = pl.DataFrame({"method": ["a"], **columns, "proposals": [8], "with_initial": [False], **named})
    assert printable(summary)[0]["dB at top 1 %"] == "12.3 (random search 9.6 to 10.8)"
    several = summary.with_columns(pl.Series("low, top 1 %", [11.0]), pl.Series("high, top 1 %", [13.0]))
    assert printable(several)[0]["dB at top 1 %"] == "12.3 [11.0, 13.0]"
    bound = summary.with_columns(pl.Series("resolved, top 1 %", [False]))
    assert printable(bound)[0]["dB at top 1 %"] == "<= 12.3"
