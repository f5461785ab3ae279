import io

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.distribution import distribution_table
from predictornas.plots.distribution import draw_distribution
from predictornas.plots.style import drawing
from predictornas.quantity import Quantity


@pytest.mark.slow
@pytest.mark.parametrize("methods", [["random"], ["random", "exhaustive"], [f"method {i}" for i in range(12)]])
def test_every_method_has_a_row_and_a_label(searches, table_errors: np.ndarray, methods: list[str]) -> None:
    history, _ = searches(dict.fromkeys(methods, 0.4), runs=2)
    figure = draw_distribution(distribution_table(history, table_errors))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(labels) == len(methods) + 1
    assert labels[-1] == "whole table\n3,000 cells"  # the top row
    assert labels[0].endswith("ΣK = 80, 2 runs")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    assert len(stream.getvalue()) > 5_000


def test_the_clipped_share_is_written_beside_each_row(searches, table_errors: np.ndarray) -> None:
    history, _ = searches({"exhaustive": 0.02})
    table = distribution_table(history, table_errors)
    beside = [text.get_text().strip() for text in draw_distribution(table).axes[0].texts]
    assert beside == ["10.0% beyond", "all shown"]


def test_rows_share_one_scale(searches, table_errors: np.ndarray) -> None:
    history, _ = searches({"exhaustive": 0.02})
    table = distribution_table(history, table_errors, bins=30)
    steps = draw_distribution(table).axes[0].patches
    heights = {round(float(step.get_data().baseline)): step.get_data().values for step in steps[::2]}
    whole = table.filter(pl.col("method") == "whole table")["density"].to_numpy()
    own = table.filter(pl.col("method") == "exhaustive")["density"].to_numpy()
    np.testing.assert_allclose((heights[1] - 1).max() / heights[0].max(), whole.max() / own.max())


def test_what_has_a_long_name_takes_both_columns_of_a_paper(searches, table_errors: np.ndarray) -> None:
    for name, width in (("mine", 3.3), ("climbing-explorative-bayesian-optimisation", 6.9)):
        history, _ = searches({name: 0.4}, runs=2)
        with drawing("paper"):
            assert draw_distribution(distribution_table(history, table_errors)).get_figwidth() == width


def test_the_caption_of_scores_has_no_errors(searches, table_errors: np.ndarray) -> None:
    history, _ = searches({"mine": 0.4}, runs=2)
    scores = Quantity("score", unit="", offset=0.0, percent=False, higher=True)
    figure = draw_distribution(distribution_table(history, table_errors), quantity=scores)
    assert "rror" not in figure.caption


def test_any_name_has_its_row(searches, table_errors: np.ndarray) -> None:
    history, _ = searches({r"$\frac$b": 0.4}, runs=2)
    figure = draw_distribution(distribution_table(history, table_errors))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith(r"\$\frac\$b")
