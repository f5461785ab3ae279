from __future__ import annotations

import polars as pl

from predictornas.analysis.smoothness import AGAIN, DISTANCE, GOOD_NEIGHBOURS, RANKS
from predictornas.plots.smoothness import draw_smoothness


def rows(benchmark: str, quantity: str, values: list[float]) -> pl.DataFrame:
    """The same again, then distances 1, 2, ..."""
    about = [AGAIN, *[DISTANCE] * (len(values) - 1)]
    distances = [None, *range(1, len(values))]
    ends = {end: pl.Series(values) + shift for end, shift in (("low", -0.1), ("high", 0.1))}
    return pl.DataFrame(
        {"benchmark": benchmark, "quantity": quantity, "of": about, "distance": distances, "value": values, **ends}
    )


def test_a_line_a_table_and_the_same_again_at_distance_zero() -> None:
    table = pl.concat(
        [
            rows("one", RANKS, [0.9, 0.7, 0.5]),
            rows("two", RANKS, [0.8, 0.3, 0.1]),
            rows("one", GOOD_NEIGHBOURS, [1.0, 0.5, 0.25]),
            rows("two", GOOD_NEIGHBOURS, [0.6, 0.2, 0.1]),
        ]
    )
    figure = draw_smoothness(table, title="Alike", caption="What it shows.")
    left, right = figure.axes
    chance, line, again, *_ = left.lines
    assert chance.get_ydata()[0] == 0
    assert right.lines[0].get_ydata()[0] == 0.01
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([1, 2], [0.7, 0.5])
    assert (list(again.get_xdata()), list(again.get_ydata())) == ([0.0], [0.9])
    assert len(left.lines) == len(right.lines) == 5
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random pairs", "one", "two"]
