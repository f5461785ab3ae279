from __future__ import annotations

import re

import polars as pl

from predictornas.report.comparison_page import ComparisonTables, ahead_on, comparison_page
from predictornas.report.markup import joined
from predictornas.report.page import rendered
from tests.report.specs import spec_in


def errors(**means: float) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"table": "t", "folder": "f", "method": method, "trace": trace, "evaluations": 30, "mean": mean,
             "std": 0.01, "low": mean - 0.01, "high": mean + 0.01, "runs": 12}
            for trace in ("chosen", "best") for method, mean in means.items()
        ]
    )  # fmt: skip


def pair(a: str, b: str, low: float, high: float, nonzero: int = 12) -> dict[str, object]:
    return {
        "table": "t", "a": a, "b": b, "quantity": "final", "trace": "chosen", "evaluations": 30,
        "difference": (low + high) / 2, "low": low, "high": high, "pairs": 12, "nonzero": nonzero,
    }  # fmt: skip


def said(*pairs: dict[str, object]) -> str:
    found = ahead_on("t", errors(one=0.06, two=0.07, three=0.08), pl.DataFrame(list(pairs)))
    return re.sub("<[^>]+>", "", joined(found))


def test_a_method_is_ahead_where_the_interval_of_the_difference_says_so_either_way_round() -> None:
    text = said(pair("one", "two", -0.02, -0.01), pair("three", "one", 0.01, 0.02))
    assert (
        text
        == "On t, one has the lowest mean error of its choice, 6.00 %. It is ahead of two and three over shared seeds."
    )


def test_an_interval_with_zero_or_too_few_seeds_that_differ_decides_nothing() -> None:
    text = said(pair("one", "two", -0.02, 0.01), pair("three", "one", 0.01, 0.02, nonzero=2))
    assert "Whether it is ahead of two and three cannot be said at this size." in text
    assert "It is ahead of" not in text
    assert "Whether it is ahead of two and three cannot be said" in said(pair("two", "three", -0.02, -0.01))


def test_the_page_holds_a_chart_and_four_tables() -> None:
    found = errors(one=0.06, **{"<two>": 0.07})
    regret = found.with_columns(best_possible=pl.lit(0.05), regret=pl.col("mean") - 0.05)
    ranks = pl.DataFrame(
        {
            "method": ["one", "<two>"],
            "quantity": "final",
            "trace": "chosen",
            "block": "seed",
            "rank": [1.2, 1.8],
            "groups": "1",
        }
    )
    pairs = pl.DataFrame([pair("one", "<two>", -0.02, -0.01)])
    page = rendered(comparison_page(ComparisonTables(found, regret, pairs, ranks)))
    assert page.count("<tbody>") == 4
    assert "<two>" not in page
    assert "Average ranks over seeds." in page
    rows = spec_in(page)["data"]["values"]
    assert [row["error"] for row in rows if row["trace"] == "its choice"] == [6.0, 7.0]
    without = rendered(comparison_page(ComparisonTables(found, regret.clear(), pairs.clear(), ranks.clear())))
    assert without.count("<tbody>") == 1


def test_the_published_runs_are_named_by_the_option_that_asks_for_them() -> None:
    found = pl.concat([errors(one=0.06), errors(two=0.07).with_columns(folder=pl.lit("published:search/t"))])
    regret = found.with_columns(best_possible=pl.lit(0.05), regret=pl.col("mean") - 0.05)
    pairs = pl.DataFrame([pair("one", "two", -0.02, -0.01)])
    tables = ComparisonTables(found, regret, pairs, pl.DataFrame(), notes=("T0 differs.",), against="published")
    shown = rendered(comparison_page(tables, out="compared"))
    assert "predictornas compare f --against published" in re.sub("<[^>]+>", "", shown)
    assert "T0 differs." in shown
    assert "predictornas.runs.studies()" in shown
