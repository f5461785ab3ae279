"""Runs whose budget is raised are the runs that they would have been with that budget from the beginning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from predictornas.errors import AtWorkError, ConfigurationError, StoreError
from predictornas.search.named import Named
from predictornas.search.strategies import RandomSearch
from predictornas.studies.gain import manifest as manifests
from predictornas.studies.gain.again import report_study
from predictornas.studies.gain.execution import advance_study, run_study, tell_study
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.locks import Locks
from predictornas.studies.objectives.execution import run_objectives
from predictornas.studies.tasks import Execution
from tests.studies.objectives.conftest import STUDY as SEVERAL

# both budgets cut the last batch of ten
SHORT = Study(methods=("random", "uniform-50", "bayesian-optimisation"), budget=23, seeds=(0, 1))
LONG = replace(SHORT, budget=36)
PLAIN = replace(SHORT, methods=("random",))


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_a_lengthened_study_is_the_longer_one(store: Path, tmp_path: Path, killed: bool) -> None:
    run_study(SHORT, tmp_path / "raised")
    short = set((tmp_path / "raised" / "runs").glob("*.jsonl"))
    if killed:  # one was in the iteration that the budget cuts, another had just begun
        for journal, lines in zip(sorted(short), (-3, 1), strict=False):
            journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]))
    raised = run_study(LONG, tmp_path / "raised")
    whole = run_study(LONG, tmp_path / "whole")
    assert_frame_equal(raised.history, whole.history)
    for name in ("pools.parquet", "gain.csv"):
        assert (tmp_path / "raised" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    left = {path.name: path.read_bytes() for path in (tmp_path / "raised" / "runs").glob("*.jsonl")}
    assert left == {path.name: path.read_bytes() for path in (tmp_path / "whole" / "runs").glob("*.jsonl")}


def test_it_may_bring_methods_and_seeds_of_its_own(store: Path, tmp_path: Path) -> None:
    run_study(PLAIN, tmp_path)
    history = run_study(replace(PLAIN, methods=("local-search",), seeds=(2,), budget=30), tmp_path).history
    runs = history.group_by("method", "seed").len().sort("method", "seed")
    assert runs.rows() == [("local-search", 2, 30), ("random", 0, 30), ("random", 1, 30)]


def test_several_objectives_are_lengthened_too(tmp_path: Path) -> None:
    longer = replace(SEVERAL, budget=SEVERAL.budget + 7)
    run_objectives(SEVERAL, tmp_path / "raised")
    raised = run_objectives(longer, tmp_path / "raised").history
    assert raised.equals(run_objectives(longer, tmp_path / "whole").history)


def test_nothing_is_shortened_and_nothing_else_may_differ(store: Path, tmp_path: Path) -> None:
    before = run_study(PLAIN, tmp_path).history
    with pytest.raises(ConfigurationError, match="budget was 23 and is 22"):
        run_study(replace(PLAIN, budget=22), tmp_path)
    with pytest.raises(ConfigurationError, match="budget was 23 and is 30, preset was 'quick' and is 'paper'"):
        run_study(replace(PLAIN, budget=30, preset="paper"), tmp_path)
    assert_frame_equal(run_study(PLAIN, tmp_path).history, before)


def test_the_smaller_study_is_still_there_where_lengthening_failed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("No space left on device.")

    before = run_study(PLAIN, tmp_path).history
    with monkeypatch.context() as disk:
        disk.setattr(manifests, "write_manifest", full)
        with pytest.raises(StoreError, match="No space"):
            run_study(replace(PLAIN, budget=30), tmp_path)
    evaluated: list[int] = []
    assert_frame_equal(run_study(PLAIN, tmp_path, started=lambda total: evaluated.append).history, before)
    assert evaluated == [46]  # all of them were there
    assert len(run_study(replace(PLAIN, budget=30), tmp_path).history) == 60


def test_runs_that_could_not_go_on_are_not_touched(store: Path, tmp_path: Path) -> None:
    mine = Named("mine", RandomSearch(initial=2, batch=5))
    run_study(replace(PLAIN, methods=("random", mine)), tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()}
    with pytest.raises(ConfigurationError, match="holds runs of mine, which cannot go on"):
        run_study(replace(PLAIN, budget=30), tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "runs").iterdir()} == before
    assert len(run_study(replace(PLAIN, methods=("random", mine), budget=30), tmp_path).history) == 120


def test_a_command_with_the_smaller_budget_does_not_show_the_longer_runs(store: Path, tmp_path: Path) -> None:
    opened = open_study(PLAIN)
    advance_study(opened, tmp_path, Execution())
    run_study(replace(PLAIN, budget=30), tmp_path)
    with pytest.raises(AtWorkError, match="has raised the budget"):
        tell_study(opened, tmp_path, 0)


def test_what_is_left_of_the_smaller_study_is_not_reported_as_the_longer_one(store: Path, tmp_path: Path) -> None:
    run_study(PLAIN, tmp_path)
    claim(tmp_path, open_study(replace(PLAIN, budget=30)))  # and the command was killed
    with pytest.raises(AtWorkError, match="Start the same command again"):
        report_study(tmp_path)


def test_a_study_that_another_command_is_at_is_not_lengthened(store: Path, tmp_path: Path) -> None:
    before = run_study(PLAIN, tmp_path).history
    journal = next((tmp_path / "runs").glob("*.jsonl"))
    content = journal.read_bytes()
    with Locks() as theirs:
        assert theirs.take(journal)
        journal.unlink()  # it has not written anything yet
        with pytest.raises(AtWorkError, match="Raise the budget when it is done"):
            run_study(replace(PLAIN, budget=30), tmp_path)
        journal.write_bytes(content)
    assert_frame_equal(run_study(PLAIN, tmp_path).history, before)
