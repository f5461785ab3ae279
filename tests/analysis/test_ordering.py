import numpy as np
import polars as pl
import pytest

from predictornas.analysis.ordering import (
    ERROR_MARGIN,
    GAIN_MARGIN,
    PAPER_CLAIMS,
    Claim,
    Relation,
    _holds,
    _row,
    _Values,
    ordering_table,
    verdict,
)
from predictornas.analysis.statistics import Difference
from predictornas.errors import DataError

# 99 cells: signal error i percent, evaluation error half of that
SIGNAL = np.arange(1, 100) / 100
EVALUATION = SIGNAL / 2


@pytest.fixture
def history(make_history) -> pl.DataFrame:
    """Run by run, `a` ends on a cell that is 9, 10, 11 points better, four times; T0 is cell 90, then two proposals."""
    runs = {
        "a": [[90, 20, 60], [90, 21, 0], [90, 22, 60]] * 4,
        "b": [[90, 29, 60], [90, 31, 10], [90, 60, 33]] * 4,
        "c": [[90, 30, 60]],
    }
    return make_history(SIGNAL, runs, evaluation_errors=EVALUATION)


def table(history: pl.DataFrame, *claims: Claim, **targets: float) -> pl.DataFrame:
    return ordering_table(history, SIGNAL, targets or {"top": 0.02}, claims=claims)


def row(result: pl.DataFrame, quantity: str, of: str) -> dict[str, object]:
    return result.row(by_predicate=(pl.col("quantity") == quantity) & (pl.col("of") == of), named=True)


def test_differences_by_hand(history: pl.DataFrame) -> None:
    result = table(history, Claim("a", "better", "b"))
    searched = row(result, "final", "searched")  # 0.21, 0.01, 0.23 against 0.3, 0.11, 0.34
    assert searched["difference"] == pytest.approx(-0.1)
    half = 2.2009851600829935 * np.sqrt(8 * 0.01**2 / 11 / 12)  # t of 11 degrees; eight of twelve lie a point off
    assert (searched["low"], searched["high"]) == pytest.approx((-0.1 - half, -0.1 + half))
    assert (searched["pairs"], searched["nonzero"], searched["evaluations"]) == (12, 12, 3)
    assert (searched["verdict"], searched["holds"], searched["beyond_margin"]) == ("better", True, False)
    assert row(result, "final", "chosen")["difference"] == pytest.approx(-0.05)
    assert row(result, "final", "best")["difference"] == pytest.approx(-0.05)
    # mean over three evaluations of the searched error of a - b: (-.09 - .09)/3, (-.1 - .1)/3, (-.38 - .11)/3
    assert row(result, "regret", "searched")["difference"] == pytest.approx(-0.87 / 9)
    # the best two of 99 cells are two successes; only every third run of a has one among its two proposals
    gain = row(result, "gain", "top")
    assert gain["difference"] == pytest.approx(10 * np.log10(2) / 3)
    assert (gain["unresolved_a"], gain["unresolved_b"]) == (8, 12)
    assert (gain["margin"], gain["evaluations"], gain["proposals"]) == (1.0, 3, 2)
    assert gain["low"] > 0  # but four seeds that differ are too few for a verdict
    assert (gain["nonzero"], gain["verdict"], gain["holds"]) == (4, "undecided", None)


def test_the_other_side_of_a_claim(history: pl.DataFrame) -> None:
    result = table(history, Claim("b", "better", "a"), Claim("b", "not worse", "a"))
    better, not_worse = result.filter((pl.col("quantity") == "final") & (pl.col("of") == "chosen")).to_dicts()
    assert better["difference"] == not_worse["difference"] == pytest.approx(0.05)
    assert better["verdict"] == not_worse["verdict"] == "worse"
    assert better["beyond_margin"]
    assert better["holds"] is False
    assert not_worse["holds"] is False


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 2.0, "better"),
        (0.0, 2.0, "not worse"),
        (-1.0, 3.0, "not worse"),
        (-1.1, 3.0, "undecided"),
        (-0.5, -0.1, "worse"),
        (-3.0, -2.0, "worse"),
    ],
)
def test_verdicts_with_a_margin_of_one(low: float, high: float, expected: str) -> None:
    assert verdict(low, high, 1.0) == expected


def test_equal_methods_decide_nothing(make_history) -> None:
    runs = [[90, 20, 60], [90, 21, 0]] * 6
    history = make_history(SIGNAL, {"a": runs, "b": runs}, evaluation_errors=EVALUATION)
    result = table(history, Claim("a", "not worse", "b"), Claim("a", "better", "b"))
    assert set(result["verdict"]) == {"undecided"}
    assert result["holds"].null_count() == result["low"].null_count() == len(result)


