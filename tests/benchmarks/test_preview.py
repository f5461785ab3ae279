from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.preview import preview
from predictornas.benchmarks.sources import Content
from predictornas.errors import DataError
from predictornas.spaces.nasbench201 import NASBench201

LOSS, OTHER = (Column.named(metric="loss", split=split, nullable=split == "test") for split in ("valid", "test"))


def content(**changes: object) -> Content:
    values = {LOSS: np.array([0.5, 0.25, 4.0]), OTHER: np.array([1.0, np.nan, 2.0])}
    facts = {"space": "nasbench201", "genes": NASBench201().enumerate()[:3], "columns": values, "signal": LOSS.name}
    return Content(**{**facts, "evaluation": OTHER.name, "source": {}, "licence": "own", **changes})


def test_rows_columns_directions_ranges_and_the_best_architecture() -> None:
    found = preview(content())
    assert (found.space, found.architectures, found.warnings) == ("nasbench201", 3, [])
    assert found.columns == [
        {
            "column": "valid_loss",
            "role": "signal",
            "direction": "lower",
            "unit": None,
            "lowest": 0.25,
            "highest": 4.0,
            "missing": 0,
        },
        {
            "column": "test_loss",
            "role": "evaluation",
            "direction": "lower",
            "unit": None,
            "lowest": 1.0,
            "highest": 2.0,
            "missing": 1,
        },
    ]
    assert found.best == NASBench201().describe(NASBench201().enumerate()[1])
    assert found.best_values["valid_loss"] == 0.25


def test_a_judge_that_shares_the_noise_is_told_with_the_column_that_does_not() -> None:
    (warning,) = preview(content(evaluation=None)).warnings
    assert "valid_loss drives searches and judges them" in warning
    assert "as the evaluation: test_loss" in warning


def test_what_no_import_would_take_is_refused_at_once() -> None:
    genes = NASBench201().enumerate()[[0, 1, 0]]
    with pytest.raises(DataError, match="Rows 0 and 2 are the same architecture"):
        preview(content(genes=genes))
