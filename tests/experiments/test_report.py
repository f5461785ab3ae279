from __future__ import annotations

import polars as pl

from predictornas.experiments.report import printable


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
            "dB at top 1 %": "3.1 [2.0, 4.0]",
        }
    ]


def test_what_is_missing_is_a_dash() -> None:
    names = ("chosen", "best")
    columns = {f"{name}_{part}": [None] for name in names for part in ("mean", "low", "high", "regret")}
    row = printable(pl.DataFrame({"method": ["a"], "evaluations": [9], "runs": [1], **columns}))[0]
    assert row["chosen, %"] == row["regret"] == "-"
