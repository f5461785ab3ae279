import math

import polars as pl

from predictornas.analysis.statistics import POSITIVE, SHARE
from predictornas.plots.estimator import draw_curves, draw_rows


def test_each_curve_has_its_colour_and_the_training_set_is_dashed():
    rows = [
        {"curve": curve, "split": split, "evaluations": step, "mean": mean, "low": mean / 2, "high": mean * 2}
        for curve, split, mean in (("a", "test", 0.2), ("a", "training", 0.1), ("b", "test", 0.4))
        for step in (1, 2, 3)
    ]
    figure = draw_curves(pl.DataFrame(rows), quantity="loss", title="Title", caption="Caption")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(lines) == ["a, test", "a, training", "b, test"]
    assert [line.get_linestyle() for line in lines.values()] == ["-", "--", "-"]
    assert lines["a, test"].get_color() == lines["a, training"].get_color() != lines["b, test"].get_color()
    assert lines["b, test"].get_ydata().tolist() == [0.4] * 3
    assert figure.axes[0].get_yscale() == "log"


def test_rows_stand_in_their_order_with_mean_and_interval():
    table = pl.DataFrame({"setting": ["top", "top", "top", "low", "alone"], "value": [0.01, 0.02, 0.03, None, 0.05]})
    figure = draw_rows(table, quantity="error, %", title="Title", caption="Caption", bounds=SHARE, scale=100.0)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["alone", "low", "top"]
    means = {
        float(line.get_ydata()[0]): float(line.get_xdata()[0]) for line in axes.get_lines() if line.get_marker() == "D"
    }
    assert means == {2.0: 2.0, 0.0: 5.0}
    bars = [line.get_xdata() for line in axes.get_lines() if line.get_marker() in ("None", "")]
    # .02 +- 4.302653 * .01 / sqrt(3), the t interval, on the scale of log odds, whose slope is 1 / (p (1 - p))
    assert len(bars) == 1
    odds = 0.02 / 0.98 * math.exp(-4.302653 * 0.01 / 3**0.5 / (0.02 * 0.98))
    assert abs(bars[0][0] - 100 * odds / (1 + odds)) < 1e-5


def test_positive_values_of_different_magnitude_stand_on_a_logarithmic_axis():
    for largest, scale in ((0.019, "linear"), (0.021, "log")):
        table = pl.DataFrame({"setting": ["a", "a", "b", "b"], "value": [0.001, 0.002, 0.015, largest]})
        figure = draw_rows(table, quantity="loss", title="Title", caption="Caption", bounds=POSITIVE)
        axes = figure.axes[0]
        assert axes.get_xscale() == scale
        assert axes.get_xlim()[0] < 0.001 < largest < axes.get_xlim()[1]
