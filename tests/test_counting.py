from __future__ import annotations

import pytest

from predictornas.counting import counted


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_500, "1,500 runs")],
)
def test_one_alone_has_no_s(number: int, shown: str) -> None:
    assert counted(number, "run") == shown
