"""Every epoch of an imported official file, read as it was written."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.importing import import_official
from predictornas.benchmarks.official201.curves import OfficialCurves, spread
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from tests.benchmarks.official201.test_states import TRIAL

NAMES = ["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"]


def content(**changes: Any) -> dict[str, Any]:
    """Two architectures, the second trained with two seeds."""
    other = {**TRIAL, "train_losses": {0: 7.0, 1: 8.0}, "params": 0.25, **changes}
    results = [{("cifar10-valid", 777): TRIAL}, {("cifar10-valid", 777): other, ("cifar10-valid", 888): TRIAL}]
    results = [deepcopy(held) for held in results]  # architectures share no containers
    infos = {
        index: {"full": {"arch_index": index, "arch_str": NAMES[index], "all_results": results[index]}}
        for index in (1, 0)
    }
    return {"meta_archs": NAMES, "arch2infos": infos, "evaluated_indexes": [0, 1]}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path / "store"))
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content(), protocol=2))
    (made,) = import_official("own", tmp_path / "a.pth")
    return made


def test_curves_costs_and_seeds_are_those_of_the_file(table: Benchmark) -> None:
    curves = OfficialCurves(table)
    assert (curves.trainings, curves.seeds("200"), curves.sets("200")) == (
        {"200": 2}, [777, 888], ["x-valid", "ori-test"],
    )  # fmt: skip
    assert curves.official.tolist() == [0, 1]
    assert curves.architectures.tolist() == [[0] * 6, [0] * 5 + [1]]
    np.testing.assert_array_equal(curves.curve("loss", "train", "200", 777), [[2, 1], [7, 8]])
    np.testing.assert_array_equal(curves.curve("loss", "train", "200", 888), [[np.nan] * 2, [2, 1]])
    np.testing.assert_array_equal(curves.curve("accuracy", "ori-test", "200", 777), [[np.nan, 40]] * 2)
    assert curves.curve("seconds", "train", "200", 777) is None
    np.testing.assert_array_equal(curves.stored("accuracy", "ori-test", "200", 777), [[40]] * 2)
    kept = [curves.kept(*key, "200", 777) for key in (("accuracy", "ori-test"), ("loss", "train"))]
    assert (kept, curves.stored("seconds", "train", "200", 777)) == (["last", "all"], None)
    assert curves.trained("200", 888).tolist() == [False, True]
    assert curves.costs("200", 777).tolist() == [[30, 0.5, 0.5], [30, 0.25, 0.5]]


def test_unknown_names_are_refused(table: Benchmark) -> None:
    curves = OfficialCurves(table)
    for wrong in (("x", "train", "200", 777), ("loss", "x", "200", 777), ("loss", "train", "12", 777)):
        with pytest.raises(UnknownNameError):
            curves.curve(*wrong)
    with pytest.raises(UnknownNameError, match="seed"):
        curves.costs("200", 5)


def test_an_altered_curve_is_refused(table: Benchmark) -> None:
    path = table.folder / "curves" / "loss_train_200_777.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="was altered"):
        OfficialCurves(table).curve("loss", "train", "200", 777)
    with pytest.raises(StoreError, match="was altered"):
        table.verify()


def test_other_tables_have_no_curves() -> None:
    with pytest.raises(ConfigurationError, match="was not imported from an official file"):
        OfficialCurves(open_benchmark("nasbench101-digits"))


def test_what_is_kept_is_spread_over_the_epochs() -> None:
    kept = np.array([[1.0], [2.0]])
    assert spread(kept, "same", 2).tolist() == [[1, 1], [2, 2]]
    np.testing.assert_array_equal(spread(kept, "last", 2), [[np.nan, 1], [np.nan, 2]])
