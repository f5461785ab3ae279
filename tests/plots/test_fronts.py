"""Figures of several objectives show what the tables hold."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.objectives.measure import HypervolumeScale
from predictornas.plots.fronts import draw_fronts, draw_hypervolume

MEASURE = HypervolumeScale(
    ("error", "parameters"), np.array([0.1, 1e5]), np.array([0.2, 1e7]), np.array([[0.1, 1e5]]), 1.0
)


def test_regret_is_drawn_for_every_trace_and_method() -> None:
    rows = [
        {"method": method, "trace": trace, "evaluations": count, "mean": 0.5 / count, "low": None, "high": None}
        for method in ("random", "nsga-ii") for trace in ("chosen", "best") for count in (1, 2)
    ]  # fmt: skip
    figure = draw_hypervolume(pl.DataFrame(rows).with_columns(runs=3), note="The setting.")
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([0.5, 0.25])
    assert "The setting." in figure.caption  # type: ignore[attr-defined]


def test_the_median_surface_is_a_staircase_and_wide_ranges_are_logarithmic() -> None:
    attainment = pl.DataFrame(
        {"method": ["random"] * 4, "share": [0.25, 0.5, 0.5, 0.75], "runs": [3] * 4,
         "error": [0.1, 0.12, 0.15, 0.15], "parameters": [1e6, 4e6, 2e6, 3e6]}
    )  # fmt: skip
    front = pl.DataFrame({"method": ["whole table"], "error": [0.1], "parameters": [1e5]})
    axes = draw_fronts(front, attainment, MEASURE).axes[0]
    table, median = axes.lines
    assert (table.get_xdata(), table.get_ydata()) == ([0.1], [1e5])
    heights = dict(zip(np.asarray(median.get_xdata()).tolist(), np.asarray(median.get_ydata()).tolist(), strict=True))
    assert heights == {0.1: np.inf, 0.12: 4e6, 0.15: 2e6, 0.2: 2e6}
    assert axes.get_yscale() == "log"
    assert axes.get_xscale() == "linear"


def test_counts_on_a_straight_axis_are_short() -> None:
    measure = HypervolumeScale(("error", "flops"), np.array([0.1, 1e7]), np.array([0.2, 5e7]), np.zeros((1, 2)), 1.0)
    columns = {"error": [0.1] * 3, "flops": [2e7] * 3}
    attainment = pl.DataFrame({"method": ["random"] * 3, "share": [0.25, 0.5, 0.75], "runs": [3] * 3, **columns})
    front = pl.DataFrame({"method": ["whole table"], "error": [0.1], "flops": [1e7]})
    axis = draw_fronts(front, attainment, measure).axes[0].yaxis
    assert axis.get_major_formatter()(37_500_000, 0) == "37.5 M"


def test_any_name_is_in_the_legend() -> None:
    rows = [
        {"method": method, "trace": "best", "evaluations": count, "mean": 0.5, "low": None, "high": None, "runs": 3}
        for method in (r"$\frac$b", "_mine") for count in (1, 2)
    ]  # fmt: skip
    figure = draw_hypervolume(pl.DataFrame(rows))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {r"\$\frac\$b", " _mine"}
