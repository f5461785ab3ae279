import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from predictornas.analysis.regret import OracleErrors, convergence_table, incumbent_curves, oracle_errors
from predictornas.errors import ConfigurationError
from predictornas.plots.convergence import draw_convergence


def _rendered(figure: Figure) -> int:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    return len(stream.getvalue())


@pytest.fixture(scope="module")
def oracles(table_errors: np.ndarray, evaluation_errors: np.ndarray) -> OracleErrors:
    return oracle_errors(table_errors, evaluation_errors)


@pytest.fixture(scope="module")
def table(searches, oracles: OracleErrors) -> pl.DataFrame:
    history, _ = searches({"random": 1.0, "exhaustive": 0.02})
    return convergence_table(incumbent_curves(history), oracles)


@pytest.mark.slow
def test_three_panels_with_both_oracles(table: pl.DataFrame, oracles: OracleErrors) -> None:
    figure = draw_convergence(table, oracles)
    assert len(figure.axes) == 3
    assert "4 runs, up to 44 evaluations" in figure.get_suptitle()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["random search", "exhaustive pool", "signal oracle", "evaluation oracle"]
    expected = [
        (oracles.signal_on_signal, oracles.evaluation_on_signal),
        (oracles.signal_on_evaluation, oracles.evaluation_on_evaluation),
        (oracles.signal_on_evaluation, oracles.evaluation_on_evaluation),
    ]
    for axes, (signal, evaluation) in zip(figure.axes, expected, strict=True):
        lines = {line.get_label(): line.get_ydata()[0] for line in axes.lines if "oracle" in str(line.get_label())}
        assert lines == {"signal oracle": signal, "evaluation oracle": evaluation}
    assert _rendered(figure) > 10_000


def test_lines_show_the_table(table: pl.DataFrame) -> None:
    figure = draw_convergence(table)
    rows = table.filter((pl.col("method") == "random") & (pl.col("trace") == "chosen"))
    line = next(line for line in figure.axes[1].lines if line.get_label() == "random search")
    np.testing.assert_array_equal(line.get_xdata(), rows["evaluations"])
    np.testing.assert_array_equal(line.get_ydata(), rows["mean"])


@pytest.mark.parametrize(("axis", "last"), [("seconds", 44_000), ("epochs", 44 * 108)])
def test_cost_axes(table: pl.DataFrame, axis: str, last: float) -> None:
    figure = draw_convergence(table, axis=axis, band="std")
    assert figure.axes[0].lines[0].get_xdata()[-1] == pytest.approx(last)
    assert "one standard deviation" in figure.get_supxlabel()


def test_one_run_without_evaluation_and_cost(searches) -> None:
    history, _ = searches({"mine": 0.5}, runs=1, evaluated=False)
    table = convergence_table(incumbent_curves(history))
    figure = draw_convergence(table)
    assert len(figure.axes) == 1
    assert "1 run," in figure.get_suptitle()
    assert _rendered(figure) > 3_000
    with pytest.raises(ConfigurationError, match="no cost_seconds"):
        draw_convergence(table, axis="seconds")


@pytest.mark.slow
def test_a_search_of_one_evaluation(searches) -> None:
    history, _ = searches({"mine": 0.5}, runs=2)
    table = convergence_table(incumbent_curves(history.filter(pl.col("order") == 0)))
    assert _rendered(draw_convergence(table)) > 3_000


def test_one_trace_makes_one_panel_and_a_note_begins_the_caption(table: pl.DataFrame) -> None:
    figure = draw_convergence(table.filter(pl.col("trace") == "chosen"), note="My setting.")
    assert len(figure.axes) == 1
    assert figure.get_supxlabel().startswith("My setting. Lines: mean")


def test_any_name_is_in_the_legend(table: pl.DataFrame) -> None:
    odd = {"random": r"$\frac$b", "exhaustive": "_mine"}
    figure = draw_convergence(table.with_columns(pl.col("method").replace(odd)))
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {r"\$\frac\$b", " _mine"}
    assert _rendered(figure) > 10_000
