import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from predictornas.plots.style import (
    band_opacity,
    count_axis,
    counted,
    draw_band,
    new_figure,
    percent_axis,
    runs_of,
    styles_of,
)

METHODS = [
    "random", "exhaustive", "uniform-100", "uniform-1000", "uniform-10000", "evolutionary-100", "evolutionary-1000",
    "likelihood-100", "likelihood-1000", "pvll", "rank-nosh", "regularised-evolution", "local-search", "bananas",
    "one-shot",
]  # fmt: skip


def test_known_methods_never_share_a_colour() -> None:
    styles = styles_of(METHODS)
    assert len({style.color for style in styles.values()}) == len(METHODS)
    assert styles["random"].color == "#767676"  # grey, as in the paper


def test_a_method_looks_the_same_in_every_figure() -> None:
    alone, together = styles_of(["one-shot"])["one-shot"], styles_of(METHODS)["one-shot"]
    assert alone == together
    assert styles_of(["my method"])["my method"] == styles_of([*METHODS, "my method"])["my method"]


@given(st.lists(st.text(min_size=1, max_size=6), max_size=12, unique=True))
def test_unknown_methods_differ_and_do_not_depend_on_order(names: list[str]) -> None:
    styles = styles_of(names)
    assert styles == styles_of(reversed(names))
    assert len({style.color for style in styles.values()}) == len(names)


def test_more_methods_than_colours_are_drawn_all_the_same() -> None:
    assert len(styles_of([f"method {i}" for i in range(40)])) == 40


def test_names_that_a_person_reads() -> None:
    styles = styles_of(["uniform-10000", "evolutionary-1000", "uniform-77", "bananas", "mine"])
    assert styles["uniform-10000"].label == "uniform pool, N' = 10,000"
    assert styles["evolutionary-1000"].label == "evolutionary pool, N' = 1,000"
    assert styles["uniform-77"].label == "uniform pool, N' = 77"
    assert (styles["bananas"].label, styles["mine"].label) == ("BANANAS", "mine")


def test_methods_are_ordered_random_first() -> None:
    assert list(styles_of(["mine", "one-shot", "exhaustive", "random"])) == ["random", "exhaustive", "one-shot", "mine"]


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
