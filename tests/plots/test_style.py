import numpy as np
import polars as pl
import pytest

from predictornas.errors import UnknownNameError
from predictornas.plots.style import (
    STYLES,
    band_opacity,
    count_axis,
    counted,
    current_style,
    draw_band,
    drawing,
    every,
    grid_shape,
    in_lines,
    legend_beside,
    new_figure,
    over_both_columns,
    percent_axis,
    points,
    runs_of,
    words,
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


def test_in_a_paper_figures_have_the_width_of_its_columns_and_leave_the_words_to_it() -> None:
    for style, width in (("paper", 3.3), ("paper-wide", 6.9)):
        with drawing(style):
            figure = new_figure(9.0, 5.0, title="A title", caption="A\ncaption")
        assert figure.get_figwidth() == width
        assert (figure.get_suptitle(), figure.get_supxlabel()) == ("", "")
        assert (figure.heading, figure.caption) == ("A title", "A caption")


def test_a_style_ends_with_its_block_also_where_it_fails() -> None:
    with pytest.raises(ValueError, match="within"), drawing("paper"):
        raise ValueError("within")
    assert current_style() == STYLES["screen"]
    with pytest.raises(UnknownNameError, match="'paper-wide'"), drawing("paper-wid"):
        pass


def test_letters_of_a_paper_are_never_too_small_nor_larger_than_its_captions() -> None:
    assert [points(size) for size in (6.5, 8.5, 12.0)] == [6.5, 8.5, 12.0]
    with drawing("paper"):
        assert [points(size) for size in (6.5, 8.5, 12.0)] == [6.5, pytest.approx(7.31), 8.0]


def test_panels_stand_below_each_other_where_a_column_is_narrow() -> None:
    shapes = {"screen": (1, 4), "paper": (4, 1), "paper-wide": (2, 3)}
    for style, shape in shapes.items():
        with drawing(style):
            assert grid_shape(4, 4) == shape
    assert grid_shape(1, 3) == (1, 1)


def test_what_one_column_has_no_room_for_takes_both() -> None:
    with drawing("paper"):
        figure = new_figure(9.0, 5.0, title="", caption="")
        over_both_columns(figure)
        assert figure.get_figwidth() == 6.9
        assert in_lines("share of the best 1 % found, %") == "share of the best 1 %\nfound, %"
    figure = new_figure(9.0, 5.0, title="", caption="")
    over_both_columns(figure)
    assert figure.get_figwidth() == 9.0
    assert in_lines("share of the best 1 % found, %") == "share of the best 1 % found, %"


def test_a_legend_below_makes_the_figure_higher_by_its_lines() -> None:
    with drawing("paper"):
        figure = new_figure(9.0, 5.0, title="", caption="")
        axes = figure.add_subplot()
        for name in ("a method with a long name", "another with a long name"):
            axes.plot([1, 2], label=name)
        before = figure.get_figheight()
        legend_beside(figure, axes)
    assert figure.get_figheight() - before == pytest.approx(2 * 1.35 * 7.31 / 72 + 0.05, abs=1e-6)


def test_markers_of_several_lines_do_not_stand_below_each_other() -> None:
    assert every(80, 0) == (0, 10)
    assert every(80, 1) == (2, 10)
    assert every(5, 3) == (0, 1)  # short lines have a marker at every point


def test_a_notebook_is_given_a_picture() -> None:
    shown = new_figure(4.0, 3.0, title="A title", caption="A caption")._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert int.from_bytes(shown[16:20], "big") == 320  # 4 inches of 80 points


def test_names_of_others_are_neither_mathematics_nor_hidden() -> None:
    assert words("gp") == "gp"
    assert words(r"$\frac$b") == r"\$\frac\$b"
    assert words("_mine") == " _mine"
