from __future__ import annotations

import polars as pl
import pytest

from predictornas.plots.perturbation import (
    draw_chosen_operations,
    draw_proposition,
    draw_selections,
    draw_shuffling,
    draw_skip_gaps,
    draw_strengths,
)

LABELS = {"title": "Title", "caption": "Caption"}


@pytest.mark.slow
def test_every_edge_has_importance_above_strength():
    table = pl.DataFrame(
        [
            {"cell": cell, "edge": 1, "ends": "0 → 2", "operation": name, "seed": seed, "importance": i, "accuracy": a}
            for cell in ("normal", "reduction")
            for seed in (0, 1)
            for name, i, a in (("skip", 0.6 + 0.1 * seed, 0.5), ("conv", 0.4 - 0.1 * seed, 0.7))
        ]
    )
    figure = draw_strengths(table, **LABELS)
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == [
        "normal cell, edge 0 → 2",
        "reduction cell, edge 0 → 2",
    ]
    (skip, conv) = (mark.get_segments()[0][0][1] for mark in figure.axes[0].collections)
    assert (skip, conv) == pytest.approx((0.65, 0.35))
    assert [tick.get_text() for tick in figure.axes[2].get_xticklabels()] == ["skip", "conv"]


def test_convolutions_are_marked_in_both_rows():
    edges = pl.DataFrame(
        {
            "seed": [0, 0, 0, 0],
            "ends": ["0 → 2", "0 → 2", "1 → 2", "1 → 2"],
            "operation": ["skip_connect", "sep_conv_3x3"] * 2,
            "most_important": [True, False, False, True],
            "strongest": [False, True, False, True],
        }
    )
    squares = draw_chosen_operations(edges, **LABELS).axes[0].patches
    reds = {
        (round(square.get_x() + 0.44), round(square.get_y() + 0.4)): square.get_facecolor()[0] for square in squares
    }
    # red above grey: the strongest stand at height 0, the most important at 1
    assert reds[0, 0] == reds[1, 0] == reds[1, 1] != reds[0, 1]


def test_thick_lines_are_means_over_seeds():
    table = pl.DataFrame(
        {"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "lead": [0.0, 0.1, 0.2, 0.3], "accuracy": [0.5, 0.6, 0.7, 0.9]}
    )
    first, second, third = draw_skip_gaps(table, **LABELS).axes
    assert list(first.get_lines()[2].get_ydata()) == pytest.approx([0.1, 0.2])
    assert list(second.get_lines()[2].get_ydata()) == pytest.approx([0.6, 0.75])
    assert [line.get_label() for line in third.get_lines()[:2]] == ["seed 0", "seed 1"]


def test_bands_need_several_seeds():
    runs = pl.DataFrame(
        {"selection": ["magnitude", "perturbation"], "epoch": [1, 1], "accuracy": [0.8, 0.9]},
    )
    means = runs.rename({"accuracy": "mean"}).with_columns(
        low=pl.Series([0.7, None], dtype=pl.Float64), high=pl.Series([0.9, None], dtype=pl.Float64)
    )
    named = [frame.with_columns(table=pl.lit(name)) for frame in (means, runs) for name in ("first", "second")]
    figure = draw_selections(pl.concat(named[:2]), pl.concat(named[2:]), best={"first": 0.95, "second": 1.0}, **LABELS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["first", "second"]
    assert [len(axes.collections) for axes in figure.axes] == [1, 1]
    assert figure.axes[0].get_ylim() == pytest.approx((0.8 - 0.0075, 0.95 + 0.0075))


def test_bars_are_means_and_points_are_seeds():
    by_seed = pl.DataFrame(
        [
            {"network": network, "seed": seed, "state": state, "value": value + 0.1 * seed}
            for network, before, after in (("VGG", 0.8, 0.1), ("DARTS", 0.7, 0.6))
            for state, value in (("before", before), ("after", after))
            for seed in (0, 1)
        ]
    )
    axes = draw_shuffling(by_seed, **LABELS).axes[0]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.85, 0.75, 0.15, 0.65])
    assert [text.get_text() for text in axes.texts] == ["85.0", "75.0", "15.0", "65.0"]


def test_the_middle_is_always_in_sight():
    table = pl.DataFrame({"operation": ["nor_conv_1x1"] * 2, "predicted": [0.6, 0.7], "learnt": [0.3, 0.4]})
    axes = draw_proposition(table, **LABELS).axes[0]
    assert axes.get_xlim()[0] < 0.5 < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < 0.3 < 0.5 < axes.get_ylim()[1]
