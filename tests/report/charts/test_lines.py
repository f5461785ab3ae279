import polars as pl

from predictornas.report.charts.lines import line_chart
from tests.report.specs import spec_in


def test_lines_are_the_rows_and_bands_stand_where_there_are_intervals() -> None:
    table = pl.DataFrame(
        {"method": ["a", "a"], "x": [10, 20], "mean": [0.5, 0.6], "low": [0.4, None], "high": [0.6, None]}
    )
    spec = spec_in(line_chart("tau", "Caption.", table, x="size", y="tau", logarithmic=True))
    assert spec["data"]["values"] == [
        {"method": "a", "x": 10, "mean": 0.5, "low": 0.4, "high": 0.6},
        {"method": "a", "x": 20, "mean": 0.6},
    ]
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["area", "line", "point"]
    without = spec_in(line_chart("tau", "Caption.", table.drop("low", "high"), x="size", y="tau"))
    assert [layer["mark"]["type"] for layer in without["layer"]] == ["line", "point"]


def test_no_rows_make_no_chart() -> None:
    assert line_chart("tau", "Caption.", pl.DataFrame(), x="size", y="tau") == ""
