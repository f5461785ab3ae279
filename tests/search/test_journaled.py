from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.errors import ConfigurationError, JournalError
from predictornas.journal import Journal, read_records
from predictornas.oracles.base import Evaluations
from predictornas.samplers.base import Pool, Sampler
from predictornas.samplers.collect import Distinct
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers import NOSH, Full, Scheduler, SuccessiveHalving
from predictornas.search.budget import Budget
from predictornas.search.journaled import run_journaled
from predictornas.search.loop import Search, run
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, RandomSearch, Strategy
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingOracle, CurveOracle, DenoisingPredictor

SPACE = get_space("nasbench201")
STRATEGY = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=100, initial=8, batch=5, smoothed=True)
IDENTITY = {"run_id": "abc", "method": "uniform-100", "seed": 0}


@dataclass(frozen=True)
class Scarce:
    """Forty cells of its own; the rest of a pool is uniform fill."""

    name: str = "scarce"

    def propose(self, space, n, history, predictor, rng):
        found = Distinct(space, history.keys)
        found.add(space.enumerate()[:200], at_most=40)
        found.fill_uniformly(n, history, rng)
        return found.pool()


def drive(
    path: Path, oracle: CountingOracle, *, identity: dict[str, Any] = IDENTITY, counts: list[int] | None = None
) -> None:
    def hits(pool: Pool) -> list[int]:
        return [int((pool.genes.sum(axis=1) > 14).sum()), len(pool)]

    with Journal(path) as journal:
        run_journaled(
            Search(SPACE, STRATEGY, seed=0),
            oracle,
            Budget(evaluations=30),
            journal,
            identity=identity,
            pool_hits=hits,
            advance=(counts if counts is not None else []).append,
        )


@pytest.mark.slow
def test_the_journal_holds_the_same_run_as_the_plain_loop(tmp_path: Path) -> None:
    drive(tmp_path / "a.jsonl", CountingOracle())
    records = [record for record in read_records(tmp_path / "a.jsonl") if record["kind"] == "evaluation"]
    plain = run(Search(SPACE, STRATEGY, seed=0), CountingOracle(), 30)
    assert [record["key"] for record in records] == plain.keys.tolist()
    assert [record["value"] for record in records] == plain.values.tolist()
    assert [record["order"] for record in records] == list(range(30))
    assert [record["proposed_by"] for record in records][:9] == ["initial"] * 8 + ["uniform"]


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "filled"), [(Uniform(), None), (Evolutionary(), 0), (Scarce(), 60)])
def test_the_journal_says_how_much_of_each_pool_was_filled(
    sampler: Sampler, filled: int | None, tmp_path: Path
) -> None:
    strategy = replace(STRATEGY, sampler=sampler)
    with Journal(tmp_path / "a.jsonl") as journal:
        run_journaled(
            Search(SPACE, strategy, seed=0), CountingOracle(), Budget(evaluations=18), journal, identity=IDENTITY
        )
    ranked = [record for record in read_records(tmp_path / "a.jsonl") if "pool_size" in record]
    assert [record.get("filled") for record in ranked] == [filled, filled]


@pytest.mark.slow
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
    assert records[-2:] == [
        {"kind": "recommendation", "iteration": 6, "recommended": int(SPACE.keys(search.recommend())[0])},
        {"kind": "end", "evaluations": 30},
    ]
    assert [record["iteration"] for record in records if "recommended" in record] == [1, 2, 3, 4, 5, 6]


def test_a_search_without_an_opinion_recommends_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.jsonl") as journal:
        search = Search(SPACE, RandomSearch(), seed=0)
        run_journaled(search, CountingOracle(), Budget(evaluations=20), journal, identity=IDENTITY)
    assert not any("recommended" in record for record in read_records(tmp_path / "a.jsonl"))


