from __future__ import annotations

import polars as pl
import pytest

from predictornas.plots.limits import limits_of_means


def test_narrow_intervals_are_shown_whole() -> None:
    low, high = limits_of_means(pl.DataFrame({"mean": [1.0, 2.0], "low": [0.9, 1.9], "high": [1.1, 2.1]}))
    assert low < 0.9
    assert high > 2.1
    assert high - low < 1.6


def test_intervals_far_wider_than_the_means_apart_are_cut() -> None:
    low, high = limits_of_means(pl.DataFrame({"mean": [1.0, 2.0], "low": [-90.0, 1.9], "high": [92.0, 2.1]}))
    assert low == pytest.approx(1.0 - 0.6 - 0.08 * 2.2)
    assert high == pytest.approx(2.0 + 0.6 + 0.08 * 2.2)


def test_a_single_mean_without_an_interval_has_room() -> None:
    rows = pl.DataFrame(
        {"mean": [0.0], "low": [None], "high": [None]}, schema_overrides=dict.fromkeys(("low", "high"), pl.Float64)
    )
    low, high = limits_of_means(rows)
    assert low < 0 < high
