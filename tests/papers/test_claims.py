from __future__ import annotations

import polars as pl
import pytest

from predictornas.analysis.statistics import SHARE
from predictornas.papers.claims import UNDECIDED, alike, beside, judged, steps, verdict


@pytest.mark.parametrize(
    ("said", "low", "high", "expected"),
    [
        ("> 0", 0.1, 0.2, "yes"),
        ("> 0", -0.2, -0.1, "no"),
        ("> 0", -0.1, 0.2, UNDECIDED),
        ("< 1", 0.2, 0.9, "yes"),
        ("< 1", 1.1, 1.2, "no"),
        ("< 1", 0.9, 1.1, UNDECIDED),
        ("> 3", 0.3, 2.3, "no"),
        (">= 0, roughly", 0.1, 0.2, "yes"),
        (">= 0 (assumed)", -0.2, -0.1, "no"),
        ("> 0, growing", 0.1, 0.2, "yes"),
        # an interval around a number holds other numbers too
        ("about 0", -4.9, 3.2, UNDECIDED),
        ("about 0", 0.1, 0.2, "no"),
        ("7", -0.3, 14.9, UNDECIDED),
        ("12", -0.2, 5.5, "no"),
        # what a paper measured at another size claims nothing here
        (0.9436, 0.8, 0.93, None),
        # no interval, no answer
        ("> 0", None, None, UNDECIDED),
        ("> 0", 0.1, None, UNDECIDED),
        # nothing follows from other words
        ("1 in a well-optimised super-network", 0.2, 0.8, None),
        ("far below 1", -0.3, 0.8, None),
        (None, 0.1, 0.2, None),
    ],
)
def test_an_interval_answers_where_it_lies_on_one_side(
    said: str | float | None, low: float | None, high: float | None, expected: str | None
) -> None:
    assert verdict(said, low, high) == expected


def test_values_are_alike_unless_two_intervals_do_not_meet() -> None:
    rows = pl.DataFrame({"low": [0.1, 0.3, None], "high": [0.4, 0.6, None]})
    assert alike(rows) == UNDECIDED
    assert alike(rows.with_columns(low=pl.Series([0.1, 0.5, None]))) == "no"
    assert alike(rows.head(0)) == UNDECIDED


def test_the_paper_stands_beside_the_mean_of_ours() -> None:
    values = pl.DataFrame({"setting": ["a", "a", "b"], "value": [0.2, 0.4, 0.9]})
    rows = beside(values, "quantity", {"b": 1.0, "a": 0.5, "c": 0.1}, bounds=SHARE)
    assert rows["setting"].to_list() == ["b", "a", "c"]
    assert rows["ours"].to_list() == [0.9, pytest.approx(0.3), None]
    assert rows["paper"].to_list() == [1.0, 0.5, 0.1]
    assert rows["runs"].to_list() == [1, 2, None]
    # a t interval of two shares, 0.3 +- 12.7 * 0.1, would leave [0, 1]
    (low, high) = rows.row(1, named=True)["low"], rows.row(1, named=True)["high"]
    assert 0 < low < 0.3 < high < 1
    assert rows["verdict"].to_list() == 3 * [None]
    assert beside(values, "quantity", {"b": "> 0", "a": "0.9"})["verdict"].to_list() == 2 * [UNDECIDED]


def test_verdicts_are_of_the_column_that_makes_the_claim() -> None:
    rows = pl.DataFrame({"setting": ["a", "b"], "claim": ["> 0", None], "low": [0.1, 0.1], "high": [0.2, 0.2]})
    assert judged(rows, "claim")["verdict"].to_list() == ["yes", None]


def test_the_order_of_the_papers_numbers_is_judged_step_by_step_and_by_seed() -> None:
    """Seeds differ by more than settings do, but at every seed b is above a by 0.1 or 0.12, and c unlike b."""
    own = {"a": [0.1, 0.5, 0.9], "b": [0.2, 0.62, 1.0], "c": [0.3, 0.5, 1.1]}
    values = pl.DataFrame(
        [{"setting": s, "seed": seed, "value": v} for s, column in own.items() for seed, v in enumerate(column)]
    ).sample(fraction=1.0, shuffle=True, seed=0)
    rows = steps(values, "loss", {"a": 3.0, "b": 2.0, "c": 2.5})
    assert rows.select("quantity", "setting", "claim", "verdict").rows() == [
        ("loss, difference", "a - b", "> 0", "no"),
        ("loss, difference", "b - c", "< 0", UNDECIDED),
    ]
    assert rows["ours"].to_list() == pytest.approx([-0.32 / 3, -0.08 / 3])
