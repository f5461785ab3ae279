"""Targets that are dominated: levels against their definition, and the gain against the urn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.objectives.dominating import BALANCED, dominating_gain, levels, named_levels, trade_offs

COSTS = np.array([[1.0, 4.0], [2.0, 3.0], [3.0, 2.0], [4.0, 1.0], [4.0, 4.0]])


def test_a_level_is_the_worst_quantile_of_an_architecture() -> None:
    assert levels(COSTS, np.ones(2)).tolist() == pytest.approx([1.0, 0.6, 0.6, 1.0, 1.0])
    # the first objective three times as strict: (1, 4) needs max(3 * 1/5, 5/5), (3, 2) needs max(3 * 3/5, 2/5)
    assert levels(COSTS, np.array([1 / 3, 1.0])).tolist() == pytest.approx([1.0, 1.2, 1.8, 3.0, 3.0])


def test_hits_of_a_target_are_the_architectures_that_dominate_it(rng: np.random.Generator) -> None:
    costs = np.round(rng.random((200, 2)), 2)
    keys = np.arange(200, dtype=np.uint64)
    history = pl.DataFrame(
        {
            "run_id": ["a"] * 20,
            "method": ["m"] * 20,
            "seed": [0] * 20,
            "iteration": [0] * 5 + [1] * 15,
            "order": range(20),
            "key": keys[:20],
            "epochs": [1] * 20,
        }
    )
    table = dominating_gain(history, keys, costs, ("x", "y"), rng)
    assert set(table["trade_off"]) == {BALANCED, "x first", "y first"}
    for row in table.to_dicts():
        target = np.array([row["target_x"], row["target_y"]])
        assert (costs <= target).all(axis=1).sum() == row["table_hits"]
        # the urn: 201 / (hits + 1) trials in the table, 16 / (hits + 1) in what was proposed
        proposed = int((costs[5:20] <= target).all(axis=1).sum())
        expected = 10 * np.log10((201 / (row["table_hits"] + 1)) / (16 / (proposed + 1)))
        assert row["gain_db"] == pytest.approx(expected)


def test_what_is_beyond_a_limit_is_no_target() -> None:
    costs = COSTS.copy()
    costs[0] = np.nan
    assert levels(costs, np.ones(2))[0] == 2.0
    assert trade_offs(("error",)).keys() == {BALANCED}
    assert named_levels(levels(COSTS, np.ones(2))) == {"top 0.1 %": 0.6, "top 1 %": 0.6}
