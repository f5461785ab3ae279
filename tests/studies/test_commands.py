from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from predictornas.studies.commands import command_for, repeated
from predictornas.studies.folder import write_manifest
from predictornas.studies.live_study import LiveStudy

STUDY = {
    "benchmark": "nasbench201-cifar10",
    "signal": "valid_accuracy_200_run0",
    "evaluation": "valid_accuracy_200_rest",
    "budget": 40,
    "preset": "quick",
    "engine": "indexed",
    "warm_start": False,
}


def test_the_command_of_each_kind_comes_from_its_manifest(tmp_path: Path) -> None:
    methods = {"random": {"strategy": {}, "seeds": [0, 1]}, "uniform-50": {"strategy": {}, "seeds": [0, 1]}}
    kinds = {
        "study": {"study": STUDY, "methods": methods, "made_with": []},
        "live-search": {"study": {"protocol": 2, **json.loads(json.dumps(asdict(LiveStudy(space="darts-s1"))))}},
        "supernet": {"options": {"method": "drnas", "cells": None, "small": True}},
    }
    found = {}
    for kind, facts in kinds.items():
        (tmp_path / kind).mkdir()
        write_manifest(tmp_path / kind, kind, facts)
        found[kind] = (command_for(tmp_path / kind) or "").split(" --out ")
    assert found["study"] == [
        "predictornas gain --benchmark nasbench201-cifar10 --methods random,uniform-50 --seeds 2 --budget 40 "
        "--signal valid_accuracy_200_run0 --evaluation valid_accuracy_200_rest --preset quick",
        str(tmp_path / "study"),
    ]
    assert "live-search --space darts-s1 --images hard-digits --method rank-nosh --budget" in found["live-search"][0]
    assert "--levels 1,3,9" in found["live-search"][0]
    assert found["supernet"][0] == "predictornas supernet --method drnas --small"


def test_a_manifest_that_does_not_say_it_has_no_command(tmp_path: Path) -> None:
    assert command_for(tmp_path) is None
    write_manifest(tmp_path, "supernet", {})
    assert command_for(tmp_path) is None
    assert repeated(tmp_path) == "Repeat the command that made it."
