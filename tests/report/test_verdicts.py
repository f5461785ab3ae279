import re
from dataclasses import replace

import polars as pl

from predictornas.report.verdicts import UNDECIDED, Reached, reached_at, sentence


def reached(
    method: str, gain: float, low: float | None, high: float | None, *, resolved: bool = True, runs: int = 10
) -> Reached:
    return Reached(method, gain, low, high, resolved, -2.0, 2.0, runs)


def said(*found: Reached) -> str:
    return re.sub("<[^>]+>", "", "".join(sentence("best 1 %", found)))


def test_a_method_whose_interval_lies_above_all_others_is_named_with_its_factor() -> None:
    """10 dB are ten times fewer, 20 dB a hundred times."""
    text = said(reached("a", 10.0, 9.0, 11.0), reached("b", 20.0, 15.0, 25.0))
    assert text == (
        "To reach the best 1 % of the table, b needs 100.0 [31.6, 316.2] times fewer trainings than random search "
        "(20.0 [15.0, 25.0] dB). It is ahead of every other method here: its interval lies above all of theirs."
    )


def test_intervals_that_meet_decide_nothing_between_methods() -> None:
    text = said(reached("a", 10.0, 9.0, 15.0), reached("b", 20.0, 15.0, 25.0), reached("c", 3.0, 1.0, 4.0))
    assert f"Whether it is ahead of a {UNDECIDED}" in text
    assert "ahead of a and c" not in text


def test_an_unresolved_method_counts_with_its_bound() -> None:
    lead = reached("b", 20.0, 15.0, 25.0)
    assert "It is ahead of every other method" in said(lead, reached("a", 14.0, None, None, resolved=False))
    assert "Whether it is ahead of a" in said(lead, reached("a", 16.0, None, None, resolved=False))


def test_fewer_than_ten_seeds_give_no_verdict() -> None:
    found = (reached("a", 10.0, 9.0, 11.0, runs=3), reached("b", 20.0, 15.0, 25.0, runs=3))
    assert said(*found) == (
        "At the best 1 % of the table the highest gain measured is that of b: 20.0 [15.0, 25.0] dB, 100.0 "
        "[31.6, 316.2] times fewer trainings than random search over 3 seeds. Fewer than 10 seeds give no verdict."
    )
    assert "<strong>" not in "".join(sentence("best 1 %", found))
    assert "<strong>" not in "".join(sentence("best 1 %", [reached("a", 3.0, -1.0, 7.0, runs=9)]))


def test_ahead_of_a_method_with_few_seeds_cannot_be_said() -> None:
    text = said(reached("a", 10.0, 9.0, 11.0, runs=9), reached("b", 20.0, 15.0, 25.0))
    assert "b needs 100.0" in text
    assert f"Whether it is ahead of a {UNDECIDED}" in text
    assert "fewer than 10 seeds" in text


def test_no_claim_is_wider_than_its_interval() -> None:
    holds_zero = said(reached("a", 3.0, -1.0, 7.0))
    assert UNDECIDED in holds_zero
    assert "times fewer" not in holds_zero
    within_chance = said(reached("a", 1.9, 0.5, 3.0))  # random search shows up to 2 dB
    assert UNDECIDED in within_chance
    one_run = said(reached("a", 9.0, None, None))
    assert "There is no interval" in one_run
    alike = said(replace(reached("a", 19.0, None, None), null_low=16.46, null_high=16.51))
    assert "shows 16.5 dB" in alike
    assert "random search that reaches it shows -2.0 to 2.0 dB" in one_run
    assert UNDECIDED in one_run
    assert f"{UNDECIDED}: none did" in said(reached("a", 9.0, None, None, resolved=False))
    assert "Only random search ran" in said()


def test_random_search_and_what_is_undefined_are_not_compared() -> None:
    row = {
        "method": "uniform-100", "estimator": "pooled", "target_error": 0.1, "gain_db": 4.0, "low": 3.0, "high": 5.0,
        "resolved": True, "null_low": -1.0, "null_high": 1.0, "runs": 10,
    }  # fmt: skip
    others = [{**row, "method": "random"}, {**row, "gain_db": None}, {**row, "target_error": 0.2}]
    found = reached_at(pl.DataFrame([row, *others, {**row, "estimator": "observed"}]), 0.1)
    assert found == [Reached("uniform pool, N' = 100", 4.0, 3.0, 5.0, True, -1.0, 1.0, 10)]
