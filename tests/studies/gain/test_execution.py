from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from predictornas.errors import ConfigurationError, StoreError
from predictornas.history import POOL_SCHEMA, SCHEMA
from predictornas.studies.gain.execution import Outcome, run_study
from predictornas.studies.gain.study import Study

STUDY = Study(methods=("random", "uniform-50"), budget=30, seeds=(0, 1))

OUTPUTS = [
    "history.parquet",
    "pools.parquet",
    "gain.csv",
    "convergence.csv",
    "robustness.csv",
    "gain.png",
    "gain.svg",
    "convergence.png",
    "distribution.png",
    "split.png",
    "split.svg",
    "convergence-seconds.png",
    "captions.md",
    "manifest.json",
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREDICTORNAS_DATA", str(tmp_path_factory.mktemp("store")))
        return run_study(STUDY, tmp_path_factory.mktemp("study"), workers=1)


@pytest.mark.slow
def test_every_output_of_the_contract_is_there(outcome: Outcome) -> None:
    assert [name for name in OUTPUTS if not (outcome.folder / name).stat().st_size] == []


@pytest.mark.slow
def test_the_history_is_tidy_complete_and_sorted(outcome: Outcome) -> None:
    history = pl.read_parquet(outcome.folder / "history.parquet")
    assert history.columns == list(SCHEMA)
    assert history.group_by("method", "seed").len()["len"].to_list() == [30] * 4
    assert_frame_equal(history, history.sort("method", "seed", "order"))
    assert history.group_by("method", "seed").agg(pl.col("key").n_unique())["key"].to_list() == [30] * 4


@pytest.mark.slow
def test_values_are_the_tables_own(outcome: Outcome, store: Path) -> None:
    benchmark = STUDY.open()
    genes = np.array(outcome.history["genes"].to_list(), np.int8)
    np.testing.assert_array_equal(outcome.history["value"].to_numpy(), benchmark.lookup(genes, benchmark.signal))
    np.testing.assert_array_equal(
        outcome.history["evaluation"].to_numpy(), benchmark.lookup(genes, "valid_accuracy_200_rest")
    )


def test_pools_are_counted_for_the_methods_that_rank_one(outcome: Outcome) -> None:
    pools = pl.read_parquet(outcome.folder / "pools.parquet")
    assert pools.columns == list(POOL_SCHEMA)
    assert pools["method"].unique().to_list() == ["uniform-50"]
    assert pools["pool_size"].unique().to_list() == [50]
    assert pools.filter(pl.col("target_error") == pl.col("target_error").max())["pool_hits"].unique().to_list() == [50]


def test_methods_of_a_seed_start_from_the_same_initial_set(outcome: Outcome) -> None:
    initial = outcome.history.filter((pl.col("iteration") == 0) & (pl.col("seed") == 1))
    keys = [frame["key"].to_list() for frame in initial.partition_by("method", maintain_order=True)]
    assert keys[0] == keys[1]


@pytest.mark.slow
def test_histories_do_not_depend_on_the_number_of_workers(outcome: Outcome, store: Path, tmp_path: Path) -> None:
    parallel = run_study(STUDY, tmp_path / "parallel", workers=2)
    assert_frame_equal(parallel.history, outcome.history)


@pytest.mark.slow
def test_running_again_repeats_nothing_and_more_seeds_extend(store: Path, tmp_path: Path) -> None:
    small = replace(STUDY, methods=("random",), seeds=(0,))
    first = run_study(small, tmp_path)
    journals = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    counted: list[int] = []
    extended = run_study(replace(small, seeds=(0, 1)), tmp_path, started=lambda total: counted.append)
    assert {path: path.read_bytes() for path in journals} == journals
    assert_frame_equal(extended.history.filter(pl.col("seed") == 0), first.history)
    assert extended.history["seed"].unique().to_list() == [0, 1]
    assert sum(counted) == 60
    kept = run_study(small, tmp_path)
    assert_frame_equal(kept.history, extended.history)


@pytest.mark.slow
def test_another_configuration_in_the_same_folder_is_refused(store: Path, tmp_path: Path) -> None:
    small = replace(STUDY, methods=("random",), seeds=(0,))
    run_study(small, tmp_path)
    with pytest.raises(ConfigurationError, match="budget was 30 and is 29"):
        run_study(replace(small, budget=29), tmp_path)


@pytest.mark.slow
def test_a_folder_with_another_manifest_is_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"something": "else"}))
    with pytest.raises(StoreError, match="no manifest of a result"):
        run_study(STUDY, tmp_path)


def test_the_manifest_says_how_it_was_made(outcome: Outcome) -> None:
    manifest = json.loads((outcome.folder / "manifest.json").read_text())
    assert manifest["study"]["signal"] == "valid_accuracy_200_run0"
    assert manifest["methods"]["uniform-50"]["seeds"] == [0, 1]
    assert manifest["methods"]["uniform-50"]["strategy"]["predictor"]["type"] == "GCN"
    (made,) = manifest["made_with"]
    assert made["threads_per_worker"] == 1
    assert {"predictornas", "torch", "numpy", "python"} <= set(made["versions"])


def test_the_summary_holds_each_method_once(outcome: Outcome) -> None:
    summary = outcome.report.summary
    assert sorted(summary["method"].to_list()) == ["random", "uniform-50"]
    assert (summary["chosen_regret"] >= 0).all()
    last = outcome.history.filter(pl.col("method") == "random").group_by("seed").agg(1 - pl.col("evaluation").max())
    assert summary.filter(pl.col("method") == "random")["best_mean"].item() == pytest.approx(last["literal"].mean())
