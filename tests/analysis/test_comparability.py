from __future__ import annotations

import polars as pl

from predictornas.analysis.comparability import cut_to_shared, evaluations_of_all

CURVES = pl.DataFrame(
    {
        "run_id": ["a", "a", "a", "b", "b", "c"],
        "method": ["one", "one", "one", "one", "one", "two"],
        "evaluations": [1, 2, 3, 1, 2, 1],
    }
)


def test_all_runs_have_as_many_as_the_shortest() -> None:
    assert evaluations_of_all(CURVES) == 1
    assert evaluations_of_all(CURVES.filter(method="one")) == 2


def test_a_group_is_cut_to_its_own_shortest_run_and_rows_keep_their_order() -> None:
    cut = cut_to_shared(CURVES, ["method"])
    assert cut.columns == CURVES.columns
    assert cut.rows() == [
        ("a", "one", 1),
        ("a", "one", 2),
        ("b", "one", 1),
        ("b", "one", 2),
        ("c", "two", 1),
    ]
    assert cut_to_shared(CURVES.reverse(), ["method"])["evaluations"].to_list() == [1, 2, 1, 2, 1]
