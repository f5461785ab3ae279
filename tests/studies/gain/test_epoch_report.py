from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.table import Benchmark, Column, write_benchmark
from predictornas.errors import ConfigurationError
from predictornas.spaces.registry import get_space
from predictornas.studies.gain import epoch_report as epoch_study
from predictornas.studies.gain.epoch_report import EpochReport, printable_epochs
from predictornas.studies.gain.execution import run_epoch_study
from predictornas.studies.gain.study import Study

LEVELS = (1, 3, 9)
STUDY = Study("curves", ("random", "nosh", "successive-halving-30"), None, (0, 1, 2), budget_epochs=270)


def curves_table(folder: Path) -> Benchmark:
    """300 cells on learning curves; after few epochs the order is only roughly that of the end."""
    space = get_space("nasbench201")
    genes = space.enumerate()[::52][:300]
    rng = np.random.default_rng(0)
    quality = genes.mean(axis=1) / 5

    def after(epochs: int) -> np.ndarray:
        return np.clip(quality - 0.3 / epochs + rng.normal(0, 0.05, 300), 0, 1)

    columns = {Column.named(metric="accuracy", split="valid", epochs=e, run="0"): after(e) for e in LEVELS}
    columns[Column.named(metric="accuracy", split="test", epochs=9, run="rest")] = after(9)
    return write_benchmark(
        folder,
        name="curves",
        space=space,
        genes=genes,
        columns=columns,
        signal="valid_accuracy_9_run0",
        evaluation="test_accuracy_9_rest",
        source={"learning_curves": True},
        licence="MIT",
    )


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("store")
    curves_table(folder / "curves")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREDICTORNAS_DATA", str(folder))
        patch.setattr(epoch_study, "QUALITIES", (10, 20, 30))
        yield folder


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame, EpochReport, list[int]]:
    folder = tmp_path_factory.mktemp("study")
    told: list[int] = []

    def started(total: int):  # type: ignore[no-untyped-def]
        told.append(total)
        return told.append

    return folder, *run_epoch_study(STUDY, folder, started=started)[:2], told


@pytest.mark.slow
def test_every_output_is_there(outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]]) -> None:
    folder, history, report, told = outcome
    for name in ("history.parquet", "epochs.csv", "summary.csv", "savings.csv", "epochs.png", "manifest.json"):
        assert (folder / name).stat().st_size, name
    assert pl.read_csv(folder / "savings.csv").shape == report.savings.shape
    assert told[0] == 270 * 9
    assert sum(told[1:]) == history["cost_epochs"].sum()


@pytest.mark.slow
def test_epochs_are_charged_as_on_learning_curves_and_within_the_budget(
    outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]],
) -> None:
    _, history, _, _ = outcome
    for (method, _), run in history.partition_by("method", "seed", as_dict=True).items():
        longest = run.group_by("key").agg(pl.col("epochs").max())["epochs"]
        assert run["cost_epochs"].sum() == longest.sum() <= 270
        assert 270 - longest.sum() < 9
        assert set(run["epochs"]) == ({9} if method == "random" else set(LEVELS))


def test_methods_of_a_seed_begin_with_the_same_cells(
    outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]],
) -> None:
    t0 = outcome[1].filter((pl.col("iteration") == 0) & (pl.col("seed") == 1))
    first, second, third = (run["key"].to_list() for run in t0.partition_by("method"))
    assert first == second == third


