from __future__ import annotations

import polars as pl
import pytest

from predictornas.plots.milenas import draw_curves_and_rows, draw_sizes

CURVES = pl.DataFrame(
    [
        {"setting": setting, "epoch": epoch, "mean": level * epoch, "low": low, "high": high}
        for setting, level, low, high in (("single-level", 0.1, None, None), ("mixed-1", 0.2, 0.1, 0.5))
        for epoch in (3, 1, 2)
    ]
)
ROWS = pl.DataFrame(
    {"setting": ["single-level", "mixed-1"], "mean": [0.25, 0.5], "low": [None, 0.4], "high": [None, 0.6]}
)
LABELS = {"quantity": "accuracy, %", "rows_quantity": "final", "title": "Title", "caption": "Caption"}


def test_curves_go_from_the_first_epoch_to_the_last_and_bands_need_several_seeds():
    figure = draw_curves_and_rows(CURVES, ROWS, **LABELS)
    curves = figure.axes[0]
    lines = {line.get_label(): line for line in curves.get_lines()}
    assert list(lines) == ["single-level", "mixed-level, λ = 1"]
    assert lines["single-level"].get_xdata().tolist() == [1, 2, 3]
    assert lines["single-level"].get_ydata().tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert len(curves.collections) == 1


@pytest.mark.parametrize(("percent", "texts"), [(True, ["25.00", "50.00"]), (False, ["0.25", "0.50"])])
def test_the_first_row_stands_on_top(percent, texts):
    axes = draw_curves_and_rows(CURVES, ROWS, **LABELS, percent_rows=percent).axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["mixed-level, λ = 1", "single-level"]
    points = {float(line.get_ydata()[0]): float(line.get_xdata()[0]) for line in axes.get_lines()}
    assert points == {1.0: 0.25, 0.0: 0.5}
    assert sorted(text.get_text() for text in axes.texts) == texts
    (interval,) = axes.collections
    assert interval.get_segments()[0].tolist() == [[0.4, 0.0], [0.6, 0.0]]


def test_without_rows_there_is_one_panel():
    assert len(draw_curves_and_rows(CURVES, ROWS.clear(), **LABELS).axes) == 1


def test_sizes_have_a_panel_for_each_quantity_and_intervals_beside_each_other():
    rows = [
        {"quantity": quantity, "setting": setting, "convolutions": count, "mean": 0.1 * count, "low": low, "high": 0.9}
        for quantity in ("first", "second")
        for setting, low in (("mixed-1", 0.05), ("darts-2", None))
        for count in (3, 2)
    ]
    figure = draw_sizes(pl.DataFrame(rows), title="Title", caption="Caption")
    assert [axes.get_ylabel() for axes in figure.axes] == ["first, %", "second, %"]
    mixed, bilevel = figure.axes[0].get_lines()
    assert mixed.get_ydata().tolist() == pytest.approx([0.2, 0.3])
    assert (mixed.get_xdata() + bilevel.get_xdata()).tolist() == pytest.approx([4, 6])
    assert mixed.get_xdata()[0] < 2 < bilevel.get_xdata()[0]
    assert [len(bars.get_segments()) for bars in figure.axes[0].collections] == [2, 0]
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == [
        "mixed-level, λ = 1",
        "bilevel, 2nd order",
    ]


def test_an_interval_of_few_seeds_does_not_hide_the_means():
    wide = ROWS.with_columns(low=pl.Series([-50.0, 0.4]), high=pl.Series([50.0, 0.6]))
    low, high = draw_curves_and_rows(CURVES, wide, **LABELS).axes[1].get_xlim()
    # room of 0.6 times the distance of the means, and 0.08 of all that as a margin
    assert (low, high) == pytest.approx((0.1 - 0.044, 0.65 + 0.044))