@dataclass
class SlowOracle(CountingOracle):
    """A training takes 10 seconds for every unit of the genes."""

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        return replace(super().evaluate(genes, epochs, rng), cost_seconds=10.0 * genes.sum(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("spare", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("evaluations", [1, 4, 9])
def test_seconds_end_a_run_before_the_training_that_exceeds_them(
    tmp_path: Path, evaluations: int, spare: float
) -> None:
    """Iterations of 4 are cut where they must be, and a run that has ended stays as it is."""
    search = Search(SPACE, RandomSearch(initial=4, batch=4), seed=0)
    run(search, CountingOracle(), 12)
    sums = np.cumsum(10.0 * search.history.genes.sum(axis=1))
    limit, expected = float(sums[evaluations - 1] + spare), evaluations - (spare < 0)
    for _ in range(2):
        counts: list[int] = []
        search = Search(SPACE, RandomSearch(initial=4, batch=4), seed=0)
        with Journal(tmp_path / "a.jsonl") as journal:
            run_journaled(
                search, SlowOracle(), Budget(seconds=limit), journal, identity=IDENTITY, advance=counts.append
            )
        records = read_records(tmp_path / "a.jsonl")
        assert [record["kind"] for record in records].count("evaluation") == expected == len(search.history)
        assert [record for record in records if record["kind"] == "end"] == [{"kind": "end", "evaluations": expected}]
        assert sum(counts) == (sums[expected - 1] if expected else 0)


def test_a_larger_budget_goes_on_after_the_end_of_a_smaller_one(tmp_path: Path) -> None:
    for evaluations in (20, 30):
        with Journal(tmp_path / "a.jsonl") as journal:
            search = Search(SPACE, RandomSearch(), seed=0)
            run_journaled(search, CountingOracle(), Budget(evaluations), journal, identity=IDENTITY)
    with Journal(tmp_path / "b.jsonl") as journal:
        run_journaled(Search(SPACE, RandomSearch(), seed=0), CountingOracle(), Budget(30), journal, identity=IDENTITY)
    first, second = (
        [record for record in read_records(tmp_path / name) if record["kind"] == "evaluation"]
        for name in ("a.jsonl", "b.jsonl")
    )
    assert first == second
    assert len(first) == 30


HALVING = Scheduled(RandomSearch(initial=4, batch=4), NOSH((1, 3)))


def drive_epochs(
    path: Path, oracle: CurveOracle, budget: Budget, strategy: Strategy = HALVING, counts: list[int] | None = None
) -> list[dict[str, Any]]:
    with Journal(path) as journal:
        run_journaled(
            Search(SPACE, strategy, seed=0),
            oracle,
            budget,
            journal,
            identity=IDENTITY,
            advance=(counts if counts is not None else []).append,
        )
    return [record for record in read_records(path) if record["kind"] == "evaluation"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resumes", "limit", "lengths", "spent"),
    [
        # T0, two promotions, newcomers, two promotions, newcomers ...
        (False, 20, [1] * 4 + [3] * 2 + [1] * 4 + [3] * 2, 20),
        (False, 19, [1] * 4 + [3] * 2 + [1] * 4 + [3], 17),
        (False, 8, [1] * 4 + [3], 7),
        (True, 20, [1] * 4 + [3] * 2 + [1] * 4 + [3] * 2 + [1] * 4, 20),
        (True, 18, [1] * 4 + [3] * 2 + [1] * 4 + [3] * 2 + [1] * 2, 18),
        (True, 7, [1] * 4 + [3], 6),
        (True, 3, [1] * 3, 3),
    ],
)
def test_epochs_are_spent_as_by_hand(tmp_path: Path, resumes: bool, limit: int, lengths: list[int], spent: int) -> None:
    oracle = CurveOracle(resumes)
    counts: list[int] = []
    records = drive_epochs(tmp_path / "a.jsonl", oracle, Budget(epochs=limit), counts=counts)
    assert [record["epochs"] for record in records] == lengths
    assert sum(record["cost_epochs"] for record in records) == oracle.trained == spent == sum(counts)
    charged = [2.0 if resumes and length == 3 else float(length) for length in lengths]
    assert [record["cost_epochs"] for record in records] == charged
    assert [record["cost_seconds"] for record in records] == [10 * epochs for epochs in charged]


SCHEDULERS = [NOSH((1, 3, 9)), NOSH((2, 5), Fraction(2, 3)), SuccessiveHalving((1, 3, 9)), Full((1, 7))]


@pytest.mark.slow
@pytest.mark.parametrize("resumes", [False, True])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("limit", [37, 64])
def test_what_is_charged_is_what_is_trained_and_within_the_budget(
    tmp_path: Path, scheduler: Scheduler, resumes: bool, limit: int
) -> None:
    strategy = Scheduled(
        PredictorSearch(DenoisingPredictor(), Uniform(), 50, initial=8, batch=5, smoothed=True), scheduler
    )
    oracle = CurveOracle(resumes)
    records = drive_epochs(tmp_path / "a.jsonl", oracle, Budget(epochs=limit), strategy)
    charged = sum(record["cost_epochs"] for record in records)
    assert charged == oracle.trained <= limit
    assert limit - charged < scheduler.levels[-1]  # not even the longest training would have fitted
    assert [(tuple(record["genes"]), record["epochs"]) for record in records] == oracle.asked
    if not resumes:
        assert charged == sum(record["epochs"] for record in records)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resumes", "budget"), [(False, Budget(epochs=44)), (True, Budget(epochs=41)), (True, Budget(evaluations=17))]
)
def test_a_scheduled_run_cut_after_any_line_goes_on_to_the_same_journal(
    tmp_path: Path, resumes: bool, budget: Budget
) -> None:
    strategy = Scheduled(
        PredictorSearch(DenoisingPredictor(), Uniform(), 20, initial=6, batch=4, smoothed=True), NOSH((1, 3, 9))
    )
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    counts: list[int] = []
    records = drive_epochs(whole, CurveOracle(resumes), budget, strategy, counts)
    lines = whole.read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines)):
        part.write_bytes(b"".join(lines[:cut]) + lines[cut][:7])
        oracle = CurveOracle(resumes)
        again: list[int] = []
        drive_epochs(part, oracle, budget, strategy, again)
        assert part.read_bytes() == whole.read_bytes()
        assert len(oracle.asked) == len(records) - sum(b'"evaluation"' in line for line in lines[:cut])
        assert sum(again) == sum(counts)


