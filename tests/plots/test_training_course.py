from __future__ import annotations

import polars as pl

from predictornas.plots.training_course import draw_training


def test_loss_and_the_accuracies_that_were_measured() -> None:
    table = pl.DataFrame(
        {
            "epoch": [1, 2],
            "train_loss": [2.0, 1.0],
            "train_accuracy": [0.2, 0.5],
            "validation_accuracy": [float("nan"), 0.4],
            "test_accuracy": [float("nan"), 0.3],
        }
    )
    loss, accuracy = draw_training(table, title="training", caption="").axes
    assert loss.get_lines()[0].get_ydata().tolist() == [2.0, 1.0]
    drawn = {line.get_label(): line.get_xdata().tolist() for line in accuracy.get_lines()}
    assert drawn == {"training": [1, 2], "validation": [2], "test": [2]}
