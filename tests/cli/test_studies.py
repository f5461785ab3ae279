from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from predictornas.architectures import parse
from predictornas.cli.studies import BEST, DEFAULT_METHODS, OTHERWISE
from predictornas.counting import counted
from predictornas.spaces.registry import get_space
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.runs import tasks_of
from predictornas.studies.gain.study import Study
from predictornas.studies.locks import Locks
from predictornas.studies.tidy_tables import write_table

COMMAND = [sys.executable, "-c", "from predictornas.cli import main; main()"]
GAIN = ["gain", "--methods", "random,uniform-50", "--budget", "40", "--seeds", "2"]


def test_the_first_table_shows_what_gains_most_beside_the_papers() -> None:
    assert DEFAULT_METHODS.split(",") == list(Study().methods) == ["random", "uniform-1000", "bayesian-optimisation"]


@pytest.mark.slow
def test_a_search_climbs_where_no_method_is_asked_for(tmp_path: Path) -> None:
    run = subprocess.run([*COMMAND, "search", "--budget", "15", "--out", "mine"], cwd=tmp_path, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert list(json.loads((tmp_path / "mine" / "manifest.json").read_text())["methods"]) == [BEST]


@pytest.mark.slow
def test_search_prints_json_and_writes_the_outputs(run, printed_json, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "one"
    assert run("search", "--method", "random", "--budget", "20", "--seed", "3", "--out", str(out), "--json") == 0
    rows = printed_json()
    assert [row["method"] for row in rows] == ["random"]
    assert [gain["target"] for gain in rows[0]["gains"]] == ["top 0.1 %", "top 1 %"]
    assert all({"gain", "low", "high", "resolved"} < gain.keys() for gain in rows[0]["gains"])
    recommended = rows[0]["recommended"]
    assert get_space("nasbench201").describe(np.array(recommended["genes"], np.int8)) == recommended["notation"]
    assert pl.read_parquet(out / "history.parquet")["seed"].unique().to_list() == [3]
    assert run("compare", str(out), "--json") == 0
    assert printed_json()["errors"][0]["evaluations"] == 20


@pytest.mark.slow
def test_a_budget_of_epochs_has_its_savings_in_json_and_one_seed_has_no_interval(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["gain", "--methods", "nosh,random", "--budget-epochs", "180", "--seeds", "1", "--workers", "1"]
    assert run(*command, "--out", str(tmp_path)) == 0
    assert re.search(r"nosh .*(not reached|[0-9.]+x) +random", capsys.readouterr().out)
    assert run(*command, "--out", str(tmp_path), "--json") == 0
    rows = {row["method"]: row for row in printed_json()}
    assert rows["random"]["savings"] == []
    for saving in rows["nosh"]["savings"]:
        assert (saving["reference"], saving["low"], saving["high"]) == ("random", None, None)
        assert saving["resolved"] == (saving["factor"] is not None)
    assert {(saving["trace"], saving["at"]) for saving in rows["nosh"]["savings"]} == {("chosen", 180), ("best", 180)}


@pytest.mark.slow
def test_a_method_with_a_scheduler_searches_the_bundled_table_with_learning_curves(
    run, printed_json, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "one"
    assert run("search", "--method", "successive-halving", "--out", str(out), "--json") == 0
    (row,) = printed_json()
    study = json.loads((out / "manifest.json").read_text())["study"]
    assert (study["benchmark"], study["budget_epochs"]) == ("nasbench101-digits", 30 * 9)
    assert row["method"] == "successive-halving"
    assert set(pl.read_parquet(out / "history.parquet")["epochs"]) == {1, 3, 9}
    assert not any(store.iterdir()) if store.exists() else True  # nothing was built or fetched


@pytest.mark.slow
def test_search_names_what_it_recommends(run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", "--budget", "20", "--out", str(tmp_path / "best")) == 0
    shown = capsys.readouterr().out
    assert "bayesian-optimisation" in shown
    assert "Recommended: |" in shown  # the official notation of a NAS-Bench-201 cell
    (named,) = re.findall(r"Recommended: (\|.*\|)", shown)
    assert (tmp_path / "best" / "recommended.txt").read_text() == f"{named}\n"
    assert parse(tmp_path / "best", "nasbench201").genes.tolist() == parse(named).genes.tolist()  # and feeds it back


@pytest.mark.slow
def test_compare_prints_and_writes_errors_pairs_and_ranks(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors of 10 and 20 % for one method, of 20 and 40 % for the other."""
    runs = {"one": {0: 0.9, 1: 0.8}, "two": {0: 0.8, 1: 0.6}}
    for method, values in runs.items():
        _finished_study(tmp_path / method, method, values)
    folders, out = [str(tmp_path / name) for name in runs], tmp_path / "compared"
    assert run("compare", *folders, "--out", str(out)) == 0
    shown = capsys.readouterr().out
    assert "toy: error after 1 evaluation, %" in shown
    assert "15.000 [-48.531, 78.531]" in shown  # 15 and 12.7062 times the standard error of 10 and 20, which is 5
    assert "Average rank over seeds" in shown
    files = {"errors.csv", "regret.csv", "pairs.csv", "ranks.csv", "ranks.png", "ranks.svg", "captions.md"}
    files |= {"manifest.json", "report.html"}
    assert {path.name for path in out.iterdir()} == files
    assert run("compare", *folders, "--pairs") == 0
    assert "-15.000 [-78.531," in capsys.readouterr().out


@pytest.mark.slow
def test_compare_pairs_a_folder_with_the_published_runs(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.studies.test_published import STUDY, mine

    folder = mine(tmp_path / "mine", worse=0.01)
    assert run("compare", str(folder), "--against", STUDY, "--json") == 0
    shown, remarked = capsys.readouterr()
    told = json.loads(shown)
    (pair,) = (
        row
        for row in told["pairs"]
        if (row["a"], row["b"], row["quantity"], row["trace"]) == ("mine", "random", "final", "best")
    )
    assert pair["difference"] == pytest.approx(0.01, abs=1e-12)
    assert told["notes"] == remarked.splitlines()
    assert run("compare", str(folder), "--against", "search/nasbench101") == 2
    assert "was not made on the table of" in capsys.readouterr().err


def _finished_study(folder: Path, method: str, values: dict[int, float]) -> None:
    """A folder as `gain` leaves it, each run of one evaluation."""
    facts = {"method": method, "order": 0, "key": 0, "epochs": 108, "cost_seconds": 1.0, "cost_epochs": 108.0}
    rows = [
        {**facts, "run_id": f"{method}-{seed}", "seed": seed, "value": value, "evaluation": value}
        for seed, value in values.items()
    ]
    folder.mkdir()
    study = {"benchmark": "toy", "data_sha256": "0", "signal": "run0", "evaluation": "rest"}
    (folder / "manifest.json").write_text(json.dumps({"study": study}))
    write_table(folder / "history.parquet", pl.DataFrame(rows, schema_overrides={"key": pl.UInt64}))


@pytest.mark.thorough
def test_killed_at_random_moments_it_ends_with_the_same_history(store: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*COMMAND, *GAIN, "--workers", "1", "--out", str(whole)], check=True, capture_output=True)
    chance = random.Random(0)
    kills = 0
    for attempt in range(40):
        process = subprocess.Popen(
            [*COMMAND, *GAIN, "--workers", "2", "--out", str(killed)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = _lines(killed)
        wanted = before + chance.randrange(1, 60)
        while process.poll() is None and (kills >= 2 or _lines(killed) < wanted):
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        elif process.returncode == 0:
            break
        assert attempt < 39, "never finished"
    assert kills >= 2
    assert_frame_equal(pl.read_parquet(killed / "history.parquet"), pl.read_parquet(whole / "history.parquet"))
    assert_frame_equal(pl.read_parquet(killed / "pools.parquet"), pl.read_parquet(whole / "pools.parquet"))


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (folder / "runs").glob("*.jsonl"))


@pytest.mark.thorough
def test_parts_and_seeds_by_name_end_in_the_table_of_a_plain_command(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ["gain", "--methods", "random,local-search", "--budget", "20", "--workers", "1"]
    for part, missing in (("2/3", 3), ("1/3", 1)):
        assert run(*plain, "--seeds", "4,9", "--out", str(tmp_path / "a"), "--part", part, "--json") == 0
        said = capsys.readouterr()
        assert f"missing, of other parts: {counted(missing, 'run')}." in said.err
        assert json.loads(said.out) == {"part": part, "missing": missing, "folder": str(tmp_path / "a")}
    assert not (tmp_path / "a" / "history.parquet").exists()
    assert run(*plain, "--seeds", "4,9", "--out", str(tmp_path / "a")) == 0
    assert run(*plain, "--seeds", "4,9", "--out", str(tmp_path / "b")) == 0
    first, second = (pl.read_parquet(tmp_path / name / "history.parquet") for name in "ab")
    assert_frame_equal(first, second)
    assert sorted(first["seed"].unique()) == [4, 9]


@pytest.mark.slow
def test_a_run_that_another_command_is_at_is_no_failure(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_study(Study(methods=("random",), budget=20, seeds=(0,), preset="quick"))
    (task,) = tasks_of(claim(tmp_path / "elsewhere", opened), tmp_path)
    command = ["gain", "--methods", "random", "--budget", "20", "--out", str(tmp_path)]
    with Locks() as others:
        assert others.take(task.target)
        assert run(*command, "--seeds", "1") == 0
        assert "Other commands are at all runs" in capsys.readouterr().err
        assert run(*command, "--seeds", "2") == 0
        assert "Other commands are at 1 more run of" in capsys.readouterr().err
    assert pl.read_parquet(tmp_path / "history.parquet")["seed"].unique().to_list() == [1]
    assert run(*command, "--seeds", "2") == 0
    assert pl.read_parquet(tmp_path / "history.parquet")["seed"].unique().to_list() == [0, 1]


@pytest.mark.slow
def test_a_budget_of_seconds_counts_the_seconds_of_the_table(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["gain", "--benchmark", "nasbench101-digits", "--methods", "random,local-search", "--seeds", "3"]
    assert run(*command, "--budget-seconds", "100", "--out", str(tmp_path)) == 0
    runs = pl.read_parquet(tmp_path / "history.parquet").group_by("method", "seed").agg(pl.col("cost_seconds").sum())
    assert len(runs) == 6
    assert runs["cost_seconds"].max() <= 100 < runs["cost_seconds"].min() + 30  # no training takes so long
    assert run(*command, "--budget-seconds", "101", "--out", str(tmp_path)) == 2
    assert "budget_seconds was 100.0 and is 101.0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (
            "--benchmark nasbench201-cifar10 --budget-epochs 100 --seeds 2",
            "no training of 'random', which begins with 200",
        ),
        ("--budget-seconds 1 --seeds 2", "could pay for a training"),
        ("--budget-seconds 3000 --seeds 2", "evaluated its initial set T0 only"),
        ("--budget 20 --seeds 9223372036854775808,", "from 0 to 2\\^63 - 1"),
    ],
)
def test_what_is_too_small_or_too_large_is_one_sentence(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], limit: str, reason: str
) -> None:
    assert run("gain", "--methods", "random", *limit.split(), "--out", str(tmp_path / "out")) == 2
    assert re.search(reason, capsys.readouterr().err)


@pytest.mark.slow
def test_a_search_with_a_prior_takes_the_process_that_learns_from_one(run, tmp_path: Path) -> None:
    file, rng = tmp_path / "scores.csv", np.random.default_rng(0)
    cells = get_space("nasbench201").sample(30, rng)
    names = [get_space("nasbench201").describe(cell) for cell in cells]
    pl.DataFrame({"architecture": names, "value": rng.random(30)}).write_csv(file)
    assert run("search", "--budget", "15", "--prior", str(file), "--out", str(tmp_path / "mine")) == 0
    (method,) = json.loads((tmp_path / "mine" / "manifest.json").read_text())["methods"]
    assert method.startswith(OTHERWISE)


@pytest.mark.slow
def test_files_that_a_search_cannot_begin_with_are_refused(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "trials.csv"
    pl.DataFrame({"arch": ["4", "5", "6"], "value": [0.5, 0.6, 0.7]}).write_csv(file)
    for options, why in (
        (["--method", "random", "--prior", str(file)], "RandomSearch is none"),
        (["--method", "nosh", "--trials", str(file)], "different numbers of epochs"),
        (["--limit", "parameters<5e5", "--trials", str(file)], "--trials cannot be combined"),
        (["--trials", str(file), "--trials-value", "accuracy"], "lacks the column 'accuracy'"),
    ):
        assert run("search", *options, "--out", str(tmp_path / "none")) != 0
        assert why in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "none").exists()
