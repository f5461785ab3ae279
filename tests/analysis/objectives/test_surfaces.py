"""Attainment surfaces as a table."""

from __future__ import annotations

import polars as pl

from predictornas.analysis.objectives.surfaces import attainment_table

HISTORY = pl.DataFrame(
    {"run_id": ["a", "a", "b", "b", "b"], "method": ["m"] * 5, "order": [0, 1, 0, 1, 2],
     "x": [1.0, 3.0, 2.0, None, 0.0], "y": [3.0, 1.0, 2.0, None, 0.0]}
)  # fmt: skip


def test_corners_are_of_the_evaluations_that_all_runs_have() -> None:
    table = attainment_table(HISTORY, ("error", "size"), ("x", "y"))
    assert table.filter(share=0.5).select("error", "size").rows() == [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]
    assert table.filter(share=0.75).select("error", "size").rows() == [(2.0, 3.0), (3.0, 2.0)]
    assert table["runs"].unique().to_list() == [2]


def test_there_is_none_but_in_two_objectives() -> None:
    assert attainment_table(HISTORY, ("error",), ("x",)).is_empty()
