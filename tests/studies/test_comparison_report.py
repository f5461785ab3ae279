from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from predictornas.analysis.ranking import rank_table
from predictornas.studies.comparison import Comparison
from predictornas.studies.comparison_report import printable_comparison, write_comparison


def _summary(means: dict[str, float], best_possible: float | None = None) -> pl.DataFrame:
    rows = [
        {"table": "toy", "folder": "x", "method": method, "trace": "best", "evaluations": 150, "mean": mean}
        | {"std": 0.01, "low": mean - 0.001, "high": mean + 0.002, "runs": 20, "best_possible": best_possible}
        for method, mean in means.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"best_possible": pl.Float64})


def _pair(a: str, b: str, quantity: str, difference: float, nonzero: int = 20) -> dict[str, object]:
    facts = {"table": "toy", "a": a, "b": b, "quantity": quantity, "trace": "best", "evaluations": 150}
    return (
        facts
        | {"difference": difference, "low": difference - 0.001, "high": difference + 0.002}
        | {"pairs": 20, "nonzero": nonzero}
    )


@pytest.fixture
def comparison() -> Comparison:
    """Final error best for b, regret best for a; c has no pair with b."""
    pairs = [_pair("a", "b", "final", 0.01), _pair("a", "c", "final", -0.01), _pair("a", "b", "regret", -0.003, 9)]
    values = pl.DataFrame([(m, s, e) for s in range(3) for m, e in (("a", 2.0), ("b", 1.0))], orient="row")
    ranks = rank_table(values.rename({"column_0": "method", "column_1": "block", "column_2": "value"}))
    facts = {"quantity": "final", "trace": "best", "block": "seed"}
    return Comparison(
        errors=_summary({"a": 0.07, "b": 0.06, "c": 0.08}).drop("best_possible"),
        regret=_summary({"a": 0.072, "b": 0.075, "c": 0.09}, best_possible=0.05).with_columns(
            regret=pl.col("mean") - pl.col("best_possible")
        ),
        pairs=pl.DataFrame(pairs),
        ranks=ranks.select(*(pl.lit(value).alias(name) for name, value in facts.items()), "*"),
    )


def test_sections_as_a_person_reads_them(comparison: Comparison) -> None:
    (errors, regret, pairs, ranks) = printable_comparison(comparison)
    assert errors[0] == "toy: error after 150 evaluations, %"
    assert errors[1][0] == {"method": "a", "runs": "20", "best": "7.00 [6.90, 7.20]"}
    assert regret[1][1] == {"method": "b", "best": "2.500 [2.400, 2.700]"}
    assert pairs[0].endswith("; * undecided, fewer than 10 seeds differ")
    assert pairs[1] == [
        {"method": "a", "final best": "1.000 [0.900, 1.200]", "regret best": "best"},
        {"method": "b", "final best": "best", "regret best": "0.300 [0.100, 0.400] *"},
    ]  # c shares no seeds with the best, b
    assert ranks[1][:2] == [
        {"method": "b", "final best": "1.00 (1)"},
        {"method": "a", "final best": "2.00 (1)"},
    ]  # three blocks of two: CD = 1.960 sqrt(6 / 18) = 1.13
    assert ranks[1][2:] == [
        {"method": "number of seeds", "final best": "3"},
        {"method": "critical difference", "final best": "1.13"},
        {"method": "p (Friedman)", "final best": "0.083"},  # chi-square 3 with one degree of freedom
        {"method": "p (Iman-Davenport)", "final best": "-"},
    ]


def test_every_pair(comparison: Comparison) -> None:
    rows = printable_comparison(comparison, every_pair=True)[2][1]
    assert rows == [
        {"a": "a", "b": "b", "final best": "1.000 [0.900, 1.200]", "regret best": "-0.300 [-0.400, -0.100] *"},
        {"a": "a", "b": "c", "final best": "-1.000 [-1.100, -0.800]", "regret best": "-"},
    ]


def test_what_rounds_to_zero_has_no_sign(comparison: Comparison) -> None:
    pair = _pair("a", "b", "final", -1e-6) | {"low": -4.9e-6, "high": 4.9e-6}
    rows = printable_comparison(replace(comparison, pairs=pl.DataFrame([pair])), every_pair=True)[2][1]
    assert rows[0]["final best"] == "0.000 [0.000, 0.000]"


def test_without_the_table_and_without_pairs(comparison: Comparison) -> None:
    lone = Comparison(
        errors=comparison.errors.with_columns(low=None, high=None, runs=1),
        regret=comparison.regret.with_columns(best_possible=pl.lit(None, pl.Float64)),
        pairs=comparison.pairs.clear(),
        ranks=comparison.ranks.clear(),
    )
    errors, regret = printable_comparison(lone)
    assert errors[1][0]["best"] == "7.00"
    assert "the best possible is unknown" in regret[0]
    assert regret[1][0]["best"] == "7.200 [7.100, 7.400]"


def test_files(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(tmp_path, comparison)
    assert pl.read_csv(tmp_path / "pairs.csv")["difference"].to_list() == [0.01, -0.01, -0.003]
    assert pl.read_csv(tmp_path / "ranks.csv")["rank"].to_list() == [1, 2]
    assert (tmp_path / "ranks.png").stat().st_size > 3_000
    without = Comparison(comparison.errors, comparison.regret, comparison.pairs, comparison.ranks.clear())
    write_comparison(tmp_path / "other", without)
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == [
        "errors.csv", "manifest.json", "pairs.csv", "ranks.csv", "regret.csv", "report.html"
    ]  # fmt: skip
