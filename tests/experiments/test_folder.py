from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError
from predictornas.experiments.folder import claim, consolidate
from predictornas.experiments.runs import journal_path
from predictornas.experiments.study import Study, run_identity
from predictornas.journal import Journal

STUDY = Study(methods=("random",), budget=20, seeds=(0,))


def test_claiming_again_adds_methods_and_seeds(store: Path, tmp_path: Path) -> None:
    benchmark = STUDY.open()
    claim(tmp_path, STUDY, benchmark)
    manifest = claim(tmp_path, replace(STUDY, methods=("uniform-9",), seeds=(4, 2)), benchmark)
    assert {name: entry["seeds"] for name, entry in manifest["methods"].items()} == {"random": [0], "uniform-9": [2, 4]}


def test_claiming_with_another_signal_names_what_differs(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, STUDY, STUDY.open())
    other = replace(STUDY, signal="valid_accuracy_200_run1", evaluation="valid_accuracy_200_run0")
    with pytest.raises(ConfigurationError, match="signal was 'valid_accuracy_200_run0'"):
        claim(tmp_path, other, other.open())


def test_what_made_the_runs_stays_when_another_version_goes_on(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = STUDY.open()
    monkeypatch.setattr("predictornas.experiments.folder._commit", lambda: "first")
    claim(tmp_path, STUDY, benchmark)
    claim(tmp_path, STUDY, benchmark)
    monkeypatch.setattr("predictornas.experiments.folder._commit", lambda: "second")
    manifest = claim(tmp_path, STUDY, benchmark)
    assert [made["commit"] for made in manifest["made_with"]] == ["first", "second"]


def test_a_method_that_means_something_else_now_is_refused(store: Path, tmp_path: Path) -> None:
    claim(tmp_path, STUDY, STUDY.open())
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"batch": 10', '"batch": 11'))
    with pytest.raises(ConfigurationError, match="'random' in another configuration"):
        claim(tmp_path, STUDY, STUDY.open())


def test_journals_become_tidy_tables(store: Path, tmp_path: Path) -> None:
    benchmark = STUDY.open()
    manifest = claim(tmp_path, STUDY, benchmark)
    identity = run_identity(manifest["study"], "random", STUDY.strategy("random"), 0)
    evaluation = {"kind": "evaluation", "epochs": 200, "cost_seconds": None, "cost_epochs": 200.0, "predicted": None}
    genes = benchmark.genes[:2]
    keys = benchmark.keys[:2].tolist()
    with Journal(journal_path(tmp_path, identity["run_id"])) as journal:
        journal.append({"kind": "run", **identity})
        for order in (0, 1):
            facts = {"iteration": order, "order": order, "key": keys[order], "genes": genes[order].tolist()}
            journal.append({**evaluation, **facts, "value": 0.5 + order / 4, "proposed_by": "initial"})
        journal.append(
            {
                "kind": "proposal",
                "iteration": 1,
                "chosen": 1,
                "pool_size": 9,
                "pool_hits": [0, 3],
                "recommended": keys[1],
            }
        )
        counted = {"pool_size": 8, "pool_hits": [1, 2], "filled": 4}
        journal.append({"kind": "proposal", "iteration": 2, "chosen": 1, **counted})
        journal.append({"kind": "recommendation", "iteration": 2, "recommended": keys[0]})
    history, pools = consolidate(tmp_path, manifest, STUDY, benchmark, [0.1, 0.2])
    assert history["value"].to_list() == [0.5, 0.75]
    assert history["cost_seconds"].to_list() == [None, None]
    assert history["recommended"].to_list() == [keys[1], keys[0]]  # of the iteration after, which knows this one
    assert history["evaluation"].to_list() == pytest.approx(benchmark.values("valid_accuracy_200_rest")[:2].tolist())
    assert pools.select("iteration", "pool_size", "pool_filled", "target_error", "pool_hits").rows() == [
        (1, 9, None, 0.1, 0),  # a journal of an earlier version
        (1, 9, None, 0.2, 3),
        (2, 8, 4, 0.1, 1),
        (2, 8, 4, 0.2, 2),
    ]
