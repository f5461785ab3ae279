from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.preview import preview
from predictornas.benchmarks.sources import Content
from predictornas.benchmarks.table import write_benchmark
from predictornas.errors import ConfigurationError, DataError, PredictorNASError
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import get_space

LOSS, OTHER = (Column.named(metric="loss", split=split, nullable=split == "test") for split in ("valid", "test"))


class Unannounced(NASBench201):
    name = "unannounced"


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


NOTHING = np.full(3, np.nan)
MAYBE = Column.named(metric="loss", split="valid", nullable=True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"genes": NASBench201().enumerate()[[0, 1, 0]]}, DataError, "Rows 0 and 2 are the same architecture"),
        ({"columns": {LOSS: NOTHING, OTHER: NOTHING}}, DataError, "'valid_loss', row 0 .*nan"),
        (
            {"columns": {MAYBE: np.array([1, np.nan, 2]), OTHER: np.array([1, np.nan, 2])}},
            DataError,
            r"Row 1 .*no value",
        ),
        ({"columns": {MAYBE: NOTHING, OTHER: np.ones(3)}}, DataError, "'valid_loss', the signal, has no value"),
        ({"columns": {LOSS: np.ones(3), OTHER: NOTHING}}, DataError, "'test_loss', the evaluation, has no value"),
        ({"columns": {MAYBE: np.ones(3), LOSS: np.ones(3)}, "evaluation": None}, DataError, "the same name"),
        ({"evaluation": "test_los"}, ConfigurationError, "Did you mean 'test_loss'"),
        ({"space": f"{__name__}:Unannounced"}, ConfigurationError, "no registered space has this name"),
    ],
)
def test_what_no_import_would_take_is_refused_at_once(
    changes: dict[str, object], error: type[PredictorNASError], message: str, tmp_path: Path
) -> None:
    wrong = content(**changes)
    with pytest.raises(error, match=message) as told:
        preview(wrong)
    with pytest.raises(error) as refused:
        write_benchmark(
            tmp_path / "table",
            name="table",
            space=get_space(wrong.space),
            genes=wrong.genes,
            columns=wrong.columns,
            signal=wrong.signal,
            evaluation=wrong.evaluation,
            source=wrong.source,
            licence=wrong.licence,
        )
    assert str(refused.value) == str(told.value)
    assert list(tmp_path.iterdir()) == []
