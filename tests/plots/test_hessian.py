from __future__ import annotations

import polars as pl
import pytest

from predictornas.plots.hessian import draw_hessians


def table() -> pl.DataFrame:
    rows = [
        {"quantity": quantity, "setting": setting, "epoch": epoch, "mean": value * epoch, "low": 0.0, "high": 9.0}
        for setting in ("darts-1", "drnas")
        for quantity, value in (("spectral_radius", 1.0), ("trace", -2.0), ("loss", 3.0))
        for epoch in (1, 2)
    ]
    rows += [
        {"quantity": quantity, "setting": "drnas", "epoch": epoch, "mean": value, "low": None, "high": None}
        for quantity, value in (("expected_loss", 4.0), ("second_order", 3.5), ("bound", 2.5))
        for epoch in (1, 2)
    ]
    return pl.DataFrame(rows, schema_overrides={"low": pl.Float64, "high": pl.Float64})


def test_curvatures_of_both_methods_and_both_sides_of_the_bound() -> None:
    figure = draw_hessians(table(), title="Title", caption="Caption")
    lines = [{line.get_label(): list(line.get_ydata()) for line in axes.get_lines()} for axes in figure.axes]
    assert lines[0] == {"DARTS, 1st order": [1.0, 2.0], "DrNAS": [1.0, 2.0]}
    assert lines[1] == {"DARTS, 1st order": [-2.0, -4.0], "DrNAS": [-2.0, -4.0]}
    assert {label: values[-1] for label, values in lines[2].items()} == {
        "expected loss": 4.0,
        "its second-order estimate": 3.5,
        "lower bound (eq. 3.4)": 2.5,
        "loss at mu": 6.0,
    }
    figure.canvas.draw()


def test_one_seed_has_no_bands() -> None:
    one = table().with_columns(low=pl.lit(None, dtype=pl.Float64), high=pl.lit(None, dtype=pl.Float64))
    counts = [
        sum(len(axes.collections) for axes in draw_hessians(shown, title="", caption="").axes)
        for shown in (table(), one)
    ]
    assert counts == [4, 0]


@pytest.mark.parametrize("caption", ["Caption", ""])
def test_title_and_caption_are_shown(caption: str) -> None:
    figure = draw_hessians(table(), title="Title", caption=caption)
    assert figure.get_suptitle() == "Title"
    assert figure.get_supxlabel() == caption
