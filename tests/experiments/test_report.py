from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.experiments.execution import run_study
from predictornas.experiments.report import filled_shares, printable, report_on, write_report
from predictornas.experiments.study import Study
from predictornas.experiments.targets import study_targets


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
            "chosen, %": "9.12 [9.00, 9.25]",
            "best seen, %": "8.00",
            "regret": "0.46",
            "K": "1,290",
            "dB at top 1 %": "3.1 [2.0, 4.0]",
        }
    ]
    assert printable(summary.with_columns(with_initial=True))[0]["K with T0"] == "1,290"


def test_what_is_missing_is_a_dash() -> None:
    names = ("chosen", "best")
    columns = {f"{name}_{part}": [None] for name in names for part in ("mean", "low", "high", "regret")}
    row = printable(
        pl.DataFrame(
            {"method": ["a"], "evaluations": [9], "runs": [1], "proposals": [8], "with_initial": [False], **columns}
        )
    )[0]
    assert row["chosen, %"] == row["regret"] == "-"


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
    assert [row["pool"] for row in counted] == ["80 % own, 20 % fill", "-"]
    assert "pool" not in printable(summary)[0]


def test_the_ordering_is_reported_where_both_methods_of_a_claim_ran(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictornas.experiments.report._figures", lambda report: {})  # they take most of the time
    study = Study(methods=("random",), budget=12, seeds=(0, 1))
    outcome = run_study(study, tmp_path / "random", workers=1)
    assert outcome.report.ordering.is_empty()
    assert not (outcome.folder / "ordering.csv").exists()

    twins = [
        outcome.history.with_columns(method=pl.lit(method), run_id=pl.col("run_id") + method)
        for method in ("evolutionary-100", "uniform-100")
    ]
    benchmark = study.open()
    targets = study_targets(benchmark.errors(benchmark.signal))
    report = report_on(pl.concat(twins), pl.DataFrame(), benchmark, targets)
    assert set(report.ordering["a"]) == {"evolutionary-100"}
    assert report.ordering["difference"].abs().max() == 0
    assert report.ordering["pairs"].to_list() == [2] * 8  # three traces, twice; two targets
    write_report(tmp_path, report)
    assert (tmp_path / "ordering.csv").read_text().startswith("a,relation,b,quantity,of,difference,low,high,pairs,")
