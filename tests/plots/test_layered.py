from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from predictornas.plots.layered import GAP, Arrow, Item, Placement, _never_falling, arrange

BOX, LABEL = Item("box", 0.4, 0.3), Item("sep_conv_3x3", 0.9, 0.17)


def rectangles(
    boxes: list[Item], arrows: list[Arrow], layout: Placement
) -> list[tuple[np.ndarray, np.ndarray, set[int]]]:
    """Centre and size of each box and label, and the arrows that may touch it."""
    found = [
        (
            centre,
            np.array([box.width, box.height]),
            {a for a, arrow in enumerate(arrows) if place in (arrow.source, arrow.target)},
        )
        for place, (box, centre) in enumerate(zip(boxes, layout.boxes, strict=True))
    ]
    for number, arrow in enumerate(arrows):
        if arrow.label:
            found.append((layout.labels[number], np.array([arrow.label.width, arrow.label.height]), {number}))
    return found


def test_a_chain_is_a_straight_line() -> None:
    layout = arrange([BOX] * 3, [Arrow(0, 1), Arrow(1, 2, LABEL)])
    assert np.ptp(layout.boxes[:, 1]) == pytest.approx(0, abs=1e-9)
    assert (np.diff(layout.boxes[:, 0]) > BOX.width).all()
    assert np.isnan(layout.labels[0]).all()
    assert layout.labels[1, 0] == pytest.approx(layout.boxes[1:, 0].mean())
    for line, source in zip(layout.lines, (0, 1), strict=True):
        assert line[0].tolist() == pytest.approx([layout.boxes[source, 0] + BOX.width / 2, layout.boxes[0, 1]])
        assert line[-1].tolist() == pytest.approx([layout.boxes[source + 1, 0] - BOX.width / 2, layout.boxes[0, 1]])


def test_a_box_stands_behind_all_that_lead_to_it_and_the_last_one_is_last() -> None:
    layout = arrange([BOX] * 5, [Arrow(0, 2), Arrow(1, 2), Arrow(0, 4), Arrow(2, 3)])
    x = layout.boxes[:, 0]
    assert x[0] == x[1] < x[2] < x[3] == x[4]


def test_arrows_that_need_not_cross_do_not() -> None:
    """Two inputs, each to the box that is named in the other order: one of the columns is turned around."""
    layout = arrange([BOX] * 5, [Arrow(0, 3), Arrow(1, 2), Arrow(2, 4), Arrow(3, 4)])
    y = layout.boxes[:, 1]
    assert (y[0] - y[1]) * (y[3] - y[2]) > 0


def test_the_arrows_of_a_box_begin_apart_in_the_order_of_their_ends() -> None:
    layout = arrange([BOX] * 4, [Arrow(0, 1), Arrow(0, 2), Arrow(1, 3), Arrow(2, 3)])
    (_, low), (_, high) = sorted(
        (layout.boxes[target, 1], layout.lines[arrow][0, 1]) for arrow, target in ((0, 1), (1, 2))
    )
    assert low < layout.boxes[0, 1] < high
    assert high - low < BOX.height


@st.composite
def diagrams(draw: st.DrawFn) -> tuple[list[Item], list[Arrow]]:
    """Cells of up to eight boxes, arrows with and without labels."""
    count = draw(st.integers(3, 8))
    arrows = []
    for target in range(1, count):
        for source in draw(st.sets(st.integers(0, target - 1), max_size=3)):
            label = draw(st.sampled_from([None, LABEL, Item("skip", 0.4, 0.17)]))
            arrows.append(Arrow(source, target, label))
    return [BOX] * count, arrows


@pytest.mark.slow
@settings(max_examples=25)
@given(diagrams())
def test_nothing_lies_on_anything_else(diagram: tuple[list[Item], list[Arrow]]) -> None:
    boxes, arrows = diagram
    layout = arrange(boxes, arrows)
    solid = rectangles(boxes, arrows, layout)
    for place, (centre, size, own) in enumerate(solid):
        for other, other_size, _ in solid[:place]:
            apart = np.abs(centre - other) - (size + other_size) / 2
            assert apart.max() > GAP - 1e-9
        for number, line in enumerate(layout.lines):
            inside = (np.abs(line - centre) < size / 2 - 1e-9).all(axis=1)
            assert number in own or not inside.any()
    for line in layout.lines:
        assert (np.diff(line[:, 0]) > 0).all()


def test_values_that_never_fall_are_the_isotonic_regression() -> None:
    """Against scikit-learn's; by hand: 3, 1 become their mean."""
    np.testing.assert_allclose(_never_falling(np.array([0.0, 3, 1, 5])), [0, 2, 2, 5])
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 30):
        values = rng.normal(size=size)
        np.testing.assert_allclose(_never_falling(values), isotonic_regression(values), atol=1e-12)
