from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from scipy.stats import kendalltau

from predictornas.errors import ConfigurationError
from predictornas.experiments import proxy_study
from predictornas.experiments.proxy_study import ProxyStudy, run_proxy_study
from predictornas.live.zerocost import PROXIES


def test_scores_and_correlations(store: Path, tmp_path: Path) -> None:
    told: list[int] = []
    study = ProxyStudy(sample=5, images="digits", channels=2)
    table = run_proxy_study(study, tmp_path, started=lambda _: told.append)
    assert sum(told) == 5
    assert set(table["proxy"]) == set(PROXIES)
    assert table["tau"].is_sorted(descending=True)
    assert ((table["low"] <= table["tau"]) & (table["tau"] <= table["high"])).all()
    scores = pl.read_csv(tmp_path / "scores.csv")
    one = scores.filter(pl.col("proxy") == "synflow")
    expected = kendalltau(one["score"], one["value"]).statistic
    assert table.filter(pl.col("proxy") == "synflow")["tau"][0] == pytest.approx(expected, abs=1e-3)


def test_unknown_values_are_left_out() -> None:
    scores = pl.DataFrame(
        {"proxy": "synflow", "score": [1.0, 2, 3, 4], "value": [0.1, float("nan"), 0.2, 0.3], "seconds": 0.1}
    )
    assert proxy_study.correlations(scores)["tau"].to_list() == [1.0]


def test_too_few_architectures(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least 3"):
        run_proxy_study(ProxyStudy(sample=2), tmp_path)
