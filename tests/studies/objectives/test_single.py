from __future__ import annotations

import polars as pl
import pytest

from predictornas.quantity import ERROR, Quantity
from predictornas.studies.objectives import single
from predictornas.studies.objectives.single import printable_single, single_values

HISTORY = pl.DataFrame(
    {
        "method": ["random"] * 6,
        "seed": [0, 0, 0, 1, 1, 1],
        "order": [0, 1, 2, 0, 1, 2],
        "searched_error": [0.2, 0.1, None, None, 0.3, 0.4],
        "judged_error": [0.10, 0.12, None, None, 0.08, 0.09],
    }
)


def test_chosen_is_what_the_search_saw_as_best_and_what_breaks_a_limit_never_is() -> None:
    assert single_values(HISTORY, "error").rows() == [("random", 0, 0.12, 0.10), ("random", 1, 0.08, 0.08)]


def test_errors_are_printed_in_percent_and_other_values_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = [{"method": "random", "chosen, %": "27.4", "dB at median": "1.0"}, {"method": "none", "dB at median": "-"}]
    monkeypatch.setattr(single, "printable", lambda _: gains)
    one = HISTORY.filter(seed=0)
    assert printable_single(one, "error", pl.DataFrame(), ERROR) == [
        {"method": "random", "chosen error, %": "12.00", "best evaluated error, %": "10.00", "dB at median": "1.0"},
        {"method": "none", "chosen error, %": "-", "best evaluated error, %": "-", "dB at median": "-"},
    ]
    plain = Quantity("loss", unit="", offset=0.0, percent=False)
    assert printable_single(one, "error", pl.DataFrame(), plain)[0]["chosen error"] == "0.12"


def test_it_is_said_of_how_many_runs_a_mean_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "printable", lambda _: [{"method": "random"}])
    lost = HISTORY.with_columns(
        judged_error=pl.when(pl.col("seed") == 0).then("judged_error"), searched_error=pl.lit(0.1)
    )
    (shown,) = printable_single(lost, "error", pl.DataFrame(), ERROR)
    assert shown["best evaluated error, %"] == "10.00 (1 of 2 runs)"
    (shown,) = printable_single(HISTORY, "error", pl.DataFrame(), ERROR)
    assert "runs" not in shown["best evaluated error, %"]
