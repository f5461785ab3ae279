from __future__ import annotations

import polars as pl

from predictornas.report.charts.split import split_chart
from tests.report.specs import spec_in


def _table(*, resolved: bool = True) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "estimator": "pooled", "method": method, "part": part, "target_error": 0.05, "quantile": 0.01,
                "table_hits": 10, "gain_db": gain, "low": None, "high": None, "resolved": resolved,
            }
            for method in ("uniform-100", "evolutionary-100")
            for part, gain in (("sampler", 3.0), ("predictor", 4.0), ("total", 7.0))
        ]
    )  # fmt: skip


def test_every_part_of_every_method_is_a_point_and_the_menu_has_the_methods() -> None:
    figure = split_chart(_table())
    spec = spec_in(figure)
    points = spec["datasets"]["points"]
    assert len(points) == 6
    assert {point["part"]: point["gain_db"] for point in points} == {"sampler": 3.0, "predictor": 4.0, "total": 7.0}
    assert points[0]["share"] == 1.0
    labels = ["uniform pool, N' = 100", "evolutionary pool, N' = 100"]
    assert spec["params"][0]["bind"]["options"] == labels
    assert "Both add up to the total" in figure


def test_hollow_points_are_counted_and_without_pools_there_is_no_chart() -> None:
    assert "6 of 6 points" in split_chart(_table(resolved=False))
    assert "resolved_db" not in spec_in(split_chart(_table(resolved=False)))["datasets"]["points"][0]
    assert split_chart(pl.DataFrame()) == ""
    assert split_chart(_table().with_columns(gain_db=pl.lit(None, pl.Float64))) == ""
