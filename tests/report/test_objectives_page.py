"""The page of several objectives says what the paired intervals allow."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from predictornas.report.objectives_page import ObjectivesFacts, objectives_page
from predictornas.report.page import rendered

FACTS = ObjectivesFacts(
    study={
        "benchmark": "nasbench201-cifar10", "objectives": ["error"], "limits": ["parameters<5e5"], "known": [],
        "searched": ["a"], "evaluation": ["b"], "budget": 50, "signal": "a", "data_sha256": "0" * 64,
    },
    methods={"random": [0, 1], "nsga-ii": [0, 1]},
    space="nasbench201", rows=99, scale="The scale.", missing=1,
)  # fmt: skip


def tables(low: float, differing: int) -> dict[str, pl.DataFrame]:
    regrets = {
        f"{name}_{end}": [0.2, 0.4]
        for name in ("chosen_final", "best_final", "best_anytime")
        for end in ("mean", "low", "high")
    }
    gains = {
        "gain_db, top 1 %": [9.0, 1.0],
        "low, top 1 %": [8.0, None],
        "high, top 1 %": [10.0, None],
        "resolved, top 1 %": [True, False],
    }
    pairs = {
        "trace": ["best"],
        "quantity": ["anytime"],
        "method": ["nsga-ii"],
        "other": ["random"],
        "mean": [0.2],
        "low": [low],
    }
    curve = {"method": ["random"], "trace": ["best"], "evaluations": [5], "mean": [0.5], "low": [None], "high": [None]}
    gain = {
        "method": ["random"],
        "trade_off": ["balanced"],
        "table_hits": [9],
        "gain_db": [1.0],
        "low": [0.5],
        "high": [2.0],
        "resolved": [True],
    }
    return {
        "summary": pl.DataFrame({"method": ["nsga-ii", "random"], **regrets, **gains}),
        "pairs": pl.DataFrame({**pairs, "high": [0.3], "seeds": [20], "differing": [differing]}),
        "hypervolume": pl.DataFrame(curve), "attainment": pl.DataFrame(),
        "front": pl.DataFrame(), "gain": pl.DataFrame(gain),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("low", "differing", "said"),
    [
        (0.1, 20, "NSGA-II is ahead of random search"),
        (-0.1, 20, "is not told apart from"),
        (0.1, 5, "is not told apart from"),
    ],
)
def test_a_verdict_needs_an_interval_without_zero_and_ten_seeds_that_differ(
    low: float, differing: int, said: str
) -> None:
    assert said in rendered(objectives_page(tables(low, differing), FACTS))


def test_limits_the_scale_and_missing_runs_are_named() -> None:
    page = rendered(objectives_page(tables(0.1, 20), FACTS))
    for words in ("parameters&lt;5e5", "The scale.", "1 more run had not ended", "≤ 1.0", "a, judged by b"):
        assert words in page
    assert "&#x27;parameters&lt;5e5&#x27;" in page  # quoted for the shell


def test_a_judge_that_shares_the_noise_is_warned_of() -> None:
    assert "Mind the judge." not in rendered(objectives_page(tables(0.1, 20), FACTS))
    warned = replace(FACTS, warnings=("Mind the judge.",))
    assert "Mind the judge." in rendered(objectives_page(tables(0.1, 20), warned))


def test_points_that_are_dominated_as_judged_are_told() -> None:
    rows = [
        {"method": "random", "seed": 0, "error": error, "latency": latency, "notation": "x"}
        for error, latency in ((0.1, 3.0), (0.2, 2.0), (0.3, 2.5))
    ]
    study = {**FACTS.study, "objectives": ["error", "latency"]}
    page = rendered(objectives_page(tables(0.1, 20), replace(FACTS, study=study, recommended=rows)))
    assert "As judged, 1 point of these fronts is dominated" in page
    page = rendered(objectives_page(tables(0.1, 20), replace(FACTS, study=study, recommended=rows[:2])))
    assert "As judged" not in page


def test_what_is_beyond_a_limit_as_judged_is_told() -> None:
    rows = [{"method": "random", "seed": 0, "error": None, "notation": "x"}]
    assert "error beyond its limit as judged" in rendered(
        objectives_page(tables(0.1, 20), replace(FACTS, recommended=rows))
    )
