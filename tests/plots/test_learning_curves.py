from __future__ import annotations

import polars as pl

from predictornas.plots.learning_curves import draw_learning_curves


def test_one_line_an_architecture_and_the_recommended_one_stands_out() -> None:
    table = pl.DataFrame({"key": [1, 1, 2], "epochs": [1, 3, 1], "validation": [0.4, 0.8, 0.3]})
    figure = draw_learning_curves(table, recommended=1, title="search", caption="")
    axes = figure.axes[0]
    first, second = axes.get_lines()
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([1, 3], [0.4, 0.8])
    assert (second.get_xdata().tolist(), second.get_ydata().tolist()) == ([1], [0.3])
    assert first.get_linewidth() > second.get_linewidth()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["recommended"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3"]
