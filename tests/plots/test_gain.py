import io
import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from predictornas.analysis.gain import gain_table
from predictornas.analysis.split import split_table
from predictornas.analysis.targets import targets_for
from predictornas.errors import UnknownNameError
from predictornas.plots.gain import draw_gain, draw_split
from predictornas.plots.style import drawing
from predictornas.quantity import Quantity


def _rendered(figure: Figure) -> int:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    return len(stream.getvalue())


def _labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.fixture(scope="module")
def table(searches, table_errors: np.ndarray) -> pl.DataFrame:
    history, _ = searches({"random": 1.0, "exhaustive": 0.02, "mine": 0.2})
    rng = np.random.default_rng(0)
    return gain_table(history, table_errors, targets_for(table_errors, count=20), rng=rng)


@pytest.mark.slow
def test_labels_of_the_axis_above_do_not_touch_in_one_column(table: pl.DataFrame) -> None:
    with drawing("paper"):
        figure = draw_gain(table)
    FigureCanvasAgg(figure).draw()
    extents = [text.get_window_extent() for text in figure.axes[1].get_xticklabels()]
    assert 3 <= len(extents) <= 4
    assert all(one.x1 + 2 < other.x0 for one, other in pairwise(extents))


@pytest.mark.slow
def test_every_method_the_cap_and_the_null_are_named(table: pl.DataFrame) -> None:
    figure = draw_gain(table)
    assert _labels(figure) == [
        "random search with a hit, mean (band: 95 %)", "cap: perfect proposals, K = 40",
        "random search", "exhaustive pool", "mine",
    ]  # fmt: skip
    assert _rendered(figure) > 10_000


def test_the_title_states_k_and_the_runs(table: pl.DataFrame) -> None:
    assert "K = 40 proposals a run, 4 runs" in " ".join(draw_gain(table).get_suptitle().split())
    assert draw_gain(table, title="Mine").get_suptitle().startswith("Mine (K = 40")


def test_lines_show_the_table(table: pl.DataFrame) -> None:
    axes = draw_gain(table, estimator="per_run").axes[0]
    rows = table.filter((pl.col("method") == "exhaustive") & (pl.col("estimator") == "per_run"))
    line = next(line for line in axes.lines if line.get_label() == "exhaustive pool")
    np.testing.assert_array_equal(line.get_xdata(), rows["table_hits"])
    expected = rows.select(pl.when("resolved").then("gain_db"))["gain_db"].fill_null(np.nan)
    np.testing.assert_array_equal(line.get_ydata(), expected)
    cap = next(line for line in axes.lines if line.get_label() == "cap: perfect proposals, K = 40")
    np.testing.assert_array_equal(cap.get_ydata(), rows["cap_db"])
    assert axes.get_xscale() == "log"


def test_unresolved_targets_are_hollow(table: pl.DataFrame) -> None:
    rows = table.filter((pl.col("method") == "random") & (pl.col("estimator") == "pooled") & ~pl.col("resolved"))
    assert len(rows) > 2
    figure = draw_gain(table)
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white" and len(line.get_xdata())]
    assert any(np.array_equal(line.get_ydata(), rows["gain_db"]) for line in hollow)
    assert all(line.get_linestyle() == "None" for line in hollow)
    assert "Hollow" in figure.get_supxlabel()


def test_the_axis_above_reads_errors_where_the_table_reaches_them(table: pl.DataFrame) -> None:
    figure = draw_gain(table)
    above = figure.axes[1]
    errors = dict(table.select("table_hits", "target_error").iter_rows())
    places, labels = above.get_xticks(), [text.get_text() for text in above.get_xticklabels()]
    assert len(places) >= 4
    assert labels == [f"{100 * errors[int(place)]:.2f}" for place in places]
    assert above.get_xlim() == figure.axes[0].get_xlim()


@pytest.mark.slow
def test_small_and_empty_tables(searches, table_errors: np.ndarray) -> None:
    history, _ = searches({"random": 1.0}, runs=1, budget=8)
    for errors in ([0.01], [table_errors[0]], [0.01, table_errors[0]]):
        targets = targets_for(table_errors, count=0, errors=errors)
        figure = draw_gain(gain_table(history, table_errors, targets, rng=np.random.default_rng(0)))
        assert _rendered(figure) > 3_000
    assert "1 run)" in figure.get_suptitle()


@pytest.mark.slow
def test_twelve_methods_and_different_budgets(searches, table_errors: np.ndarray) -> None:
    """All count with as many evaluations as the shortest has; tables of several studies may differ in K."""
    short, _ = searches({f"method {i}": 0.3 for i in range(6)}, runs=2, budget=16)
    long, _ = searches({f"longer {i}": 0.3 for i in range(6)}, runs=2, budget=40)
    rng = np.random.default_rng(0)
    targets = targets_for(table_errors, count=9)
    cut = gain_table(pl.concat([short, long]), table_errors, targets, rng=rng)
    assert "(K = 12 proposals" in " ".join(draw_gain(cut).get_suptitle().split())
    table = pl.concat([gain_table(history, table_errors, targets, rng=rng) for history in (short, long)])
    figure = draw_gain(table)
    assert "K = 12 to 36" in figure.get_suptitle()
    assert len(_labels(figure)) == 15
    caps = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert len(caps) == 2  # one for each K
    assert _rendered(figure) > 10_000


def test_unknown_estimators_are_refused(table: pl.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match="pooled"):
        draw_gain(table, estimator="pool")


@pytest.mark.slow
@pytest.mark.parametrize("methods", [1, 2, 4])
def test_split_has_a_panel_for_each_method(searches, table_errors: np.ndarray, methods: int) -> None:
    history, pools = searches({f"uniform-{10**i}": 0.05 for i in range(1, methods + 1)})
    split = split_table(history, pools, table_errors, rng=np.random.default_rng(0))
    figure = draw_split(split, estimator="per_run")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == methods
    assert _labels(figure)[2:] == ["sampler", "predictor", "total"]
    first = {line.get_label(): line.get_ydata() for line in panels[0].lines}
    np.testing.assert_allclose(first["sampler"] + first["predictor"], first["total"], atol=1e-12)
    assert "K = 40" in figure.get_suptitle()
    assert _rendered(figure) > 8_000


def test_no_global_state_is_used(table: pl.DataFrame) -> None:
    draw_gain(table)
    assert "matplotlib.pyplot" not in sys.modules


def test_a_name_with_an_underscore_in_front_is_in_the_legend(table: pl.DataFrame) -> None:
    renamed = table.with_columns(pl.col("method").replace({"mine": "_mine:Search", "random": "$random$"}))
    figure = draw_gain(renamed)
    assert {"_mine:Search", r"\$random\$"} < {label.strip() for label in _labels(figure)}
    assert _rendered(figure) > 8_000


def test_the_caption_of_a_split_counts_t0_as_its_title_does_and_speaks_of_what_was_measured(
    searches, table_errors: np.ndarray
) -> None:
    history, pools = searches({"uniform-10": 0.05})
    split = split_table(history, pools, table_errors, rng=np.random.default_rng(0))
    loss = Quantity("loss", unit="", offset=0.0, percent=False)
    for with_initial, words in ((False, "without the random"), (True, "and with the random")):
        figure = draw_split(split.with_columns(with_initial=pl.lit(with_initial)), quantity=loss)
        assert ("with T0" in figure.heading) == with_initial
        assert words in figure.caption
        assert "J: the target, as a loss on the signal column." in figure.caption
        assert "error" not in figure.caption
