from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from predictornas.cli import main

COMMAND = [sys.executable, "-c", "from predictornas.cli import main; main()"]
GAIN = ["gain", "--methods", "random,uniform-50", "--budget", "40", "--seeds", "2"]


def run(*arguments: str) -> int:
    try:
        main([*arguments])
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_help_is_fast_and_shows_an_example_for_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (
        ["gain"],
        ["search"],
        ["compare"],
        *(["data", name] for name in ("list", "info", "import", "fetch", "verify")),
    ):
        assert run(*verb, "--help") == 0
        assert "Example: predictornas " + " ".join(verb) in capsys.readouterr().out
    heavy = "import sys; from predictornas.cli import app; app(['--help'], result_action='return_value');"
    check = subprocess.run(
        [sys.executable, "-c", heavy + "print({'torch', 'polars', 'numpy', 'matplotlib'} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert check.stdout.strip().endswith("set()")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["gain", "--benchmark", "nasbench201-cifar1"], "Did you mean 'nasbench201-cifar10'"),
        (["gain", "--methods", "randm"], "Did you mean 'random'"),
        (["gain", "--signal", "valid_accuracy_200_run00"], "Did you mean 'valid_accuracy_200_run0'"),
        (["gain", "--preset", "papper"], "Did you mean 'paper'"),
        (["gain", "--budget", "many"], "many"),
        (["gain", "--benchmark", "nasbench101"], "predictornas data import nasbench101"),
        (["compare", "nowhere"], "holds no finished study"),
        (["data", "info", "nasbench301"], "Known:"),
        (["gian"], "gian"),
    ],
)
def test_wrong_input_exits_with_2_and_one_clear_line(
    arguments: list[str],
    reason: str,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert reason in said
    assert [path.name for path in tmp_path.iterdir() if path != store] == []


def test_search_prints_json_and_writes_the_outputs(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "one"
    assert run("search", "--method", "random", "--budget", "20", "--seed", "3", "--out", str(out), "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in rows] == ["random"]
    assert pl.read_parquet(out / "history.parquet")["seed"].unique().to_list() == [3]
    assert run("compare", str(out), "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["evaluations"] == 20


def test_data_verbs(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "list", "--json") == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"nasbench101", "nasbench201-cifar10"} <= set(names)
    assert run("data", "info", "nasbench201-cifar10", "--json") == 0
    roles = {row["column"]: row["role"] for row in json.loads(capsys.readouterr().out)}
    assert roles["valid_accuracy_200_run0"] == "signal"
    assert roles["valid_accuracy_200_rest"] == "evaluation"
    assert run("data", "verify", "nasbench201-cifar10") == 0


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
        while process.poll() is None and (kills >= 4 or _lines(killed) < wanted):
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
