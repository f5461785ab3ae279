from __future__ import annotations

import io

import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from predictornas.plots.supernet import draw_search

EPOCHS = pl.DataFrame(
    {
        "epoch": [1, 2, 3],
        "phase": ["warm-up", "search", "search"],
        "train_accuracy": [0.2, None, 0.5],
        "validation_accuracy": [None, 0.4, 0.6],
        "eigenvalue": [None, None, None],
    },
    schema_overrides={"eigenvalue": pl.Float64},
)
CELLS = pl.DataFrame(
    {
        "epoch": [1, 1, 2, 2, 3, 3],
        "cell": ["normal", "reduction"] * 3,
        "entropy": [1.0, 1.0, 0.9, 0.8, 0.5, 0.4],
        "skip_share": [0.0, 0.25, 0.5, 0.25, 0.5, 0.75],
    }
)
OPERATIONS = pl.DataFrame(
    {
        "epoch": [1, 1, 1, 2, 2, 3],
        "cell": ["normal"] * 6,
        "operation": ["none", "none", "skip_connect", "none", "skip_connect", "skip_connect"],
        "importance": [0.2, 0.4, 0.5, 0.1, 0.9, 1.0],
    }
)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.axison]


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    return {str(line.get_label()): list(zip(*line.get_data(), strict=True)) for line in axes.get_lines()}


@pytest.mark.slow
def test_panels_hold_what_is_in_the_tables() -> None:
    both = pl.concat([OPERATIONS, OPERATIONS.with_columns(cell=pl.lit("reduction"))])
    figure = draw_search(EPOCHS, CELLS, both, title="mine in darts", note="digits.")
    assert [name.split(",")[0] for name in titles(figure)] == [
        "accuracy of the super-network",
        "mean importance",
        "mean importance",
        "entropy",
        "skip connections",
    ]
    accuracy, normal, _, entropy, skips, _ = figure.axes
    assert lines(accuracy)["validation half"] == [(2, 0.4), (3, 0.6)]
    assert lines(normal)["none"] == [(1, pytest.approx(0.3)), (2, 0.1)]  # removed after epoch 2
    assert lines(entropy)["reduction"] == [(1, 1.0), (2, 0.8), (3, 0.4)]
    assert lines(skips)["normal"] == [(1, 0.0), (2, 0.5), (3, 0.5)]
    # the search begins with epoch 2
    assert [(1.5, 0), (1.5, 1)] in lines(accuracy).values()
    assert figure.get_suptitle() == "mine in darts (3 epochs)"
    figure.savefig(io.BytesIO(), dpi=40)


def test_curvature_where_it_was_measured() -> None:
    measured = EPOCHS.with_columns(eigenvalue=pl.Series([0.1, 0.3, 0.2]))
    one = CELLS.filter(pl.col("cell") == "normal").with_columns(cell=pl.lit("cell"))
    figure = draw_search(measured, one, OPERATIONS.with_columns(cell=pl.lit("cell")), title="mine")
    assert titles(figure)[1] == "mean importance"
    assert titles(figure)[-1] == "largest eigenvalue of the Hessian"
    panel = figure.axes[len(titles(figure)) - 1]
    assert [(1, 0.1), (2, 0.3), (3, 0.2)] in lines(panel).values()
