from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.errors import JournalError
from predictornas.history import POOL_SCHEMA, SCHEMA
from predictornas.journal import Journal
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.run_tables import Notation, consolidate
from predictornas.studies.gain.runs import Run
from predictornas.studies.gain.study import Study, journal_path

STUDY = Study(methods=("random",), budget=20, seeds=(0,))


@pytest.mark.slow
def test_journals_become_tidy_tables(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_study(STUDY)
    benchmark, runs = opened.benchmark, [Run("a", "random", 0)]
    monkeypatch.setitem(vars(opened), "targets", pl.DataFrame({"target_error": [0.1, 0.2]}))
    identity = runs[0].identity
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
    history, pools = consolidate(tmp_path, opened, runs)
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
    assert (history.columns, pools.columns) == (list(SCHEMA), list(POOL_SCHEMA))
    assert history["genes"].to_list() == genes.tolist()
    assert genes[0].tolist() == [4, 2, 1, 2, 1, 1]  # operations of the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3
    first = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    assert history["architecture"][0] == first
    assert history["proposed_by"].to_list() == ["initial", "initial"]
    assert history["predicted"].to_list() == [None, None]
    assert history["seed"].to_list() == [0, 0]
    monkeypatch.setitem(vars(opened), "targets", pl.DataFrame({"target_error": [0.1, 0.2, 0.3]}))
    with pytest.raises(JournalError, match="4 counts of 2 pools at 3 targets"):
        consolidate(tmp_path, opened, runs)


def test_runs_are_put_together_in_the_order_of_methods_and_seeds(store: Path, tmp_path: Path) -> None:
    study = Study(methods=("random", "regularised-evolution"), budget=60, seeds=(2, 0))
    opened = open_study(study)
    benchmark, runs = opened.benchmark, []
    for method in study.method_names:
        for seed in study.seeds:
            runs.append(Run(f"{method}-{seed}", method, seed))
            identity = runs[-1].identity
            evaluation = {"kind": "evaluation", "iteration": 0, "order": 0, "key": int(benchmark.keys[seed])}
            evaluation |= {"genes": benchmark.genes[seed].tolist(), "epochs": 200, "value": 0.5, "predicted": 0.25}
            evaluation |= {"cost_seconds": 1.5, "cost_epochs": None, "proposed_by": "initial"}
            with Journal(journal_path(tmp_path, identity["run_id"])) as journal:
                journal.append({"kind": "run", **identity})
                journal.append(evaluation)
    history, pools = consolidate(tmp_path, opened, runs)
    assert history.select("method", "seed").rows() == [
        ("random", 0),
        ("random", 2),
        ("regularised-evolution", 0),
        ("regularised-evolution", 2),
    ]
    assert history["recommended"].to_list() == [None] * 4
    assert history.select("predicted", "cost_seconds", "cost_epochs").unique().rows() == [(0.25, 1.5, None)]
    assert pools.is_empty()
    assert pl.read_parquet(tmp_path / "history.parquet").equals(history)


def test_an_architecture_that_many_runs_evaluate_is_written_down_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def describe(self: NASBench201, genes: np.ndarray) -> str:
        asked.append(genes.tolist())
        return str(genes.sum())

    monkeypatch.setattr(NASBench201, "describe", describe)
    notation, rows = Notation(NASBench201()), np.array([[0] * 6, [1] * 6, [0] * 6], np.int8)
    assert notation.of(rows) == ["0", "6", "0"]
    assert notation.of(rows[1:]) == ["6", "0"]
    assert asked == [[0] * 6, [1] * 6]
