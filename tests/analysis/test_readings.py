from __future__ import annotations

import math

import polars as pl
import pytest

from predictornas.analysis.readings import READINGS, readings_table


def test_the_paper_s_two_heights_are_the_caps_of_an_iteration_and_of_all_proposals() -> None:
    """5 = 4 + 1 and 1397 = 1396 + 1: 49.3 dB, nearly "100000 times", and 24.8 dB, the "factor 300"."""
    table = readings_table(423_624, [4, 1396], [1])
    plain = table.filter(reading="10 log10")
    assert plain["ratio"].to_list() == pytest.approx([423_625 / 5, 423_625 / 1397])
    assert plain["cap_db"].round(1).to_list() == [49.3, 24.8]
    assert table.filter(reading="10 ln", proposals=1396)["cap_db"].item() == pytest.approx(
        10 * math.log(423_625 / 1397)
    )
    assert table.filter(reading="20 log10", proposals=1396)["cap_db"].item() == pytest.approx(49.6361, abs=1e-3)


def test_more_targets_than_proposals_lower_what_is_possible() -> None:
    table = readings_table(99, [4], [1, 4, 9])
    assert table.filter(reading="10 log10")["ratio"].to_list() == pytest.approx([20, 20, 10])
    assert table.columns == ["reading", "proposals", "table_hits", "ratio", "cap_db"]
    assert table["reading"].unique(maintain_order=True).to_list() == list(READINGS)
    assert table.select(pl.len()).item() == 9
