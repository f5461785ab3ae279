from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_data_verbs(run, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "list", "--json") == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"nasbench101", "nasbench201-cifar10"} <= set(names)
    assert run("data", "info", "nasbench201-cifar10", "--json") == 0
    roles = {row["column"]: row["role"] for row in json.loads(capsys.readouterr().out)}
    assert roles["valid_accuracy_200_run0"] == "signal"
    assert roles["valid_accuracy_200_rest"] == "evaluation"
    assert run("data", "verify", "nasbench201-cifar10") == 0
