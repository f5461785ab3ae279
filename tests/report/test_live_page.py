from __future__ import annotations

import numpy as np
import polars as pl

from predictornas.report.live_page import OTHERS, RECOMMENDED, live_page
from predictornas.report.page import rendered
from tests.report.specs import spec_in
from tests.report.studies import SPACE, made_history

STUDY = {
    "space": "nasbench201", "images": "<digits>", "method": "successive-halving", "budget_epochs": 20, "seed": 3,
    "levels": (1, 3), "channels": 4, "cells": 1, "recipe": "small", "batch_size": None, "preset": "quick",
    "images_sha256": "ab" * 32,
}  # fmt: skip


def made_page() -> str:
    history = made_history({"successive-halving": (1, 60)}, evaluations=3).with_columns(epochs=pl.Series([1, 3, 1]))
    first, second, third = history["key"].to_list()
    rows = [
        (first, 1, 0.4, 0.35, 1.0),
        (second, 1, 0.5, 0.45, 1.0),
        (second, 3, 0.8, 0.75, 3.0),
        (third, 1, 0.3, 0.2, 1.0),
    ]
    curves = pl.DataFrame(
        rows,
        schema={
            "key": pl.UInt64,
            "epochs": pl.Int64,
            "validation": pl.Float64,
            "test": pl.Float64,
            "seconds": pl.Float64,
        },
        orient="row",
    )
    genes = np.array(history["genes"][1].to_list(), np.int8)
    return rendered(live_page(history, curves, STUDY, SPACE, genes, {"versions": {"python": "3.12"}}))


def test_the_page_names_the_test_error_draws_the_curves_and_gives_the_command() -> None:
    page = made_page()
    assert "<strong>a test error of 25.00 %</strong> after 3 epochs of training." in page
    points = spec_in(page)["data"]["values"]
    assert [point["mean"] for point in points if point["method"] == RECOMMENDED] == [50.0, 20.0]
    assert sorted(point["mean"] for point in points if point["method"] == OTHERS) == [60.0, 70.0]
    assert "networks of 1 cell with 4 channels" in page
    assert "--levels 1,3 --channels 4" in page
    assert "--batch-size" not in page
    assert "<digits>" not in page
    assert page.index("25.00</td>") < page.index("80.00</td>")  # the longest training first
