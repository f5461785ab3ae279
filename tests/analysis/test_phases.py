from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.phases import phases_table, runs_table

ERRORS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5])


def history() -> pl.DataFrame:
    """Two runs: T0 of one cell, then one proposal in each of three iterations."""
    rows = [
        # method, seed, iteration, place in the table
        *(("m", 0, iteration, place) for iteration, place in enumerate([0, 3, 1, 4])),
        *(("m", 1, iteration, place) for iteration, place in enumerate([5, 2, 4, 0])),
    ]
    return pl.DataFrame(
        [
            {
                "run_id": f"{method}-{seed}",
                "method": method,
                "seed": seed,
                "iteration": iteration,
                "order": iteration,
                "key": place,
                "epochs": 1,
                "value": 1 - ERRORS[place],
                "evaluation": 0.99 - ERRORS[place],
                "cost_seconds": 1.0,
                "cost_epochs": 1.0,
            }
            for method, seed, iteration, place in rows
        ]
    )


def test_phases_count_what_was_proposed_in_their_iterations() -> None:
    table = phases_table(history(), ERRORS, [(1, 1), (2, 3), (9, 12)], target=0.1, bad=0.3)
    assert table.select("method", "first", "last", "proposals").rows() == [("m", 1, 1, 2), ("m", 2, 3, 4)]
    assert table["mean"].to_list() == pytest.approx([(0.3 + 0.2) / 2, (0.1 + 0.4 + 0.4 + 0.05) / 4])
    assert table["bad_share"].to_list() == pytest.approx([0.0, 0.5])  # 0.3 is not above 0.3
    assert table["hit_share"].to_list() == pytest.approx([0.0, 0.5])  # 0.1 is at 0.1


def test_each_run_says_how_many_hits_it_proposed_and_when_it_was_at_the_oracle() -> None:
    table = runs_table(history(), ERRORS, target=0.1, signal_oracle=0.05, bad=0.2, early=2)
    assert table.select("method", "seed", "evaluations", "proposals").rows() == [("m", 0, 4, 3), ("m", 1, 4, 3)]
    assert table["hits"].to_list() == [1, 1]  # the first run's best cell was in T0, which is no proposal
    assert table["early_bad"].to_list() == [1, 1]  # 0.3 of (0.3, 0.1), 0.4 of (0.2, 0.4)
    assert table["oracle_after"].to_list() == [1, 4]
    assert table["best"].to_list() == pytest.approx([0.06, 0.06])
    never = runs_table(history().filter(pl.col("iteration") < 3), ERRORS, target=0.1, signal_oracle=0.05, bad=0.2)
    assert never["oracle_after"].to_list() == [1, None]
