from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.errors import ConfigurationError, OutOfMemoryError, PredictorNASError, StoreError, WorkerLostError
from predictornas.executors.processes import Processes
from predictornas.history import History
from predictornas.observers import Observer
from predictornas.oracles.base import Evaluations
from predictornas.oracles.elsewhere import Elsewhere
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers import NOSH, Full
from predictornas.schedulers.halving import ASHALike
from predictornas.search import asynchronous
from predictornas.search.asynchronous import HOPELESS, run_asynchronously
from predictornas.search.loop import Search
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, RandomSearch, Strategy
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from tests.crews import Killed, Pick, Played
from tests.search.examples import CountingPredictor, curve_value

SPACE = get_space("nasbench201")
LEVELS = (1, 3, 9)
LEARNING = PredictorSearch(CountingPredictor(), Uniform(), pool_size=40, initial=5, batch=3)
RANK_NOSH = Scheduled(LEARNING, NOSH(LEVELS))
RANDOM_NOSH = Scheduled(RandomSearch(initial=6, batch=4), NOSH(LEVELS))


@dataclass
class Curves:
    """Answers as a learning curve does; some architectures fail."""

    fails: Callable[[Genes], Exception | None] | None = None
    resumes: bool = True
    asked: list[tuple[tuple[int, ...], int | None]] = field(default_factory=list)

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        self.asked.append((tuple(genes[0].tolist()), epochs))
        error = self.fails and self.fails(genes[0])
        if error is not None:
            raise error
        known = np.array([float(epochs or 9)])
        return Evaluations(curve_value(genes, epochs or 9), known.astype(np.int64), 10 * known, known)


def scripted(seed: int) -> Pick:
    """Tasks end in an order of chance."""
    rng = np.random.default_rng(seed)
    return lambda running: int(rng.integers(running))


def trainings(history: History) -> list[tuple[int, int]]:
    return list(zip(history.keys.tolist(), history.epochs.tolist(), strict=True))


def searched(strategy: Strategy, played: Played, *, seed: int = 0, oracle: Any = None, **limits: Any) -> History:
    search = Search(SPACE, strategy, seed=seed)
    return run_asynchronously(search, Elsewhere(oracle or Curves(), played), **limits)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [LEARNING, RANK_NOSH], ids=["predictor", "rank-nosh"])
def test_the_order_of_events_and_the_seed_decide_what_is_proposed(strategy: Strategy) -> None:
    def proposed(order: int, seed: int = 0) -> list[Any]:
        played = Played(workers=4, pick=scripted(order))
        searched(strategy, played, seed=seed, evaluations=15)
        return played.sent_trainings()

    first = proposed(1)
    assert len(set(first)) == len(first) == 15
    assert proposed(1) == first
    assert proposed(2) != first
    assert proposed(2)[:5] == first[:5]  # T0, of which nothing is known beforehand
    assert proposed(1, seed=1)[:5] != first[:5]


def test_one_worker_is_the_search_that_is_asked_and_told_by_turns() -> None:
    search, oracle = Search(SPACE, RANK_NOSH, seed=3), Curves()
    first = search.ask()
    for row in first.genes:
        search.tell(row[None], curve_value(row[None], first.epochs or 0))
    while len(search.history) < 25:
        proposal = search.ask(1)
        search.tell(proposal.genes, curve_value(proposal.genes, proposal.epochs or 0))
    alone = searched(RANK_NOSH, Played(workers=1), seed=3, oracle=oracle, evaluations=25)
    assert trainings(alone) == trainings(search.history)
    np.testing.assert_array_equal(alone.values, search.history.values)


def test_nobody_waits_before_the_end() -> None:
    played = Played(workers=4, pick=scripted(0))
    searched(RANK_NOSH, played, evaluations=40)
    assert played.running_at == [4] * 37 + [3, 2, 1]


def test_t0_is_that_of_the_synchronous_search() -> None:
    played = Played(workers=2, pick=scripted(5))
    searched(RANDOM_NOSH, played, seed=2, evaluations=20)
    whole = Search(SPACE, RANDOM_NOSH, seed=2).ask()
    assert [key for key, _ in played.sent_trainings()[:6]] == whole.keys.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [range(7), [1] * 12], ids=["ever later", "at once"])
def test_a_killed_search_goes_on_with_what_was_in_flight(kills: Any, tmp_path: Path) -> None:
    """What was begun first ends first here, so the events are those of a search that was left alone."""
    alone = Search.open(tmp_path / "alone", SPACE, RANK_NOSH, seed=0)
    run_asynchronously(alone, Elsewhere(Curves(), Played(workers=3)), evaluations=30)
    for lives in [*kills, None]:
        search = Search.open(tmp_path / "killed", SPACE, RANK_NOSH, seed=0)
        flying, told = search.history.pending, len(search.history)
        played = Played(workers=3, lives=lives)
        if lives is None:
            run_asynchronously(search, Elsewhere(Curves(), played), evaluations=30)
        else:
            with pytest.raises(Killed):
                run_asynchronously(search, Elsewhere(Curves(), played), evaluations=30)
            assert len(search.history) == told + lives
        assert played.sent[: len(flying)] == list(flying)[: len(played.sent)]
    assert trainings(search.history) == trainings(alone.history)
    assert len(set(trainings(search.history))) == 30
    assert not search.history.pending
    events = [Search.open(tmp_path / name, SPACE, RANK_NOSH, seed=0).history for name in ("alone", "killed")]
    np.testing.assert_array_equal(events[0].iterations, events[1].iterations)


