from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError
from predictornas.live.proxies import PROXIES
from predictornas.registry import Registered
from predictornas.seeding import rng_for
from predictornas.studies import proxy_study
from predictornas.studies.proxy_study import ProxyStudy, run_proxy_study
from predictornas.studies.sealed import read_sealed, write_sealed


@pytest.mark.slow
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


def test_the_worst_score_orders_like_any_other() -> None:
    """Of six pairs five agree: tau 2/3; without the pair of the least score it would be 1/3."""
    scores = pl.DataFrame(
        {"proxy": "ntk", "score": [float("-inf"), 1.0, 3.0, 2.0], "value": [0.1, 0.2, 0.3, 0.4], "seconds": 0.1}
    )
    assert proxy_study.correlations(scores)["tau"].to_list() == [pytest.approx(2 / 3)]


@pytest.mark.slow
def test_infinite_scores_are_kept_and_unknown_ones_are_counted(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter([float("-inf"), float("nan"), 2.0, float("inf"), float("nan"), 1.0])
    monkeypatch.setattr(PROXIES, "_records", dict(PROXIES._records))
    PROXIES.add(Registered("mine", lambda *_: next(given)))
    study = ProxyStudy(sample=6, images="digits", channels=2, proxies=("mine",))
    for _ in range(2):  # the second time from the file
        said: list[str] = []
        table = run_proxy_study(study, tmp_path, told=said.append)
        assert said == ["mine: 2 of 6 architectures without a score or value are left out."]
        scores = pl.read_csv(tmp_path / "scores.csv")
        assert [str(score) for score in scores["score"]] == ["-inf", "nan", "2.0", "inf", "nan", "1.0"]
        ranked = kendalltau([0, 2, 3, 1], scores.filter(pl.col("score").is_not_nan())["value"]).statistic
        assert table["tau"].to_list() == [pytest.approx(ranked)]


@pytest.mark.slow
def test_scores_of_a_version_that_lost_infinities_are_computed_again(store: Path, tmp_path: Path) -> None:
    study = ProxyStudy(sample=3, images="digits", channels=2, proxies=("weight_norm",))
    expected = run_proxy_study(study, tmp_path)
    path = tmp_path / "scores.json"
    facts, _ = read_sealed(path)
    facts["rows"][0]["score"] = None
    write_sealed(path, facts)
    assert run_proxy_study(study, tmp_path)["tau"].to_list() == expected["tau"].to_list()
    assert pl.read_csv(tmp_path / "scores.csv")["score"].null_count() == 0


@pytest.mark.slow
def test_too_few_architectures(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least 3"):
        run_proxy_study(ProxyStudy(sample=2), tmp_path)


def test_no_proxies_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No proxies were named"):
        run_proxy_study(ProxyStudy(proxies=()), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_networks_too_narrow_for_some_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="channels = 2, but up to 3 vertices share"):
        run_proxy_study(ProxyStudy("nasbench101-digits", channels=2), tmp_path)
    with pytest.raises(ConfigurationError, match="cells = 0"):
        run_proxy_study(ProxyStudy(cells=0), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_columns_by_hand() -> None:
    """Of three pairs two agree: tau 1/3; the time is a mean in milliseconds; equal scores order nothing."""
    parts = [
        pl.DataFrame({"proxy": name, "score": score, "value": [0.1, 0.2, 0.3], "seconds": seconds})
        for name, score, seconds in (
            ("flat", [5.0, 5.0, 5.0], [0.1, 0.1, 0.1]),
            ("rough", [1.0, 3.0, 2.0], [0.001, 0.002, 0.006]),
        )
    ]
    rough, flat = proxy_study.correlations(pl.concat(parts)).to_dicts()
    assert (rough["proxy"], rough["tau"], rough["milliseconds"]) == ("rough", pytest.approx(1 / 3), pytest.approx(3.0))
    assert -1 <= rough["low"] + 1e-12 < 1 / 3 < rough["high"] <= 1 + 1e-12
    assert (flat["tau"], flat["low"], flat["high"], flat["milliseconds"]) == (0, 0, 0, pytest.approx(100))


@pytest.mark.slow
def test_every_proxy_looks_at_sixteen_training_images_of_each_architecture(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def proxy(network, pixels, labels, generator):
        seen.append((len(pixels), len(labels), sum(weight.numel() for weight in network.parameters())))
        return float(len(seen))

    monkeypatch.setattr(PROXIES, "_records", dict(PROXIES._records))
    PROXIES.add(Registered("mine", proxy))
    run_proxy_study(ProxyStudy(sample=3, images="digits", channels=2, proxies=("mine",)), tmp_path)
    assert [images for images, *_ in seen] == [labels for _, labels, _ in seen] == [16, 16, 16]
    scores = pl.read_csv(tmp_path / "scores.csv")
    assert scores["score"].to_list() == [1, 2, 3]
    benchmark = open_benchmark("nasbench201-cifar10")
    genes = benchmark.space.sample(3, rng_for(0, 0, "sample"))
    assert scores["value"].to_list() == pytest.approx(benchmark.lookup(genes, benchmark.evaluation).tolist(), abs=1e-5)
