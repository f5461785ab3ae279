from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

SMALL = ["--budget", "20", "--seeds", "2", "--workers", "1"]


def test_the_list_says_what_each_shows_needs_and_takes(run, printed_json, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reproduce", "--list", "--json") == 0
    rows = {row["name"]: row for row in printed_json()}
    assert {f"mauch-fig{number}" for number in range(2, 11)} <= set(rows)
    assert rows["mauch-fig8"]["source"] == "Mauch et al. 2020, figure 8"
    durations = {name: row["durations"] for name, row in rows.items() if "mauch" in name}
    assert all(isinstance(value, int) for entry in durations.values() for value in entry.values())
    assert all(0 < entry["small"] < 600 for entry in durations.values())  # seconds
    searches = {name: entry["full"] for name, entry in durations.items() if name != "mauch-smoothness"}
    assert all(full > 3600 for full in searches.values())
    assert durations["mauch-smoothness"]["full"] > durations["mauch-smoothness"]["small"]  # it reads tables alone
    assert run("reproduce", "--list") == 0
    assert "Gain of sampler and" in capsys.readouterr().out  # the rest is in the line below


@pytest.mark.slow
def test_two_figures_of_one_study_share_its_runs_and_say_so_in_json(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an imported NAS-Bench-101 the offline table is searched, which standard error says."""
    out = tmp_path / "out"
    assert run("reproduce", "mauch-fig8", "mauch-f*8", *SMALL, "--out", str(out), "--json") == 0
    said = capsys.readouterr()
    assert "Searching nasbench201-cifar10" in said.err
    (written,) = json.loads(said.out)
    assert written["figure"] == "mauch-fig8"
    assert [Path(path).name for path in written["files"]] == [
        *(f"mauch-fig8.{ending}" for ending in ("csv", "png", "svg")),
        "captions.md",
        "mauch-fig8.json",
    ]
    assert set(pl.read_csv(out / "mauch-fig8.csv")["part"]) == {"sampler", "predictor", "total"}
    assert run("reproduce", "mauch-fig8", *SMALL, "--out", str(out), "--benchmark", "nasbench201-cifar10") == 0
    said = capsys.readouterr()
    assert "Searching" not in said.err
    assert "mauch-fig8.csv" in said.out