def test_fewer_workers_take_up_what_more_had_begun(tmp_path: Path) -> None:
    search = Search.open(tmp_path, SPACE, RANDOM_NOSH, seed=0)
    with pytest.raises(Killed):
        run_asynchronously(search, Elsewhere(Curves(), Played(workers=8, lives=10)), evaluations=40)
    flying = list(search.history.pending)
    assert len(flying) == 8
    played = Played(workers=2)
    run_asynchronously(search, Elsewhere(Curves(), played), evaluations=19)
    assert played.sent[:8] == flying
    assert len(search.history) == 19


def bad(row: Genes) -> bool:
    return int(row[0]) == 1


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), OutOfMemoryError("full"), WorkerLostError("gone"), SystemExit("cudaErrorUnknown")]
)
def test_a_failure_is_told_and_costs_nothing_else(error: Exception) -> None:
    oracle = Curves(fails=lambda row: error if bad(row) else None)
    search = Search(SPACE, RANDOM_NOSH, seed=0)
    history = run_asynchronously(search, Elsewhere(oracle, Played(workers=3, pick=scripted(1))), evaluations=40)
    failed = history.failed
    assert 0 < failed.sum() < 30
    assert failed.tolist() == [bad(row) for row in history.genes]
    assert set(history.failures.values()) == {f"{type(error).__name__}: {error}"}
    assert len(history) == len(set(trainings(history))) == 40
    assert (history.epochs[failed] == 1).all()  # none was promoted
    assert not bad(search.recommend()[0])


def test_a_value_that_is_no_number_is_a_failure_too() -> None:
    class Lost(Curves):
        def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            found = super().evaluate(genes, epochs, rng)
            return replace(found, value=np.where(genes[:, 0] == 1, np.nan, found.value))

    history = searched(RANDOM_NOSH, Played(), oracle=Lost(), evaluations=20)
    assert history.failed.tolist() == [bad(row) for row in history.genes]
    assert history.failed.any()


@pytest.mark.parametrize("error", [ConfigurationError("No such device."), StoreError("The disk is full.")])
def test_what_is_nobodys_failure_ends_the_run_and_loses_nothing(error: Exception) -> None:
    broken = Curves(fails=lambda row: error if bad(row) else None)
    search = Search(SPACE, RANDOM_NOSH, seed=0)
    with pytest.raises(type(error), match=str(error)):
        run_asynchronously(search, Elsewhere(broken, Played(workers=3)), evaluations=40)
    assert not search.history.failed.any()
    flying = {each.key for each in search.history.pending}
    assert len(flying) >= 3
    history = run_asynchronously(search, Elsewhere(Curves(), Played(workers=3)), evaluations=40)
    assert len(history) == 40
    assert flying <= set(history.keys.tolist())


def test_where_everything_fails_somebody_is_asked_to_look() -> None:
    broken = Elsewhere(Curves(fails=lambda row: RuntimeError("no driver")), Played(workers=3))
    search = Search(SPACE, RANDOM_NOSH, seed=0)
    for call in (1, 2):
        with pytest.raises(
            PredictorNASError, match=r"first 10 trainings all failed, the last one so: RuntimeError: no"
        ):
            run_asynchronously(search, broken, evaluations=40)
        assert len(search.history) == call * HOPELESS
    assert len(run_asynchronously(search, Elsewhere(Curves(), Played()), evaluations=40)) == 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_quotas_hold_whenever_the_queue_is_empty(seed: int) -> None:
    """Later newcomers are better, so that the best who wait change while others are on their way up."""

    class Drifting(Curves):
        def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            found = super().evaluate(genes, epochs, rng)
            return replace(found, value=rng.random(1) + 0.02 * len(self.asked))

    search, oracle = Search(SPACE, RANDOM_NOSH, seed=seed), Drifting()
    rng = np.random.default_rng(seed)
    while len(search.history) < 120:
        limit = max(len(search.history), 6) + int(rng.integers(0, 20))  # T0 comes first, promotions or not
        played = Played(workers=int(rng.integers(1, 6)), pick=scripted(seed))
        run_asynchronously(search, Elsewhere(oracle, played, seed), evaluations=limit)
        while search.propose(1).proposed_by == "promotion":
            limit = len(search.history) + 1
            run_asynchronously(search, Elsewhere(oracle, Played(workers=4), seed), evaluations=limit)
        counts = [int((search.history.epochs == level).sum()) for level in LEVELS]
        assert counts[1:] == [floor(count / 2) for count in counts[:-1]]


