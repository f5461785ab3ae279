"""Curves arrive in any order and of any kind, and lie in the order of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.official201.curve_files import CurveFiles
from predictornas.benchmarks.official201.curves import spread
from predictornas.benchmarks.official201.states import Trial
from predictornas.errors import DataError

NAN = np.nan
KEY = ("loss", "train")


def trial(values: list[float], *, seed: int = 777, epochs: int = 3) -> Trial:
    return Trial("200", "cifar10", seed, epochs, np.array([1.0, 2.0, 3.0]), (), {KEY: np.array(values)})


def stored(tmp_path: Path, given: dict[int, list[float]]) -> tuple[str, np.ndarray]:
    """What is kept of one kind of curve, and its values as they are read."""
    files = CurveFiles(tmp_path)
    for place, values in given.items():
        files.put(place, trial(values))
    entry = files.finish(files.places())
    (file,) = entry["files"]
    return file["kept"], spread(np.load(tmp_path / "curves/loss_train_200_777.npy"), file["kept"], 3)


@pytest.mark.parametrize(
    ("kept", "given"),
    [
        ("all", {0: [1.0, 2.0, 3.0], 1: [4.0, 5.0, 6.0]}),
        ("all", {700: [1.0, 2.0, 3.0], 2: [4.0, 5.0, 6.0], 90: [7.0, 8.0, 9.0]}),
        ("same", {5: [1.0, 1.0, 1.0], 3: [2.0, 2.0, 2.0]}),
        ("last", {5: [NAN, NAN, 1.0], 3: [NAN, NAN, 2.0]}),
        ("all", {5: [1.0, 1.0, 1.0], 3: [NAN, NAN, 2.0], 200: [1.0, 2.0, NAN]}),
        ("all", {5: [NAN, NAN, 2.0], 300: [1.0, 1.0, 1.0], 3: [1.0, 1.0, 1.0]}),
        ("all", {4: [1.0, NAN, NAN]}),
    ],
)
def test_curves_are_read_as_they_were_given(tmp_path: Path, kept: str, given: dict[int, list[float]]) -> None:
    found, values = stored(tmp_path, given)
    assert found == kept
    np.testing.assert_array_equal(values, [given[place] for place in sorted(given)])


def test_places_without_a_seed_are_nan(tmp_path: Path) -> None:
    files = CurveFiles(tmp_path)
    for place, seed in ((2, 777), (5, 888), (9, 777)):
        files.put(place, trial([place, place + 1.0, place + 2.0], seed=seed))
    entry = files.finish(files.places())
    assert files.places().tolist() == [2, 5, 9]
    assert entry["trainings"] == {"200": {"epochs": 3, "sets": [], "seeds": [777, 888]}}
    np.testing.assert_array_equal(
        np.load(tmp_path / "curves/loss_train_200_777.npy"), [[2, 3, 4], [NAN] * 3, [9, 10, 11]]
    )
    np.testing.assert_array_equal(
        np.load(tmp_path / "curves/costs_200_888.npy"), [[0, NAN, NAN, NAN], [1, 1, 2, 3], [0, NAN, NAN, NAN]]
    )


def test_trainings_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    files = CurveFiles(tmp_path)
    files.put(0, trial([1.0, 2.0, 3.0]))
    with pytest.raises(DataError, match="trainings '200' of 3 and of 2 epochs"):
        files.put(1, trial([1.0, 2.0], epochs=2))
    for seed in range(9):
        files.put(2, trial([1.0, 2.0, 3.0], seed=seed))
    with pytest.raises(DataError, match="more than 10 seeds"):
        files.put(2, trial([1.0, 2.0, 3.0], seed=9))
    files.close()
