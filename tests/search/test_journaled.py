from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.errors import JournalError
from predictornas.journal import Journal, read_records
from predictornas.samplers.base import Pool
from predictornas.samplers.uniform import Uniform
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search, run
from predictornas.search.strategies import PredictorSearch, RandomSearch
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle, CountingPredictor

SPACE = get_space("nasbench201")
STRATEGY = PredictorSearch(CountingPredictor(), Uniform(), pool_size=100, initial=8, batch=5)
IDENTITY = {"run_id": "abc", "method": "uniform-100", "seed": 0}


def drive(
    path: Path, oracle: CountingOracle, *, identity: dict[str, Any] = IDENTITY, counts: list[int] | None = None
) -> None:
    def hits(pool: Pool) -> list[int]:
        return [int((pool.genes.sum(axis=1) > 14).sum()), len(pool)]

    with Journal(path) as journal:
        run_journaled(
            Search(SPACE, STRATEGY, seed=0),
            oracle,
            30,
            journal,
            identity=identity,
            pool_hits=hits,
            advance=(counts if counts is not None else []).append,
        )


def test_the_journal_holds_the_same_run_as_the_plain_loop(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    records = [record for record in read_records(tmp_path / "a.jsonl") if record["kind"] == "evaluation"]
    plain = run(Search(SPACE, STRATEGY, seed=0), CountingOracle(), 30)
    assert [record["key"] for record in records] == plain.keys.tolist()
    assert [record["value"] for record in records] == plain.values.tolist()
    assert [record["order"] for record in records] == list(range(30))
    assert [record["proposed_by"] for record in records][:9] == ["initial"] * 8 + ["uniform"]


@pytest.mark.parametrize("cut", [1, 3, 8, 9, 11, 20, 33, 36, 37])
def test_a_run_cut_after_any_line_goes_on_to_the_same_journal(tmp_path: Path, cut: int) -> None:
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    drive(whole, CountingOracle())
    lines = whole.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:cut]) + lines[cut][:7])
    oracle, counts = CountingOracle(), []
    drive(part, oracle, counts=counts)
    assert part.read_bytes() == whole.read_bytes()
    done = sum(b'"evaluation"' in line for line in lines[:cut])
    assert len(oracle.asked) == 30 - done
    assert sum(counts) == 30


def test_a_finished_run_asks_for_nothing(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    oracle = CountingOracle()
    drive(tmp_path / "a.jsonl", oracle)
    assert oracle.asked == []


def test_pools_are_counted_once_an_iteration(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    proposals = [record for record in read_records(tmp_path / "a.jsonl") if record["kind"] == "proposal"]
    assert [record["iteration"] for record in proposals] == [0, 1, 2, 3, 4, 5]
    assert "pool_hits" not in proposals[0]
    assert all(record["pool_hits"][1] == record["pool_size"] == 100 for record in proposals[1:])


def test_a_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    with pytest.raises(JournalError, match="belongs to another run"):
        drive(tmp_path / "a.jsonl", CountingOracle(), identity={**IDENTITY, "seed": 1})


def test_what_the_predictor_said_is_kept(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    records = [record for record in read_records(tmp_path / "a.jsonl") if record["kind"] == "evaluation"]
    assert all(record["predicted"] is None for record in records[:8])
    assert all(np.isfinite(record["predicted"]) for record in records[8:])
    assert records[0]["cost_seconds"] is None


def test_the_journal_ends_with_what_the_search_recommends(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    records = read_records(tmp_path / "a.jsonl")
    search = Search(SPACE, STRATEGY, seed=0)
    run(search, CountingOracle(), 30)
    last = records[-1]
    assert last == {
        "kind": "recommendation",
        "iteration": 6,
        "recommended": int(SPACE.keys(search.recommend())[0]),
    }
    assert [record["iteration"] for record in records if "recommended" in record] == [1, 2, 3, 4, 5, 6]


def test_a_search_without_an_opinion_recommends_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.jsonl") as journal:
        run_journaled(Search(SPACE, RandomSearch(), seed=0), CountingOracle(), 20, journal, identity=IDENTITY)
    assert not any("recommended" in record for record in read_records(tmp_path / "a.jsonl"))
