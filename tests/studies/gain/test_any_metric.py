"""Tables whose signal is no accuracy, and tables with one measurement: the same searches, told in their own metric."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import StoreError
from predictornas.files import data_home
from predictornas.oracles.tabular import TabularOracle
from predictornas.reading import sealed
from predictornas.search.loop import Search, run
from predictornas.search.methods import get_preset, get_strategy
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.studies.comparison import compare_folders
from predictornas.studies.comparison_report import json_comparison, printable_comparison
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.report import json_rows, printable
from predictornas.studies.gain.study import Study
from predictornas.studies.predictor_study import PredictorStudy, run_predictor_study

EXACT = ("random", "local-search", "regularised-evolution", "uniform-100@gp")
"""Methods that go by the order of values alone, so that no scale may change what they evaluate."""

OTHERS = ("bananas", "pvll", "likelihood-100")


def accuracies(run: str) -> np.ndarray:
    """Of 400 cells, different by more than the rounding of any scale below."""
    rng = np.random.default_rng(int(run))
    return np.asarray(0.3 + 0.5 * (rng.permutation(400) + 0.5) / 400)


def table(name: str, metric: str, *, judged: bool = True) -> Benchmark:
    """400 cells of NAS-Bench-201 in the store; losses reach from -800 to 900, scores are the negative of that."""
    make = {"accuracy": lambda a: a, "error": lambda a: 1 - a, "loss": lambda a: 1700 - 3000 * a}
    make["score"] = lambda a: 3000 * a - 1700
    columns = {
        Column.named(metric=metric, split=split, epochs=200, run=run): make[metric](accuracies(run))
        for split, run in (("valid", "0"), ("test", "1"))
    }
    signal, evaluation = (column.name for column in columns)
    return write_benchmark(
        data_home() / name,
        name=name,
        space=NASBench201(),
        genes=NASBench201().enumerate()[::39][:400],
        columns=columns,
        signal=signal,
        evaluation=evaluation if judged else signal,
        source={"file": "made"},
        licence="MIT",
    )


def rewritten(folder: Path, **entries: object) -> None:
    """Other facts of the study in the manifest of a folder."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest.pop("sha256", None)
    manifest["study"] |= entries
    path.write_text(json.dumps(sealed(manifest)), encoding="utf-8")


def study(name: str, *methods: str) -> Study:
    return Study(name, methods or ("random", "local-search"), budget=54, seeds=(0, 1))


def evaluated(searched: Benchmark, method: str, count: int = 60) -> list[int]:
    """The keys of so many evaluations, in order."""
    search = Search(searched.space, get_strategy(method, get_preset("quick")), seed=0)
    return [int(key) for key in run(search, TabularOracle(searched), count).keys]


@pytest.mark.thorough
def test_searches_by_order_do_not_depend_on_metric_scale_or_direction(store: Path) -> None:
    as_accuracy, *others = [table(metric, metric) for metric in ("accuracy", "loss", "score", "error")]
    for method in EXACT:
        expected = evaluated(as_accuracy, method)
        tables = others[:1] if "@" in method else others
        assert [evaluated(other, method) for other in tables] == [expected] * len(tables), method


@pytest.mark.slow
@pytest.mark.parametrize("method", OTHERS)
def test_methods_that_go_by_values_take_a_loss_of_any_scale(store: Path, method: str) -> None:
    assert len(set(evaluated(table("losses", "loss"), method, 54))) == 54


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predictornas.studies.gain.report.save_figures", lambda *_: None)


