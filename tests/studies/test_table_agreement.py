from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import DataError
from predictornas.studies.table_agreement import _compared, _shared, agreement, write_agreement

FIRST, SECOND = "nasbench201-cifar10", "nasbench201-cifar100"


@pytest.mark.slow
def test_every_pair_once_with_its_tau_over_the_rows_that_have_both(store: Path) -> None:
    table = open_benchmark(FIRST)
    frame = agreement(FIRST)
    labels = set(frame["first"])
    assert len(frame) == len(labels) * (len(labels) + 1) // 2
    assert table.signal in labels
    assert table.evaluation in labels
    assert not any("mean" in label for label in labels)
    assert (frame.filter(pl.col("first") == pl.col("second"))["tau"] - 1).abs().max() == pytest.approx(0, abs=1e-12)
    pair = frame.filter(first=table.signal, second="valid_accuracy_200_run2")
    run0, run2 = table.values(table.signal), table.values("valid_accuracy_200_run2")
    measured = run2 == run2  # some cells were trained twice only
    assert pair["architectures"].item() == measured.sum() < len(table)
    assert pair["tau"].item() == pytest.approx(kendalltau(run0[measured], run2[measured]).statistic)


@pytest.mark.slow
def test_another_table_is_compared_on_the_architectures_that_both_have(store: Path, tmp_path: Path) -> None:
    frame = write_agreement(FIRST, SECOND, tmp_path)
    one, other = open_benchmark(FIRST), open_benchmark(SECOND)
    pair = frame.filter(first=one.signal, second=f"{SECOND}: {other.signal}")
    # NAS-Bench-201 has its rows in one order in both
    assert (one.keys == other.keys).all()
    assert pair["tau"].item() == pytest.approx(kendalltau(one.values(one.signal), other.values(other.signal)).statistic)
    assert pl.read_csv(tmp_path / "agreement.csv").height == frame.height
    assert set(json.loads((tmp_path / "manifest.json").read_text())["tables_sha256"]) == {FIRST, SECOND}
    assert (tmp_path / "agreement.png").stat().st_size > 0


@pytest.mark.slow
def test_tables_of_two_spaces_have_nothing_in_common(store: Path) -> None:
    with pytest.raises(DataError, match="Choose a table of the same space"):
        agreement(FIRST, "nasbench101-digits")


def test_unmeasured_cells_leave_a_pair_and_a_constant_column_has_no_order() -> None:
    nan = float("nan")
    values = {
        "a": np.array([0.1, 0.2, 0.3, nan, 0.5]),
        "b": np.array([0.1, 0.3, 0.2, 0.9, nan]),
        "c": np.full(5, 0.5),
    }
    # three cells have both; of their pairs two agree
    assert _compared(values, ("a", "b")) == {
        "first": "a", "second": "b", "tau": pytest.approx(1 / 3), "architectures": 3
    }  # fmt: skip
    assert _compared(values, ("a", "c")) == {"first": "a", "second": "c", "tau": None, "architectures": 4}


@pytest.mark.parametrize("shared", [2, 3])
def test_an_order_needs_three_architectures_of_both(shared: int) -> None:
    one, other = (Mock(Benchmark, manifest={"space": "nasbench201"}) for _ in range(2))
    one.keys, other.keys = np.array([5, 4, 3, 2, 1], np.uint64), np.array([*range(1, shared + 1), 9], np.uint64)
    if shared == 3:
        assert _shared(one, other).tolist() == [3, 2, 1]
    else:
        with pytest.raises(DataError, match="share 2 architectures; an order needs 3"):
            _shared(one, other)
