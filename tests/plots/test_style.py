import numpy as np
import polars as pl

from predictornas.plots.style import (
    band_opacity,
    count_axis,
    counted,
    draw_band,
    new_figure,
    percent_axis,
    runs_of,
)


def test_numbers() -> None:
    assert (counted([1396, 1396]), counted([146, 1396])) == ("1,396", "146 to 1,396")
    assert (runs_of([1]), runs_of([20, 20]), runs_of([1, 5])) == ("1 run", "20 runs", "1 to 5 runs")
    assert [percent_axis()(value) for value in (0.06, 0.0625, 0.1)] == ["6", "6.25", "10"]
    assert [count_axis()(value) for value in (1, 10_000, 100_000)] == ["1", "10,000", "100k"]
    assert band_opacity(12) < band_opacity(3)


def test_figures_carry_title_and_caption() -> None:
    figure = new_figure(6.0, 4.0, title="A title", caption="A caption")
    assert figure.get_suptitle() == "A title"
    assert figure.get_supxlabel() == "A caption"
    assert figure.get_size_inches().tolist() == [6, 4]


def test_a_band_has_a_gap_where_there_is_no_interval_and_is_left_out_where_there_is_none() -> None:
    axes = new_figure(4.0, 3.0, title="Title", caption="Caption").add_subplot()
    rows = pl.DataFrame({"x": [1, 2, 3, 4, 5], "low": [0.1, 0.2, None, 0.3, 0.1], "high": [0.3, 0.4, None, 0.5, 0.2]})
    draw_band(axes, rows, "x", color="#000000", alpha=0.1, scale=100.0)
    (band,) = axes.collections
    assert len(band.get_paths()) == 2
    corners = np.concatenate([path.vertices for path in band.get_paths()])
    assert (corners.min(axis=0).tolist(), corners.max(axis=0).tolist()) == ([1.0, 10.0], [5.0, 50.0])
    draw_band(axes, rows.with_columns(low=None, high=None), "x", color="#000000", alpha=0.1)
    assert len(axes.collections) == 1
