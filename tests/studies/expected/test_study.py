from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.errors import ConfigurationError
from predictornas.search.named import Named
from predictornas.studies.expected.pilots import Effort
from predictornas.studies.expected.study import ExpectedStudy, printed, run_expected
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.pictures import Pictures
from tests.studies.expected.parts import TABLE, search


def study(noise: float, *pools: int, seeds: int = 20) -> Study:
    methods = tuple(Named(f"pool of {pool}", search(noise, pool)) for pool in pools)
    return Study(benchmark=TABLE, methods=methods, budget=60, seeds=tuple(range(seeds)))


@pytest.mark.slow
def test_what_is_expected_is_what_searches_then_show(tmp_path: Path) -> None:
    """Noise that falls with every evaluation, so that only the right number of them predicts the right gain."""
    asked = ExpectedStudy(study(6.0, 400), Effort(pilots=6))
    found = run_expected(asked, tmp_path / "expected", pictures=Pictures(("svg",)))
    assert {path.name for path in (tmp_path / "expected").iterdir()} >= {
        "expected.csv",
        "tops.csv",
        "best.csv",
        "expected.svg",
        "manifest.json",
    }
    measured = run_study(study(6.0, 400), tmp_path / "run").report.gain.filter(estimator="pooled")
    both = found.gain.join(measured, on=["method", "target_error"], suffix="_measured")
    at = both.row(by_predicate=pl.col("target_error") == found.named["top 1 %"], named=True)
    assert at["gain_db_measured"] > 9  # much better than random search, and both say by how much
    assert at["gain_db"] == pytest.approx(at["gain_db_measured"], abs=1.0)
    assert at["low"] < at["gain_db_measured"] < at["high"]
    assert at["law_db"] == pytest.approx(at["gain_db_measured"], abs=1.0)
    assert at["sampler_db"] + at["predictor_db"] == pytest.approx(at["gain_db"])


@pytest.mark.slow
def test_a_predictor_that_knows_everything_is_expected_to_find_the_best_of_its_pools(tmp_path: Path) -> None:
    asked = ExpectedStudy(study(0.0, 50, 400), Effort(pilots=2, pools=5))
    found = run_expected(asked, tmp_path, pictures=Pictures(("svg",)))
    rows = printed(found, open_study(asked.study).benchmark.quantities.signal)
    assert [row["method"] for row in rows] == ["pool of 50", "pool of 400"]
    tops = found.tops.filter(method="pool of 400", target="top 1 %")
    # of the best hundredth of a normal, and less once the best of it were found
    assert tops["mean"].to_numpy()[0] == pytest.approx(2.67, abs=0.1)
    assert tops["mean"].to_numpy()[-1] < tops["mean"].to_numpy()[0]
    gains = found.gain.filter(pl.col("target_error") == found.named["top 1 %"])["gain_db"].to_list()
    assert gains[0] < gains[1] <= found.gain["cap_db"].max()  # type: ignore[operator]


def test_negative_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="seed = -1; it has to be 0 or more"):
        run_expected(ExpectedStudy(study(6.0, 400), seed=-1), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_epochs_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="count evaluations"):
        run_expected(ExpectedStudy(Study(benchmark=TABLE, budget=None, budget_epochs=90)), tmp_path)
