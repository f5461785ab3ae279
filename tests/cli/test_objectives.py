"""`gain` and `search` with objectives and limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.cli.objectives import Asked, named
from predictornas.errors import ConfigurationError


def test_names_stand_between_commas() -> None:
    assert named(" error, latency,") == ("error", "latency")
    assert named(None) == ()
    assert not Asked(None, None, None)


def test_what_means_nothing_here_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--budget-epochs cannot be combined"):
        Asked("error", None, None).study(refused={"--budget-epochs": True, "--engine": False})


def test_a_limit_alone_leaves_the_objective_to_the_table() -> None:
    study = Asked(None, "parameters<5e5", None).study(refused={}, budget=30, signal=None)
    assert (study.objectives, study.limits, study.budget) == ((), ("parameters<5e5",), 30)


@pytest.mark.slow
def test_a_search_within_limits_prints_its_front_as_json(run, printed_json, store: Path, tmp_path: Path) -> None:
    arguments = ["search", "--objectives", "error,latency", "--limit", "parameters<5e5", "--method", "nsga-ii"]
    assert run(*arguments, "--budget", "30", "--out", str(tmp_path / "out"), "--json") == 0
    (row,) = printed_json()
    assert row["method"] == "nsga-ii"
    table = open_benchmark("nasbench201-cifar10")
    for point in row["front"]:
        genes = np.array([point["genes"]], np.int8)
        assert table.lookup(genes, "parameters")[0] < 5e5
        assert table.lookup(genes, "latency_seconds")[0] == point["latency"]
        assert 1 - table.lookup(genes, table.evaluation)[0] == pytest.approx(point["error"])


@pytest.mark.slow
def test_one_objective_within_limits_is_told_as_an_error_in_percent(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["search", "--limit", "parameters<5e5", "--method", "random", "--budget", "30", "--format", "svg"]
    assert run(*arguments, "--out", str(tmp_path / "one"), "--json") == 0
    (point,) = json.loads(capsys.readouterr().out)[0]["front"]
    assert run(*arguments, "--out", str(tmp_path / "one")) == 0
    shown = capsys.readouterr().out
    assert "ypervolume" not in shown
    told, recommended = shown.split("Recommended\n")
    assert f"{100 * point['error']:.2f}" in told.split("random", 1)[1].split()
    row = recommended.splitlines()[3].split()
    assert row[:2] == [f"{100 * point['error']:.2f}", f"{point['parameters']:,.0f}"]
    assert point["parameters"] < 5e5
    assert shown.endswith(f"All of it on one page: {tmp_path / 'one' / 'report.html'}\n")
