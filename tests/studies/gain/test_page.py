from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.description import describe
from predictornas.search.named import Named
from predictornas.search.strategies import RandomSearch
from predictornas.studies.gain.execution import run_epoch_study, run_study
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.page import facts_of
from predictornas.studies.gain.study import Study
from predictornas.studies.pages import REPORT

TABLE = "nasbench101-digits"


@pytest.mark.slow
def test_a_study_writes_its_report_and_again_the_same_bytes(tmp_path: Path) -> None:
    study = Study(TABLE, ("random", Named("mine", RandomSearch(initial=2, batch=5))), budget=20, seeds=(0, 1))
    outcome = run_study(study, tmp_path)
    written = (tmp_path / REPORT).read_bytes()
    assert b"mine: given as an object" in written
    assert b"Search methods on nasbench101-digits" in written
    run_study(study, tmp_path)
    assert (tmp_path / REPORT).read_bytes() == written
    opened = open_study(study)
    facts = facts_of(opened, read_manifest(tmp_path) or {}, outcome.history, None, 2)
    assert list(facts.methods) == ["random", "mine"]  # as they were asked for
    assert facts.methods["random"] == {"seeds": [0, 1], "own": False}
    assert (facts.rows, facts.space, facts.missing, facts.shares_noise) == (2532, "nasbench101", 2, False)
    only = facts_of(opened, {}, outcome.history.filter(pl.col("method") == "mine"), None, 0)
    assert list(only.methods) == ["mine"]


def test_a_folder_without_a_manifest_knows_no_method_by_its_name() -> None:
    """Nothing says that `random` means today what it meant then; seeds are those that have ended."""
    opened = open_study(Study(TABLE, ("random",), budget=20, seeds=(0, 1, 2)))
    history = pl.DataFrame({"method": ["random", "random"], "seed": [2, 0]})
    facts = facts_of(opened, {}, history, None, 1)
    assert facts.methods == {"random": {"seeds": [0, 2], "own": True}}
    described = {"methods": {"random": {"strategy": describe(opened.strategy("random"))}}}
    assert facts_of(opened, described, history, None, 1).methods["random"]["own"] is False
    assert (facts.missing, facts.made_with) == (1, ())


@pytest.mark.slow
def test_a_study_of_epochs_writes_its_report(tmp_path: Path) -> None:
    run_epoch_study(Study(TABLE, ("successive-halving",), None, (0,), budget_epochs=90), tmp_path)
    assert "Quality against epochs on nasbench101-digits" in (tmp_path / REPORT).read_text(encoding="utf-8")
