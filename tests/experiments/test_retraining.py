from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import CheckpointError, ConfigurationError, InvalidArchitectureError, UnknownNameError
from predictornas.experiments.retraining import Retraining, read_architecture, retrain
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space

DARTS = get_space("darts")
TINY = Retraining("DARTS-V2", images="digits", epochs=2, channels=4, cells=3, batch_size=200)


def test_four_ways_to_write_an_architecture(tmp_path: Path) -> None:
    named = read_architecture(DARTS, "DARTS-V2")
    printed = repr(NAMED_GENOTYPES["DARTS-V2"])
    (tmp_path / "genotype.txt").write_text(printed + "\n")
    for text in (printed, str(tmp_path / "genotype.txt"), ",".join(map(str, named))):
        assert (read_architecture(DARTS, text) == named).all()
    assert read_architecture(get_space("nasbench201"), "3,0,1,2,4,3").tolist() == [3, 0, 1, 2, 4, 3]


@pytest.mark.parametrize(
    ("space", "text", "error", "message"),
    [
        ("darts", "DARTS-V3", UnknownNameError, "DARTS-V2"),
        ("nasbench201", "3,0,1,2,4,5", InvalidArchitectureError, "6 genes"),
        ("nasbench201", "3,0", InvalidArchitectureError, "6 genes"),
        ("nasbench201", "3,,0,1,2,4,", InvalidArchitectureError, "6 genes"),
        ("nasbench201", "300,0,1,2,4,3", InvalidArchitectureError, "6 genes"),
        ("nasbench201", "DARTS-V2", ConfigurationError, "commas"),
    ],
)
def test_what_is_none(space: str, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_architecture(get_space(space), text)


def test_a_length_of_nothing_is_not_the_recipes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="epochs must be at least 1"):
        retrain(replace(TINY, epochs=0), tmp_path)


def test_a_tiny_training_with_its_outputs(tmp_path: Path) -> None:
    result = retrain(TINY, tmp_path)
    assert result["epochs"] == 2
    # three cells of a network so small were counted by hand in tests of the networks; here they must only be the same
    assert result["parameters"] == 2642
    curve = pl.read_csv(tmp_path / "curve.csv")
    assert curve["epoch"].to_list() == [1, 2]
    assert result["test error, %"] == pytest.approx(100 * (1 - curve["test_accuracy"][-1]), abs=0.006)
    assert (tmp_path / "curve.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "manifest.json").read_text())["request"]["architecture"] == "DARTS-V2"
    told: list[int] = []
    again = retrain(TINY, tmp_path, started=lambda _: told.append)
    assert (again, told) == (result, [])
    with pytest.raises(CheckpointError):
        retrain(replace(TINY, seed=1), tmp_path)
