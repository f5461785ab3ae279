from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from predictornas.studies import measured_table
from predictornas.studies.measured_table import TableRecipe

LIVE = ["live-search", "--space", "nasbench201", "--images", "digits", "--method", "nosh", "--levels", "1,2"]
TINY = ["--channels", "4", "--cells", "1", "--batch-size", "20", "--training-images", "40", "--workers", "1"]


@pytest.mark.slow
def test_a_live_search_prints_what_it_found(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "live")
    assert run(*LIVE, *TINY, "--budget-epochs", "15", "--out", out) == 0
    shown = capsys.readouterr().out
    assert "Recommended: |" in shown
    assert run(*LIVE, *TINY, "--budget-epochs", "15", "--out", out, "--json") == 0
    (row,) = printed_json()
    assert (row["architectures"], row["epochs"]) == (10, 15)
    assert 0 <= row["test_error"] <= 1
    assert row["recommended"]["notation"] in shown
    assert len(row["recommended"]["genes"]) == 6


@pytest.mark.slow
def test_an_asynchronous_search_by_processes_with_a_device_each(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ["--asynchronous", "--budget-evaluations", "4", "--hours", "1", "--device", "cpu,cpu", "--workers", "2"]
    command = [*LIVE, *TINY[:-2], *limits, "--out", str(tmp_path / "live"), "--log", str(tmp_path / "log")]
    assert run(*command, "--json") == 0
    (row,) = printed_json()
    assert row["epochs"] == row["architectures"] == 4
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert events == ["started", "proposed", *["evaluated"] * 4, "ended"]
    assert run(*[word for word in command if word != "--asynchronous"]) == 2
    assert "--asynchronous" in capsys.readouterr().err


@pytest.mark.slow
def test_an_asynchronous_search_of_one_worker(run, printed_json, tmp_path: Path) -> None:
    limits = ["--asynchronous", "--budget-evaluations", "2"]
    assert run(*LIVE, *TINY, *limits, "--out", str(tmp_path / "live"), "--json") == 0
    (row,) = printed_json()
    assert row["architectures"] == 2


@pytest.mark.thorough
def test_from_a_search_to_a_classified_image_in_the_shell(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Search, picture, training, export; then another process with torch and this package loads what came out."""
    found, trained, picture = (str(tmp_path / name) for name in ("found", "trained", "cell.svg"))
    images = ["--space", "nasbench201", "--images", "digits", "--format", "svg"]
    assert run("live-search", *images, *TINY, "--method", "random", "--levels", "1", "--budget-epochs", "2",
               "--out", found) == 0  # fmt: skip
    recommended = f"{found}/recommended.txt"
    assert run("architecture", recommended, "--space", "nasbench201", "--picture", picture) == 0
    size = ["--channels", "4", "--cells", "1", "--epochs", "1", "--recipe", "small"]
    assert run("train", recommended, *images, *size, "--out", trained) == 0
    assert run("export", trained) == 0
    assert Path(picture).stat().st_size > 1000
    assert "weights.pt" in capsys.readouterr().out

    code = (
        "import torch\n"
        "from predictornas.live.exported import load_network\n"
        "from predictornas.live.images.loading import load_images\n"
        "test = load_images('digits').test\n"
        f"probabilities = load_network({trained + '/exported'!r}).classify(test.pixels)\n"
        "print((probabilities.argmax(1) == test.labels).double().mean().item(), probabilities[0].sum().item())\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    accuracy, total = map(float, printed.stdout.split())
    last = pl.read_csv(f"{trained}/curve.csv")["test_accuracy"][-1]
    assert accuracy == pytest.approx(last, abs=0.005)
    assert total == pytest.approx(1, abs=1e-5)


def test_levels_that_are_no_numbers(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for levels, reason in (("1,x", "not '1,x'"), ("", "ascending")):
        assert run("live-search", "--levels", levels, "--out", str(tmp_path)) == 2
        assert reason in capsys.readouterr().err


def test_a_gpu_that_is_not_there(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*LIVE, *TINY, "--device", "cuda:99", "--out", str(tmp_path)) == 2
    assert "cuda" in capsys.readouterr().err


def test_no_threads_are_refused(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, command in enumerate((["train", "DARTS-V2", "--images", "digits"], [*LIVE, *TINY])):
        assert run(*command, "--threads", "0", "--out", str(tmp_path / str(number))) == 2
        assert "threads = 0" in capsys.readouterr().err


def test_negative_seeds_are_refused(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([*LIVE, *TINY], ["train", "DARTS-V2", "--images", "digits"], ["proxies", "--images", "digits"]):
        assert run(*command, "--seed=-1", "--out", str(tmp_path / "out")) == 2
        assert capsys.readouterr().err.endswith("seed = -1; it has to be 0 or more.\n")
        assert not list(tmp_path.glob("out/*"))


@pytest.mark.slow
def test_train_prints_parameters_and_errors(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--channels", "4", "--cells", "3", "--epochs", "1", "--batch-size", "200"]
    assert run("train", "DARTS-V1", "--images", "digits", *size, "--out", str(tmp_path), "--json") == 0
    (row,) = printed_json()
    assert row["epochs"] == 1
    assert 0 <= row["test_error"] <= 1
    assert {"parameters", "multiply_adds", "validation_error", "duration"} <= row.keys()
    assert run("train", "DARTS-V9", "--out", str(tmp_path)) == 2
    assert "DARTS-V2" in capsys.readouterr().err


@pytest.mark.slow
def test_build_table_continues(
    run, printed_json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = TableRecipe(name="tiny", most_vertices=3, images=(40, 20, 20), budgets=(1, 2), seeds=(0, 1), channels=4)
    monkeypatch.setitem(measured_table.TABLES, "tiny", tiny)
    command = ["build-table", "tiny", "--workers", "1", "--out", str(tmp_path)]
    assert run(*command, "--at-most", "1") == 0
    assert "Not complete" in capsys.readouterr().err
    assert run(*command) == 0
    assert "tiny: 7 rows" in capsys.readouterr().out
    assert run(*command, "--json") == 0
    assert printed_json() == {"name": "tiny", "complete": True, "rows": 7, "folder": str(tmp_path)}
    assert run("build-table", "nasbench101-digit") == 2
    assert "nasbench101-digits" in capsys.readouterr().err