@pytest.mark.slow
def test_a_loss_is_told_as_a_loss_everywhere(store: Path, tmp_path: Path) -> None:
    losses = table("losses", "loss")
    outcome = run_study(study("losses"), tmp_path / "a")
    values = outcome.history["value"].to_numpy()
    looked_up = losses.lookup(np.array(outcome.history["genes"].to_list(), np.int8), losses.signal)
    np.testing.assert_array_equal(values, -looked_up)
    last = outcome.history.filter(pl.col("method") == "random").group_by("seed").agg(
        pl.col("evaluation").get(pl.col("value").arg_max())
    )  # fmt: skip
    rows = json_rows(outcome.report.summary, outcome.report.quantities)
    told = next(row for row in rows if row["method"] == "random")
    assert told["chosen_mean"] == pytest.approx(-last["evaluation"].mean())
    assert (told["signal_quantity"], told["evaluation_quantity"]) == ("validation loss", "test loss")
    shown = printable(outcome.report.summary, outcome.report.quantities)[0]
    assert {"chosen test loss", "regret", "best evaluated test loss"} <= shown.keys()
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "chosen test loss" in page
    assert "error, %" not in page
    assert "the lowest validation loss is best" in page
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text(encoding="utf-8"))
    assert [column["metric"] for column in manifest["study"]["columns"]] == ["loss", "loss"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_a_score_is_better_the_higher_and_told_so(store: Path, tmp_path: Path) -> None:
    table("scores", "score")
    outcome = run_study(study("scores"), tmp_path / "a")
    found = json_rows(outcome.report.summary, outcome.report.quantities)[0]
    assert found["chosen_low"] < found["chosen_mean"] < found["chosen_high"]
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "The highest test score on the evaluation column" in page
    comparison = compare_folders([tmp_path / "a"])
    values = [row["mean"] for row in json_comparison(comparison)["errors"] if row["trace"] == "best"]
    assert values == pytest.approx((-comparison.errors.filter(trace="best")["mean"]).to_list())
    assert printable_comparison(comparison)[0][0] == "scores: test score or validation score after 54 evaluations"


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_one_measurement_an_architecture_is_searched_and_judged_with_a_warning(store: Path, tmp_path: Path) -> None:
    alone = table("alone", "accuracy", judged=False)
    outcome = run_study(study("alone"), tmp_path / "a")
    assert alone.shares_noise
    assert outcome.history["evaluation"].to_list() == outcome.history["value"].to_list()
    assert printable(outcome.report.summary)[0]["chosen error, %"] != "-"
    assert json_rows(outcome.report.summary, shares_noise=alone.shares_noise)[0]["shares_noise"] is True
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "One measurement an architecture: valid_accuracy_200_run0 drives the searches and judges them" in page
    assert "No column judges the searches independently" in page
    assert compare_folders([tmp_path / "a"]).regret["regret"].null_count() == 0


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_a_folder_of_an_older_version_without_a_judge_goes_on(store: Path, tmp_path: Path) -> None:
    table("alone", "accuracy", judged=False)
    first = run_study(study("alone"), tmp_path / "a")
    rewritten(tmp_path / "a", evaluation=None)
    assert compare_folders([tmp_path / "a"]).errors["table"][0] == "alone"
    again = run_study(study("alone"), tmp_path / "a")
    assert again.history["key"].to_list() == first.history["key"].to_list()


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_columns_of_a_damaged_folder_are_refused(store: Path, tmp_path: Path) -> None:
    table("losses", "loss")
    run_study(study("losses", "random"), tmp_path / "a")
    for columns in ("no list", [], [{"name": "a"}, {}]):
        rewritten(tmp_path / "a", columns=columns)
        with pytest.raises(StoreError, match="column"):
            compare_folders([tmp_path / "a"])


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_predictors_learn_a_loss_and_their_regret_is_in_its_unit(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictornas.studies.predictor_study.save_figures", lambda *_: None)
    table("losses", "loss")
    table("accuracies", "accuracy")
    on_losses, on_accuracies = (
        run_predictor_study(PredictorStudy(name, ("gp",), (40,), draws=2), tmp_path / name)
        for name in ("losses", "accuracies")
    )
    values = [found.filter(quantity="tau")["mean"].item() for found in (on_losses, on_accuracies)]
    assert values[0] == pytest.approx(values[1])
    regrets = [found.filter(quantity="regret")["mean"].item() for found in (on_losses, on_accuracies)]
    assert regrets[0] == pytest.approx(3000 * regrets[1], rel=1e-4)
    page = (tmp_path / "losses" / "report.html").read_text(encoding="utf-8")
    assert "What the validation loss of the predictor" in page
    assert "regret of the top pick, %" not in page
