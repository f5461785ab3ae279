import polars as pl
import pytest

from predictornas.report.charts.gain import gain_chart
from tests.report.specs import spec_in
from tests.report.studies import made_history, made_tables


def test_points_are_the_rows_of_the_table_in_percent_with_their_interval() -> None:
    gain = made_tables(made_history({"random": (3, 600), "uniform-100": (3, 30)})).gain
    points = spec_in(gain_chart(gain))["datasets"]["points"]
    rows = gain.filter(pl.col("gain_db").is_not_null()).to_dicts()
    assert len(points) == len(rows)
    for point, row in zip(points, rows, strict=True):
        assert point["share"] == pytest.approx(100 * row["quantile"], rel=1e-5)
        assert point["error"] == pytest.approx(100 * row["target_error"], rel=1e-5)
        assert point["gain_db"] == pytest.approx(row["gain_db"], rel=1e-5)
        assert ("resolved_db" in point) == row["resolved"]
        assert ("interval" in point) == (row["low"] is not None)
        assert point["gain_text"].startswith("at most ") == (not row["resolved"])


def test_cap_and_chance_stand_in_layers_of_their_own() -> None:
    gain = made_tables(made_history({"uniform-100": (3, 30)})).gain
    band, _, cap, *_ = spec_in(gain_chart(gain))["layer"]
    assert [row["gain_db"] for row in cap["data"]["values"]] == pytest.approx(gain["cap_db"].to_list(), rel=1e-5)
    assert [row["high"] for row in band["data"]["values"]] == pytest.approx(gain["null_high"].to_list(), rel=1e-5)


def test_no_gain_makes_no_chart() -> None:
    gain = made_tables(made_history({"uniform-100": (3, 30)})).gain
    assert gain_chart(gain.with_columns(gain_db=pl.lit(None, pl.Float64))) == ""