def test_asha_promotes_while_newcomers_are_in_flight() -> None:
    search = Search(SPACE, Scheduled(RandomSearch(initial=4, batch=2), ASHALike(LEVELS)), seed=0)
    history = run_asynchronously(search, Elsewhere(Curves(), Played(workers=4, pick=scripted(0))), evaluations=30)
    first = int(np.flatnonzero(history.epochs == 3)[0])
    assert 2 <= first < 10  # two of T0 were enough
    assert len(set(trainings(history))) == 30
    assert (history.epochs == 9).any()


@pytest.mark.parametrize("resumes", [True, False])
def test_epochs_are_those_that_are_trained(resumes: bool) -> None:
    told: list[int] = []
    oracle = Curves(resumes=resumes)
    history = searched(RANDOM_NOSH, Played(workers=3), oracle=oracle, epochs=50, advance=told.append)
    longest: dict[int, int] = {}
    for key, epochs in trainings(history):
        longest[key] = max(longest.get(key, 0), epochs)
    spent = sum(longest.values()) if resumes else int(history.epochs.sum())
    assert 50 - LEVELS[-1] < spent <= 50
    assert sum(told) == spent


def test_a_larger_limit_goes_on_and_progress_tells_what_was_there() -> None:
    search, told = Search(SPACE, RANDOM_NOSH, seed=0), list[int]()
    evaluator = Elsewhere(Curves(), Played(workers=3))
    run_asynchronously(search, evaluator, evaluations=11)
    run_asynchronously(search, evaluator, evaluations=11)
    assert len(search.history) == 11
    run_asynchronously(search, evaluator, evaluations=14, advance=told.append)
    assert told == [11, 1, 1, 1]


def test_hours_end_a_call_and_leave_in_flight_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(workers=3, seconds=100.0)
    monkeypatch.setattr(asynchronous.time, "monotonic", lambda: played.clock)
    search = Search(SPACE, RANDOM_NOSH, seed=0)
    run_asynchronously(search, Elsewhere(Curves(), played), hours=0.25)  # 900 seconds
    assert (len(search.history), len(search.history.pending)) == (9, 3)
    assert played.clock == 900
    run_asynchronously(search, Elsewhere(Curves(), played), hours=0.1, evaluations=100)
    assert (len(search.history), len(search.history.pending)) == (12, 3)
    assert played.clock == 1260


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "ends after evaluations, epochs or hours above 0"),
        ({"evaluations": 0}, "evaluations=0"),
        ({"hours": -1.0}, r"hours=-1\.0"),
        ({"epochs": 9}, "needs a scheduler"),
    ],
)
def test_limits_that_are_none(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        searched(LEARNING, Played(), **limits)


def test_it_ends_where_the_space_does() -> None:
    small = SPACE.restricted_to(SPACE.enumerated_keys()[::500])
    search = Search(small, RandomSearch(initial=3, batch=2), seed=0)
    history = run_asynchronously(search, Elsewhere(Curves(), Played(workers=5, pick=scripted(0))), evaluations=1000)
    assert sorted(history.keys.tolist()) == sorted(small.enumerated_keys().tolist())


def test_observers_hear_of_each_training_as_it_ends() -> None:
    heard: list[tuple[str, int]] = []
    played = Played(workers=3, pick=scripted(0))

    class Listening(Observer):
        def evaluated(self, event: Any) -> None:
            heard.append((event["order"], played.running))

    search = Search(SPACE, RANDOM_NOSH, seed=0, observers=[Listening()])
    run_asynchronously(search, Elsewhere(Curves(), played), evaluations=9)
    assert heard == [*((order, 2) for order in range(7)), (7, 1), (8, 0)]


@pytest.mark.slow
def test_processes_of_this_machine(tmp_path: Path) -> None:
    search = Search.open(tmp_path, SPACE, RANDOM_NOSH, seed=0)
    history = run_asynchronously(search, Elsewhere(Curves(), Processes(2, preload=())), evaluations=12)
    assert len(set(trainings(history))) == 12
    np.testing.assert_allclose(
        history.values,
        [curve_value(row[None], epochs)[0] for row, epochs in zip(history.genes, history.epochs, strict=True)],
    )


def test_a_training_of_another_length_than_was_asked_for_has_landed() -> None:
    """As one that was stopped early: nobody waits for it, and another call does not train it again."""

    class Early(Curves):
        def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            return super().evaluate(genes, (epochs or 9) - int(genes[0, 0] == 3), rng)

    search = Search(SPACE, Scheduled(RandomSearch(initial=4, batch=2), Full((9,))), seed=0)
    history = run_asynchronously(search, Elsewhere(Early(), Played(workers=3)), evaluations=40)
    assert (len(history), len(history.pending)) == (40, 0)
    assert set(history.epochs.tolist()) == {8, 9}
    assert len(run_asynchronously(search, Elsewhere(Early(), Played(workers=3)), evaluations=45)) == 45
