from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.seeding import rng_for
from predictornas.studies import predictor_study
from predictornas.studies.predictor_study import PredictorStudy, rewrite_summary, run_predictor_study
from predictornas.studies.tasks import Execution

STUDY = PredictorStudy("nasbench201-cifar10", ("gp",), (20, 40), draws=2)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_each_fit_is_measured_on_all_architectures_it_did_not_see(tmp_path: Path) -> None:
    run_predictor_study(STUDY, tmp_path)
    fits = pl.read_csv(tmp_path / "fits.csv")
    assert fits.select("predictor", "size", "draw").rows() == [("gp", s, d) for d in (0, 1) for s in (20, 40)]
    benchmark = open_benchmark("nasbench201-cifar10")
    values = benchmark.values(benchmark.signal)[benchmark.rows(benchmark.space.enumerated_keys())].astype(float)
    genes, rows = benchmark.space.enumerate(), np.flatnonzero(np.isfinite(values))
    drawn = rng_for(1, 40, "draw").choice(rows, 40, replace=False)
    predictor = GaussianProcess().fit(benchmark.space, genes[drawn], values[drawn], rng=rng_for(1, 40, "fit"))
    others = np.setdiff1d(rows, drawn)
    expected = kendalltau(predictor.predict(genes[others]), values[others]).statistic
    assert fits["tau"].to_list()[-1] == pytest.approx(expected, abs=1e-3)
    assert (fits["fit_seconds"] > 0).all()
    assert fits["judged"].to_list() == [15_605, 15_585] * 2
    assert fits["coverage"].is_between(0.7, 0.99).all()
    kept = next((tmp_path / "fits").iterdir())
    measured = json.loads(kept.read_text())["measured"]
    assert measured["random_best_of_ten"] == pytest.approx((measured["judged"] + 1) / 11, rel=0.01)  # but for ties


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_study_goes_on_and_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_predictor_study(replace(STUDY, draws=1), tmp_path)
    kept = {path: path.read_bytes() for path in (tmp_path / "fits").iterdir()}
    done: list[int] = []
    table = run_predictor_study(STUDY, tmp_path, Execution(started=lambda total: (done.append(total), done.append)[1]))
    assert done[0] == 4
    assert sum(done[1:]) == 4
    assert all(path.read_bytes() == before for path, before in kept.items())
    assert set(table["runs"]) == {2}
    assert (tmp_path / "predictors.png").stat().st_size > 10_000
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["predictors"]["gp"]["20"]["type"] == "GaussianProcess"
    (tmp_path / "again").mkdir()
    rewrite_summary(tmp_path, tmp_path / "again")
    again = {name: (tmp_path / "again" / name).read_bytes() for name in ("predictors.csv", "predictors.png")}
    assert again == {name: (tmp_path / name).read_bytes() for name in again}
    monkeypatch.setattr(predictor_study, "_measured", lambda *_: pytest.fail("missing"))
    run_predictor_study(STUDY, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_what_is_learned_and_what_judges_may_differ(tmp_path: Path) -> None:
    other = replace(STUDY, sizes=(40,), draws=1, judge_on="valid_accuracy_200_rest")
    run_predictor_study(replace(STUDY, sizes=(40,), draws=1), tmp_path)
    run_predictor_study(other, tmp_path / "other")
    same, judged = (pl.read_csv(folder / "fits.csv")["tau"][0] for folder in (tmp_path, tmp_path / "other"))
    assert same != judged
    assert abs(same - judged) < 0.1


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_protocol_may_judge_on_what_was_trained_on_too(tmp_path: Path) -> None:
    everything = replace(STUDY, sizes=(40,), draws=1, judged_cells="all", protocol="nn-former")
    run_predictor_study(everything, tmp_path)
    assert pl.read_csv(tmp_path / "fits.csv")["judged"].to_list() == [15_625]
    page = (tmp_path / "report.html").read_text()
    assert "Protocol nn-former" in page
    assert "those trained on included" in page
    assert "--protocol nn-former" in page


@pytest.mark.usefixtures("store")
def test_wrong_questions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gp'"):
        run_predictor_study(replace(STUDY, predictors=("pg",)), tmp_path)
    for wrong in ({"sizes": (1,)}, {"sizes": (15_625,)}, {"draws": 0}):
        with pytest.raises(ConfigurationError, match="Sizes must lie between 2 and"):
            run_predictor_study(replace(STUDY, **wrong), tmp_path)
