import numpy as np
import polars as pl
import pytest

from predictornas.analysis.distribution import WHOLE_TABLE, distribution_table
from predictornas.errors import ConfigurationError

TABLE = np.array([0.10, 0.125, 0.14, 0.16, 0.90])


def test_histogram_by_hand(make_history) -> None:
    history = make_history(TABLE, {"a": [[4, 0, 1], [3, 0, 4]]})
    table = distribution_table(history, TABLE, bins=2, upper=0.14)
    assert table["method"].unique(maintain_order=True).to_list() == [WHOLE_TABLE, "a"]
    whole, proposed = (table.filter(pl.col("method") == method) for method in (WHOLE_TABLE, "a"))
    np.testing.assert_allclose(whole["density"], [1 / 5 / 0.02, 2 / 5 / 0.02])  # 0.14 belongs to the last bin
    np.testing.assert_allclose(whole["clipped_share"], 2 / 5)
    np.testing.assert_allclose(proposed["density"], [2 / 4 / 0.02, 1 / 4 / 0.02])
    np.testing.assert_allclose(proposed["clipped_share"], 1 / 4)
    np.testing.assert_allclose(proposed["median"], 0.1125)
    assert proposed.select("proposals_total", "runs").unique().rows() == [(4, 2)]
    assert whole.select("proposals_total", "runs").unique().rows() == [(5, 0)]


def test_density_and_clipped_share_make_one(make_history) -> None:
    errors = np.random.default_rng(0).gamma(2, 0.05, 500)
    history = make_history(errors, {"a": [list(range(50)), list(range(100, 170))]})
    table = distribution_table(history, errors)
    width = table["error_high"] - table["error_low"]
    area = (
        table.with_columns(area=pl.col("density") * width)
        .group_by("method")
        .agg(pl.col("area").sum(), pl.col("clipped_share").first())
    )
    np.testing.assert_allclose(area["area"] + area["clipped_share"], 1)
    assert table["error_high"].max() == pytest.approx(np.quantile(errors, 0.9))


def test_an_axis_that_ends_before_it_starts_is_refused(make_history) -> None:
    with pytest.raises(ConfigurationError, match="Raise `upper`"):
        distribution_table(make_history(TABLE, {"a": [[0, 1]]}), TABLE, upper=0.05)