def test_random_search_trains_thirty_to_the_end_and_judges_the_others(
    outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]],
) -> None:
    _, history, report, _ = outcome
    summary = {row["method"]: row for row in report.summary.to_dicts()}
    assert (summary["random"]["architectures"], summary["random"]["full"], summary["random"]["epochs"]) == (30, 30, 270)
    for method in ("nosh", "successive-halving-30"):
        own = history.filter(pl.col("method") == method)
        counted = own.group_by("seed").agg(pl.col("key").n_unique(), full=(pl.col("epochs") == 9).sum())
        assert summary[method]["architectures"] == pytest.approx(counted["key"].mean())
        assert summary[method]["full"] == pytest.approx(counted["full"].mean())
        assert summary[method]["architectures"] > 30 > summary[method]["full"]
    assert set(report.savings["reference"]) == {"random"}
    assert set(report.savings["method"]) == {"nosh", "successive-halving-30"}
    assert set(report.savings["trace"]) == {"chosen", "best"}
    assert report.savings["at"].unique().to_list() == [90, 180, 270]
    # the errors that random search ends with, worked out from its history alone
    random = history.filter(pl.col("method") == "random")
    best = random.group_by("seed").agg(pl.col("evaluation").max())["evaluation"]
    chosen = random.sort("value", descending=True).group_by("seed").first()["evaluation"]
    last = report.savings.filter((pl.col("at") == 270) & (pl.col("method") == "nosh"))
    errors = dict(last.select("trace", "error").rows())
    assert errors == pytest.approx({"best": 1 - best.mean(), "chosen": 1 - chosen.mean()})  # type: ignore[operator]


def test_the_final_errors_are_those_of_the_longest_trainings(
    outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]],
) -> None:
    _, history, report, _ = outcome
    end = report.epochs["cost_epochs"].max()
    for method in STUDY.methods:
        errors = []
        for run in history.filter(pl.col("method") == method).partition_by("seed"):
            done = run.sort("order").with_columns(spent=pl.col("cost_epochs").cum_sum()).filter(pl.col("spent") <= end)
            full = done.filter(pl.col("epochs") == 9)
            errors.append(1 - full.sort("value", descending=True, maintain_order=True)["evaluation"][0])
        row = report.summary.filter(pl.col("method") == method)
        assert row["chosen_mean"].item() == pytest.approx(np.mean(errors))
    assert report.summary["chosen_mean"].is_sorted()


@pytest.mark.slow
def test_running_again_extends_and_repeats_nothing(tmp_path: Path) -> None:
    small = replace(STUDY, methods=("random",), seeds=(0,), budget_epochs=135)
    first, alone, _ = run_epoch_study(small, tmp_path)
    assert alone.savings.is_empty()
    assert not (tmp_path / "savings.csv").exists()
    assert printable_epochs(alone)[0]["epochs saved"] == "-"
    journals = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    both, report, _ = run_epoch_study(replace(small, methods=("nosh",)), tmp_path)
    assert {path: path.read_bytes() for path in journals} == journals
    assert both.filter(pl.col("method") == "random").equals(first)
    assert set(report.savings["method"]) == {"nosh"}
    with pytest.raises(ConfigurationError, match="budget_epochs was 135 and is 136"):
        run_epoch_study(replace(small, budget_epochs=136), tmp_path)


def test_what_a_person_reads(outcome: tuple[Path, pl.DataFrame, EpochReport, list[int]]) -> None:
    report = outcome[2]
    rows = printable_epochs(report)
    assert [row["method"] for row in rows] == report.summary["method"].to_list()
    shown = {row["method"]: row for row in rows}
    assert (shown["random"]["architectures"], shown["random"]["in full"]) == ("30", "30")
    assert shown["random"]["epochs saved"] == "-"
    summary = report.summary.filter(pl.col("method") == "random").row(0, named=True)
    assert shown["random"]["chosen error, %"].startswith(f"{100 * summary['chosen_mean']:.2f} [")
    saving = report.savings.filter(
        (pl.col("method") == "nosh") & (pl.col("trace") == "chosen") & (pl.col("at") == 270)
    ).row(0, named=True)
    factor = "not reached" if saving["factor"] is None else f"{saving['factor']:.1f}x"
    assert shown["nosh"]["epochs saved"] == f"{factor} [{saving['low']:.1f}, {saving['high']:.1f}]"
    assert shown["nosh"]["compared with"] == "random"


def test_a_study_of_evaluations_is_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no budget of epochs"):
        run_epoch_study(replace(STUDY, budget=100, budget_epochs=None), tmp_path)
