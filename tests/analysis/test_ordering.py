import numpy as np
import polars as pl
import pytest

from predictornas.analysis.ordering import PAPER_CLAIMS, Claim, ordering_table, verdict
from predictornas.errors import DataError

# 99 cells: signal error i percent, evaluation error half of that
SIGNAL = np.arange(1, 100) / 100
EVALUATION = SIGNAL / 2


@pytest.fixture
def history(make_history) -> pl.DataFrame:
    """Run by run, `a` ends on a cell that is ten percent points better; T0 is cell 90, then two proposals."""
    runs = {
        "a": [[90, 20, 60], [90, 21, 0], [90, 22, 60]],
        "b": [[90, 30, 60], [90, 31, 10], [90, 60, 32]],
        "c": [[90, 30, 60]],
    }
    return make_history(SIGNAL, runs, evaluation_errors=EVALUATION)


def table(history: pl.DataFrame, *claims: Claim, **targets: float) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return ordering_table(history, SIGNAL, targets or {"top": 0.02}, claims=claims, rng=rng)


def row(result: pl.DataFrame, quantity: str, of: str) -> dict[str, object]:
    return result.row(by_predicate=(pl.col("quantity") == quantity) & (pl.col("of") == of), named=True)


def test_differences_by_hand(history: pl.DataFrame) -> None:
    result = table(history, Claim("a", "better", "b"))
    searched = row(result, "final", "searched")  # 0.21, 0.01, 0.23 against 0.31, 0.11, 0.33
    assert searched["difference"] == pytest.approx(-0.1)
    assert (searched["low"], searched["high"]) == pytest.approx((-0.1, -0.1))
    assert (searched["pairs"], searched["evaluations"]) == (3, 3)
    assert (searched["verdict"], searched["holds"], searched["beyond_margin"]) == ("better", True, False)
    assert row(result, "final", "chosen")["difference"] == pytest.approx(-0.05)
    assert row(result, "final", "best")["difference"] == pytest.approx(-0.05)
    # mean over three evaluations of the searched error of a - b: (-.1 - .1)/3, (-.1 - .1)/3, (-.38 - .1)/3
    assert row(result, "regret", "searched")["difference"] == pytest.approx(-0.88 / 9)
    # the best two of 99 cells are two successes; only run 1 of a has one of them among its two proposals
    gain = row(result, "gain", "top")
    assert gain["difference"] == pytest.approx(10 * np.log10(2) / 3)
    assert (gain["unresolved_a"], gain["unresolved_b"]) == (2, 3)
    assert (gain["margin"], gain["evaluations"]) == (1.0, None)
    assert (gain["verdict"], gain["holds"]) == ("not worse", None)


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


def test_equal_methods_are_not_worse_and_not_better(make_history) -> None:
    runs = [[90, 20, 60], [90, 21, 0]]
    history = make_history(SIGNAL, {"a": runs, "b": runs}, evaluation_errors=EVALUATION)
    result = table(history, Claim("a", "not worse", "b"), Claim("a", "better", "b"))
    assert set(result["verdict"]) == {"not worse"}
    assert result.filter(pl.col("relation") == "not worse")["holds"].all()
    assert not result.filter(pl.col("relation") == "better")["holds"].any()


def test_only_seeds_of_both_count_and_one_is_too_few(history: pl.DataFrame) -> None:
    assert table(history, Claim("a", "better", "c"), Claim("a", "better", "absent")).is_empty()
    shared = history.filter((pl.col("method") == "b") | (pl.col("seed") > 0))
    assert set(table(shared, Claim("a", "better", "b"))["pairs"]) == {2}


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
    with pytest.raises(DataError, match="a has 3 runs of seed 0"):
        table(twice, Claim("a", "better", "b"))


def test_the_paper_claims_what_its_text_says() -> None:
    said = {(claim.a, claim.relation, claim.b) for claim in PAPER_CLAIMS}
    for size in (100, 1000):
        assert (f"evolutionary-{size}", "not worse", "exhaustive") in said
        assert (f"evolutionary-{size}", "better", f"uniform-{size}") in said
    by_gain = [claim for claim in PAPER_CLAIMS if claim.a.startswith("likelihood")]
    assert [claim.about for claim in by_gain] == [("gain",), ("gain",)]
