from __future__ import annotations

import polars as pl

from predictornas.plots.agreement import draw_agreement


def test_each_pair_has_its_number_and_a_column_with_itself_has_none() -> None:
    table = pl.DataFrame(
        {
            "first": ["a", "a", "a", "b", "b", "c"],
            "second": ["a", "b", "c", "b", "c", "c"],
            "tau": [1.0, 0.25, None, 1.0, 0.75, 1.0],
        }
    )
    figure = draw_agreement(table, title="T", caption="C")
    (axes,) = figure.axes
    numbers = {text.get_text(): text.get_position() for text in axes.texts}
    assert numbers == {".25": (0, 1), ".75": (1, 2)}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "c"]