@pytest.mark.parametrize(("differ", "expected"), [(9, "undecided"), (10, "better")])
def test_a_verdict_needs_ten_seeds_in_which_the_methods_differ(make_history, differ: int, expected: str) -> None:
    """Nine ties with nine differences leave an interval without zero, and yet no verdict."""
    a = [[90, 20 + seed % 3, 60] for seed in range(differ)] + [[90, 40, 60]] * 9
    b = [[90, 30, 60]] * differ + [[90, 40, 60]] * 9
    final = row(table(make_history(SIGNAL, {"a": a, "b": b}), Claim("a", "better", "b")), "final", "searched")
    assert (final["nonzero"], final["pairs"]) == (differ, differ + 9)
    assert final["high"] < 0
    assert final["verdict"] == expected
    assert final["holds"] is (True if expected == "better" else None)
    assert not final["beyond_margin"]


def test_a_spread_of_zero_decides_nothing(make_history) -> None:
    """Twelve seeds, always ten points better: no spread is known, so no interval either."""
    history = make_history(SIGNAL, {"a": [[90, 20, 60]] * 12, "b": [[90, 30, 60]] * 12})
    final = row(table(history, Claim("b", "not worse", "a")), "final", "searched")
    assert (final["difference"], final["low"], final["high"]) == (pytest.approx(0.1), None, None)
    assert (final["verdict"], final["holds"], final["beyond_margin"]) == ("undecided", None, False)


def test_only_seeds_of_both_count_and_one_is_too_few(history: pl.DataFrame) -> None:
    assert table(history, Claim("a", "better", "c"), Claim("a", "better", "absent")).is_empty()
    shared = history.filter((pl.col("method") == "b") | (pl.col("seed") > 0))
    assert set(table(shared, Claim("a", "better", "b"))["pairs"]) == {11}


def test_a_claim_is_about_its_quantities_and_a_trace_needs_values(history: pl.DataFrame) -> None:
    assert set(table(history, Claim("a", "better", "b", about=("gain",)))["quantity"]) == {"gain"}
    unjudged = history.with_columns(evaluation=pl.lit(None, pl.Float64))
    result = table(unjudged, Claim("a", "better", "b", about=("final", "regret")))
    assert list(zip(result["quantity"], result["of"], strict=True)) == [("final", "searched"), ("regret", "searched")]


def test_targets_that_the_table_does_not_reach_are_left_out(history: pl.DataFrame) -> None:
    result = table(history, Claim("a", "better", "b", about=("gain",)), never=0.001, half=0.5, top=0.02)
    assert result["of"].to_list() == ["half", "top"]


def test_two_runs_of_a_seed_are_refused(history: pl.DataFrame) -> None:
    twice = history.with_columns(seed=pl.when(pl.col("method") == "a").then(0).otherwise(pl.col("seed")))
    with pytest.raises(DataError, match="a has 12 runs of seed 0"):
        table(twice, Claim("a", "better", "b"))


def test_the_paper_claims_what_its_text_says() -> None:
    said = {(claim.a, claim.relation, claim.b) for claim in PAPER_CLAIMS}
    for size in (100, 1000):
        assert (f"evolutionary-{size}", "not worse", "exhaustive") in said
        assert (f"evolutionary-{size}", "better", f"uniform-{size}") in said
    by_gain = [claim for claim in PAPER_CLAIMS if claim.a.startswith("likelihood")]
    assert [claim.about for claim in by_gain] == [("gain",), ("gain",)]


def test_not_worse_is_up_to_a_twentieth_of_a_point_of_error_and_one_decibel() -> None:
    assert (ERROR_MARGIN, GAIN_MARGIN) == (0.0005, 1.0)


@pytest.mark.parametrize(
    ("relation", "low", "high", "expected"),
    [
        ("better", 0.1, 2.0, True),
        ("better", 0.0, 2.0, None),
        ("better", -2.0, 0.0, False),
        ("better", -2.0, 0.1, None),
        ("not worse", -1.0, 0.0, True),
        ("not worse", -1.1, 0.0, None),
        ("not worse", -2.0, -1.0, None),
        ("not worse", -2.0, -1.1, False),
    ],
)
def test_whether_a_claim_holds_at_the_ends_of_its_interval(
    relation: Relation, low: float, high: float, expected: bool | None
) -> None:
    assert _holds(relation, low, high, 1.0) is expected


@pytest.mark.parametrize(("end", "beyond"), [(-1.0, False), (-1.25, True)])
def test_an_interval_that_ends_at_the_margin_is_not_beyond_it(end: float, beyond: bool) -> None:
    """A gain of a decibel less is still within; an error counts the other way round."""
    gain = _Values("gain", "top", np.zeros(12), np.zeros(12), evaluations=3)
    row = _row(Claim("a", "better", "b"), gain, Difference(2 * end, 3 * end, end, pairs=12, nonzero=12))
    assert (row["beyond_margin"], row["verdict"], row["holds"]) == (beyond, "worse", False)
    error = _Values("final", "best", np.zeros(12), np.zeros(12), evaluations=3)
    worse = Difference(-2 * end / 2000, -end / 2000, -3 * end / 2000, pairs=12, nonzero=12)
    assert _row(Claim("a", "better", "b"), error, worse)["beyond_margin"] is beyond
