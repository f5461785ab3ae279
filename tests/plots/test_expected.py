from __future__ import annotations

import polars as pl

from predictornas.plots.expected import draw_expected


def test_any_number_of_predictors_and_samplers_is_drawn() -> None:
    rows = [
        {"target": "top", "predictor": f"p{number}", "sampler": f"s{number}", "expected_db": 1.0, "measured_db": 2.0}
        for number in range(9)
    ]
    table = pl.DataFrame(rows).with_columns(measured_low=pl.lit(None), measured_high=pl.lit(None))
    figure = draw_expected(table, title="Gains", caption="What it shows.")
    assert len(figure.legends[0].get_texts()) == 18


def test_a_panel_a_target_with_a_point_for_each_method() -> None:
    rows = [
        {
            "target": target,
            "predictor": predictor,
            "sampler": sampler,
            "expected_db": 10.0,
            "measured_db": 11.0 + len(sampler),
            "measured_low": None if sampler == "uniform" else 9.0,
            "measured_high": None if sampler == "uniform" else 13.0,
        }
        for target in ("top 0.1 %", "top 1 %")
        for predictor in ("gcn", "gp")
        for sampler in ("uniform", "exhaustive")
    ]
    figure = draw_expected(pl.DataFrame(rows), title="Gains", caption="What it shows.")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["top 0.1 %", "top 1 %"]
    drawn = [line for line in figure.axes[1].lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    assert [float(line.get_ydata()[0]) for line in drawn] == [18.0, 21.0] * 2
    bars = [line for line in figure.axes[1].lines if list(line.get_ydata()) == [9.0, 13.0]]
    assert len(bars) == 2  # none where there is no interval
