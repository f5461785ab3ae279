import polars as pl
import pytest

from predictornas.report.charts.distribution import distribution_chart
from tests.report.specs import spec_in
from tests.report.studies import made_history, made_tables


def test_shares_are_those_of_the_proposals_on_the_chart() -> None:
    """Draws among the 30 best proposals lie all on the axis, which ends at the 90 % quantile of the table."""
    table = made_tables(made_history({"uniform-100": (3, 30)})).distribution
    bins = spec_in(distribution_chart(table))["datasets"]["bins"]
    shares: dict[str, float] = {}
    for row in bins:
        shares[row["method"]] = shares.get(row["method"], 0.0) + row["share"]
    assert shares == pytest.approx({"whole table": 90.0, "uniform pool, N' = 100": 100.0}, rel=1e-3)


def test_nothing_proposed_makes_no_chart() -> None:
    assert distribution_chart(pl.DataFrame()) == ""
