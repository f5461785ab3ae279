from __future__ import annotations

import polars as pl
import pytest

from predictornas.analysis.early_stopping import PAYS
from predictornas.plots.savings import draw_savings


def test_lines_are_expected_and_markers_measured() -> None:
    rows = [
        {"group": group, "ladder": f"{group} {name}", "ratio": ratio, "expected": 1 / ratio, "measured": 0.9 / ratio}
        for group in ("tables", "with noise")
        for name in ("1/3/9", "12/200")
        for ratio in (0.5, 0.3)
    ]
    figure = draw_savings(pl.DataFrame(rows), title="Savings", caption="What it shows.")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["tables", "with noise"]
    expected, measured = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 2][1:3]
    assert expected.get_ydata().tolist() == pytest.approx([1 / 0.3, 2.0])
    assert measured.get_ydata().tolist() == pytest.approx([3.0, 1.8])
    assert measured.get_linestyle() == "None"
    assert figure.axes[0].lines[0].get_ydata()[0] == PAYS
