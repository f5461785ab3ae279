from __future__ import annotations

import polars as pl
import pytest

from predictornas.plots.nasbench201 import draw_trajectories


def drawn(settings: list[str]):
    epochs = pl.DataFrame(
        [
            {"setting": setting, "seed": seed, "epoch": epoch, "accuracy": [None, 0.5, 0.9, 0.7][2 * seed + epoch - 1]}
            for setting in settings
            for seed in (0, 1)
            for epoch in (1, 2)
        ]
    )
    ends = pl.DataFrame(
        [
            {"setting": settings[0], "selection": "own", "accuracy": 0.5, "skip_share": 0.5},
            {"setting": settings[0], "selection": "own", "accuracy": 0.7, "skip_share": 0.0},
            {"setting": settings[0], "selection": "perturbation", "accuracy": 0.8, "skip_share": 0.0},
            {"setting": settings[0], "selection": "perturbation", "accuracy": 0.9, "skip_share": 1.0},
        ]
    )
    return draw_trajectories(epochs, ends, median=0.87, best=0.94, title="Title", caption="Caption")


def test_seeds_their_mean_and_the_ends_with_perturbation_are_errors_on_the_axis() -> None:
    figure = drawn(["darts-1", "gdas"])
    first, second = figure.axes
    # seed 0 is not known at its first epoch
    curves = [list(line.get_ydata()) for line in first.get_lines()[:3]]
    assert curves == [pytest.approx([0.5]), pytest.approx([0.1, 0.3]), pytest.approx([0.1, 0.4])]
    perturbed = [list(line.get_ydata()) for line in first.get_lines()[3:5]]
    assert perturbed == [pytest.approx([0.2, 0.1]), pytest.approx([0.15])]
    references = [line.get_ydata()[0] for line in second.get_lines()[3:]]
    assert references == pytest.approx([0.13, 0.06])
    assert first.get_title(loc="left") == "darts-1\n60.00, skips 25 %\n+pt: 85.00, skips 50 %"
    assert second.get_title(loc="left") == "gdas"
    figure.canvas.draw()
    assert "90" in [label.get_text() for label in first.get_yticklabels()]
    assert first.yaxis_inverted()


def test_every_method_has_a_panel_and_empty_ones_are_hidden() -> None:
    figure = drawn([f"method {number}" for number in range(7)])
    assert len(figure.axes) == 10
    assert [axes.axison for axes in figure.axes] == [True] * 7 + [False] * 3
