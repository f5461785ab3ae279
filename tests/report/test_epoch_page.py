from __future__ import annotations

import re
from html import unescape

import polars as pl

from predictornas.report.epoch_page import EpochTables, epoch_page
from predictornas.report.page import rendered
from tests.report.studies import SPACE, STUDY, made_facts, made_history, made_tables


def page(low: float | None, *, factor: float | None = 3.0, reference: bool = True, runs: int = 10) -> str:
    history = made_history({"random": (runs, 600), "successive-halving": (runs, 30)})
    made = made_tables(history)
    epochs = made.convergence.with_columns(cost_epochs=9.0 * pl.col("evaluations"))
    summary = made.summary.select(
        "method", *(f"{t}_{part}" for t in ("chosen", "best") for part in ("mean", "low", "high"))
    ).with_columns(architectures=12.0, full=4.0, nominal_saving=pl.lit(None, pl.Float64))
    saved = {
        "method": "successive-halving", "reference": "random", "trace": "chosen", "at": 90, "error": 0.0625,
        "reference_epochs": 90.0, "epochs": 30.0, "factor": factor, "low": low, "high": 5.0,
    }  # fmt: skip
    savings = pl.DataFrame([saved]) if reference else pl.DataFrame()
    tables = EpochTables(summary, epochs, savings, made.curves, history)
    facts = made_facts(history, study={**STUDY, "budget": None, "budget_epochs": 108})
    return rendered(epoch_page(tables, facts, SPACE))


def shown(low: float | None, *, factor: float | None = 3.0, reference: bool = True, runs: int = 10) -> str:
    """The words of the page."""
    text = page(low, factor=factor, reference=reference, runs=runs)
    return unescape(
        re.sub(r"\s+", " ", re.sub("<[^>]+>", "", re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.S)))
    )


def test_savings_are_claimed_where_their_interval_lies_above_one() -> None:
    goal = "the error that random search has after 90 epochs (6.25 %)"
    assert f"successive halving reaches {goal} with 3.0 [2.0, 5.0] times fewer epochs." in shown(2.0)
    assert f"Whether successive halving reaches {goal} with fewer epochs cannot be said" in shown(0.5)
    assert f"Whether successive halving reaches {goal} with fewer epochs cannot be said" in shown(None)
    assert f"successive halving does not reach {goal}" in shown(0.0, factor=None)


def test_fewer_than_ten_seeds_give_no_verdict() -> None:
    text = shown(2.0, runs=2)
    assert "with 3.0 [2.0, 5.0] times fewer epochs over 2 seeds. Fewer than 10 seeds give no verdict." in text
    assert "<strong>" not in page(2.0, runs=2)


def test_without_a_reference_the_errors_stand_alone() -> None:
    text = shown(None, reference=False)
    assert "The lowest mean error of a choice is" in text
    assert "Epochs saved" not in text
    assert "each of 108 training epochs" in text
