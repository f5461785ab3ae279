from __future__ import annotations

import polars as pl
import pytest
from scipy import stats

from predictornas.analysis.equal_epochs import differences_at
from predictornas.errors import ConfigurationError


def run(method: str, seed: int, spent: list[float], errors: list[float]) -> pl.DataFrame:
    count = len(spent)
    return pl.DataFrame(
        {
            "run_id": [f"{method}/{seed}"] * count,
            "method": [method] * count,
            "seed": [seed] * count,
            "evaluations": list(range(1, count + 1)),
            "cost_seconds": pl.Series([None] * count, dtype=pl.Float64),
            "cost_epochs": pl.Series(spent, dtype=pl.Float64),
            **dict.fromkeys(("searched", "chosen", "best"), errors),
            "recommended": pl.Series([None] * count, dtype=pl.Float64),
        }
    )


CURVES = pl.concat(
    [
        run("full", 0, [10, 20], [0.5, 0.4]),
        run("full", 1, [10, 20], [0.6, 0.3]),
        run("full", 2, [10, 20], [0.7, 0.5]),
        run("nosh", 0, [4, 12], [0.45, 0.35]),
        run("nosh", 1, [4, 12], [0.5, 0.4]),
        run("nosh", 2, [4, 12], [0.6, 0.1]),
        run("nosh", 9, [4, 12], [0.0, 0.0]),  # a seed that the reference lacks
    ]
)


def test_seeds_are_paired_after_the_same_epochs() -> None:
    table = differences_at(CURVES, "full", at=[20, 11], traces=["best"])
    assert table.select("method", "reference", "trace", "at", "pairs", "nonzero").rows() == [
        ("nosh", "full", "best", 11, 3, 3),
        ("nosh", "full", "best", 20, 3, 3),
    ]
    early, late = [-0.05, -0.1, -0.1], [-0.05, 0.1, -0.4]
    assert table["difference"].to_list() == pytest.approx([sum(early) / 3, sum(late) / 3])
    expected = stats.ttest_1samp(late, 0).confidence_interval(0.95)
    assert table.row(1, named=True)["low"] == pytest.approx(expected.low)
    assert table.row(1, named=True)["high"] == pytest.approx(expected.high)


def test_nothing_is_compared_before_both_have_finished_something() -> None:
    assert len(differences_at(CURVES, "full", at=[9], traces=["best"])) == 0


def test_a_reference_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="No run of 'rank-full'"):
        differences_at(CURVES, "rank-full", at=[10])
