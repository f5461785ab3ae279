"""Hypervolume regret after each evaluation, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.objectives.hypervolumes import (
    final_and_anytime,
    hypervolume_curves,
    hypervolume_table,
    pairs_table,
)
from predictornas.analysis.objectives.measure import HypervolumeScale

UNIT = HypervolumeScale(("a", "b"), np.zeros(2), np.ones(2), np.zeros((1, 2)), 1.0)


def history(
    seen: list[tuple[float, float]], true: list[tuple[float, float]], seed: int = 0, method: str = "m"
) -> pl.DataFrame:
    columns = {
        "sa": [x for x, _ in seen],
        "sb": [y for _, y in seen],
        "ja": [x for x, _ in true],
        "jb": [y for _, y in true],
    }
    return pl.DataFrame(columns, strict=False).select(
        pl.lit(f"{method}{seed}").alias("run_id"),
        pl.lit(method).alias("method"),
        pl.lit(seed).alias("seed"),
        pl.int_range(pl.len()).alias("order"),
        pl.all(),
    )


def curves(*histories: pl.DataFrame) -> pl.DataFrame:
    return hypervolume_curves(pl.concat(histories), UNIT, ["sa", "sb"], ["ja", "jb"])


def test_the_chosen_front_is_that_of_the_search_and_the_best_that_of_the_judge() -> None:
    # the second looks better than it is and drives the first from the chosen front
    found = curves(history([(0.5, 0.5), (0.4, 0.4), (0.9, 0.9)], [(0.5, 0.5), (0.6, 0.5), (0.0, 0.75)]))
    assert found["chosen"].to_list() == pytest.approx([0.75, 0.8, 0.8])
    # (0, .75) adds a box of .25, of which .5 x .25 is there already
    assert found["best"].to_list() == pytest.approx([0.75, 0.75, 0.625])


def test_what_is_beyond_a_limit_dominates_nothing() -> None:
    found = curves(history([(None, None), (0.5, 0.5)], [(None, None), (0.5, 0.5)]))  # type: ignore[list-item]
    assert found["best"].to_list() == pytest.approx([1.0, 0.75])


def test_means_are_over_runs_and_pairs_over_seeds() -> None:
    halves = [history([(0.5, 0.5)], [(0.5, 0.5)], seed) for seed in (0, 1)]
    better = [history([(0.0, 0.5 - 0.1 * seed)], [(0.0, 0.5 - 0.1 * seed)], seed, "n") for seed in (0, 1)]
    found = curves(*halves, *better)
    table = hypervolume_table(found).filter(trace="best")
    assert dict(table.select("method", "mean").rows()) == pytest.approx({"m": 0.75, "n": 0.45})
    runs = final_and_anytime(found)
    pair = pairs_table(runs).row(
        by_predicate=(pl.col("method") == "n") & (pl.col("trace") == "best") & (pl.col("quantity") == "final"),
        named=True,
    )
    assert (pair["other"], pair["seeds"], pair["differing"]) == ("m", 2, 2)
    assert pair["mean"] == pytest.approx(0.3)


def test_anytime_is_the_mean_over_the_evaluations_that_all_runs_have() -> None:
    long = history([(0.5, 0.5), (0.0, 0.0), (0.0, 0.0)], [(0.5, 0.5), (0.0, 0.0), (0.0, 0.0)])
    short = history([(0.5, 0.5), (0.5, 0.5)], [(0.5, 0.5), (0.5, 0.5)], seed=1)
    runs = final_and_anytime(curves(long, short)).filter(trace="best").sort("quantity", "seed")
    assert runs["regret"].to_list() == pytest.approx([0.375, 0.75, 0.0, 0.75])


def test_a_single_run_has_no_pairs() -> None:
    assert pairs_table(final_and_anytime(curves(history([(0.5, 0.5)], [(0.5, 0.5)])))).is_empty()