def test_a_finished_scheduled_run_trains_nothing(tmp_path: Path) -> None:
    drive_epochs(tmp_path / "a.jsonl", CurveOracle(True), Budget(epochs=50))
    content = (tmp_path / "a.jsonl").read_bytes()
    oracle = CurveOracle(True)
    drive_epochs(tmp_path / "a.jsonl", oracle, Budget(epochs=50))
    assert oracle.asked == []
    assert (tmp_path / "a.jsonl").read_bytes() == content


@pytest.mark.parametrize("evaluations", [5, 6, 9, 12, 13])
def test_promotions_stay_within_a_budget_of_evaluations(tmp_path: Path, evaluations: int) -> None:
    records = drive_epochs(tmp_path / "a.jsonl", CurveOracle(True), Budget(evaluations=evaluations))
    assert len(records) == evaluations


def test_epochs_without_a_scheduler(tmp_path: Path) -> None:
    search = Search(SPACE, RandomSearch(), seed=0)
    with Journal(tmp_path / "a.jsonl") as journal, pytest.raises(ConfigurationError, match="needs a scheduler"):
        run_journaled(search, CountingOracle(), Budget(epochs=20), journal, identity=IDENTITY)


def test_the_run_ends_where_the_space_does(tmp_path: Path) -> None:
    small = SPACE.restricted_to(SPACE.enumerated_keys()[:6])
    with Journal(tmp_path / "a.jsonl") as journal:
        run_journaled(Search(small, HALVING, seed=0), CurveOracle(True), Budget(epochs=999), journal, identity=IDENTITY)
    lengths = [record["epochs"] for record in read_records(tmp_path / "a.jsonl") if record["kind"] == "evaluation"]
    assert lengths == [1] * 4 + [3] * 2 + [1] * 2 + [3]


@dataclass
class Failing(CountingOracle):
    """Fails where the first gene is 0."""

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        answers = super().evaluate(genes, epochs, rng)
        return replace(answers, value=np.where(genes[:, 0] == 0, np.nan, answers.value))


def test_a_failure_is_recorded_with_everything_else_and_resumed(tmp_path: Path) -> None:
    whole, killed = (tmp_path / f"{name}.jsonl" for name in ("whole", "killed"))
    drive(whole, Failing())
    with pytest.raises(KeyboardInterrupt):
        drive(killed, Failing(stop_after=15))
    drive(killed, Failing())
    assert read_records(killed) == read_records(whole)
    evaluations = [record for record in read_records(whole) if record["kind"] == "evaluation"]
    assert len(evaluations) == 30
    assert {record["value"] is None for record in evaluations if record["genes"][0] == 0} == {True}
    history = run(Search(SPACE, STRATEGY, seed=0), Failing(), 30)
    assert history.keys.tolist() == [record["key"] for record in evaluations]
    assert sorted(history.failures) == np.flatnonzero(history.genes[:, 0] == 0).tolist()
