from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from predictornas.predictors.gcn import GCN
from predictornas.seeding import rng_for
from predictornas.spaces.registry import get_space
from predictornas.studies import predictor_quality
from predictornas.studies.predictor_quality import (
    QUANTITIES,
    measured_calibration,
    measured_quality,
    numbers,
    summarised,
)


class Sure:
    """Scores by the first gene, and is wrong by one spread everywhere."""

    def fit(self, *_: object, **__: object) -> Sure:
        return self

    def predict(self, genes: np.ndarray) -> np.ndarray:
        return genes[:, 0].astype(np.float32)

    def predict_std(self, genes: np.ndarray) -> np.ndarray:
        return np.full(len(genes), 0.5)


def fits(**columns: list[float]) -> pl.DataFrame:
    return pl.DataFrame({"predictor": ["a", "a"], "size": [10, 10], "draw": [0, 1], **columns})


def test_the_summary_by_hand() -> None:
    table = summarised(fits(**{name: [0.2, 0.4] for name in QUANTITIES if name != "best_of_ten"}))
    tau = table.filter(quantity="tau").to_dicts()[0]
    assert tau["mean"] == pytest.approx(0.3)
    z = math.atanh(0.3) + 12.706 * 0.1 / (1 - 0.3**2)  # Fisher's z, Student's t with one degree of freedom
    assert tau["high"] == pytest.approx(math.tanh(z), rel=1e-3)


def test_fits_of_an_earlier_version_have_a_table_as_then() -> None:
    old = fits(tau=[0.5, 0.6], hits=[0.1, 0.2], regret=[0.0, 0.1], fit_seconds=[1.0, 2.0], predict_seconds=[1.0, 1.0])
    table = summarised(old)
    assert table.columns == ["predictor", "size", "quantity", "mean", "std", "low", "high", "runs"]
    assert table["quantity"].to_list() == ["tau", "hits", "regret", "fit_seconds", "predict_seconds"]


def test_old_and_new_fits_in_one_folder_count_where_they_can() -> None:
    new = {**dict.fromkeys(QUANTITIES, 0.5), "best_of_ten": 4.0, "judged": 300}
    new |= {"random_best_of_ten": 27.4, "random_regret": 0.3}
    mixed = pl.concat(
        [fits(tau=[0.1, 0.3]), fits(**{name: [value] * 2 for name, value in new.items()})], how="diagonal"
    )
    runs = dict(summarised(mixed).select("quantity", "runs").iter_rows())
    assert runs == {name: 4 if name == "tau" else 2 for name in QUANTITIES}
    chance = dict(summarised(mixed).select("quantity", "random").iter_rows())
    expected = {"tau": 0, "hits_half": 2 / 300, "hits": 3 / 300, "hits_five": 15 / 300, "best_of_ten": 27.4}
    expected |= {"regret": 0.3, "coverage": 0.9, "sharpness": 1, "fit_seconds": None, "predict_seconds": None}
    assert chance == pytest.approx(expected)


def test_a_fit_says_what_random_scores_would_have() -> None:
    values = np.arange(2000.0)
    found = measured_quality(values, values)
    assert (found["hits"], found["best_of_ten"], found["judged"]) == (1, 1, 2000)
    assert (found["random_best_of_ten"], found["random_regret"]) == pytest.approx((2001 / 11, 999.5))


def test_uncertainty_is_measured_on_a_part_and_only_where_there_is_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_quality, "CALIBRATED_ON", 50)
    genes = get_space("nasbench201").sample(400, rng_for(0, 0, "test"))
    found = measured_calibration(Sure(), genes, genes[:, 0] + 0.0, rng_for(0, 0, "calibration"))
    assert 50 * found["coverage"] == pytest.approx(round(50 * found["coverage"]))
    assert 0 < found["sharpness"] < 1
    assert measured_calibration(GCN(), genes, np.zeros(400), rng_for(0, 0, "calibration")) == {}


def test_what_was_not_defined_is_not_a_number_again() -> None:
    assert math.isnan(numbers({"tau": None})["tau"])
