from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from predictornas.executors import Task
from predictornas.journal import read_records
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.runs import Run, RunSearch, has_ended, tasks_of
from predictornas.studies.gain.study import Study, run_identity
from predictornas.studies.gain.study_targets import study_targets


@pytest.mark.slow
def test_pool_hits_leave_out_what_was_evaluated(store: Path, tmp_path: Path) -> None:
    opened = open_study(Study(methods=("exhaustive",), budget=20, seeds=(0,)))
    RunSearch(opened)(Run("a", "exhaustive", 0), tmp_path / "a.jsonl", lambda _: None)
    records = read_records(tmp_path / "a.jsonl")
    pool = next(record for record in records if record.get("pool_hits"))
    assert pool["pool_size"] == 15_625 - 10
    errors = opened.benchmark.costs(opened.benchmark.signal)
    targets = study_targets(errors)["target_error"].to_numpy()
    initial = 1 - np.array(
        [record["value"] for record in records if record.get("iteration") == 0 and "value" in record]
    )
    expected = [(errors <= target).sum() - (initial <= target).sum() for target in targets]
    assert pool["pool_hits"] == expected


@pytest.mark.slow
def test_a_copy_in_another_process_runs_the_same(store: Path, tmp_path: Path) -> None:
    opened = open_study(Study(methods=("uniform-20",), budget=20, seeds=(0,)))
    told: list[int] = []
    for name, function in (("a", RunSearch(opened)), ("b", pickle.loads(pickle.dumps(RunSearch(opened))))):
        function(Run("a", "uniform-20", 0), tmp_path / name, told.append)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sum(told) == 40


def test_tasks_are_whole_seeds_in_files_of_their_own(store: Path, tmp_path: Path) -> None:
    opened = open_study(Study(methods=("random",), budget=20, seeds=(0, 1)))
    claim(tmp_path, opened)
    manifest = claim(tmp_path, open_study(Study(methods=("local-search",), budget=20, seeds=(1,))))
    tasks = tasks_of(manifest, tmp_path)
    runs = [task.what for task in tasks]
    assert [(run.method, run.seed) for run in runs] == [("random", 0), ("random", 1), ("local-search", 1)]
    identity = run_identity(opened.identity, "random", opened.strategy("random"), 1)
    assert runs[1].identity == identity
    assert tasks[1].target == tmp_path / "runs" / f"{identity['run_id']}.jsonl"
    assert len({task.target for task in tasks}) == 3


@pytest.mark.slow
def test_a_run_has_ended_when_its_journal_says_so(store: Path, tmp_path: Path) -> None:
    opened = open_study(Study(methods=("random",), budget=20, seeds=(0,)))
    task = Task(Run("a", "random", 0), tmp_path / "a.jsonl")
    assert not has_ended(task)
    RunSearch(opened)(task.what, task.target, lambda _: None)
    assert has_ended(task)
    lines = task.target.read_bytes().splitlines(keepends=True)
    task.target.write_bytes(b"".join(lines[:-1]))
    assert not has_ended(task)
    task.target.write_bytes(b"".join(lines[:-1]) + lines[-1][:-3])
    assert not has_ended(task)
    RunSearch(opened)(task.what, task.target, lambda _: None)
    assert task.target.read_bytes() == b"".join(lines)
