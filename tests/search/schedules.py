"""Random schedules of what can happen to a search in a folder, and what must be true after each event.

`python -m tests.search.schedules --schedules 1000 --kills 50` plays as many schedules, and kills a real process that
searches in a folder as often; a few of both are in the tests.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictornas.history import History
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers.nosh import NOSH
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.folder import JOURNAL
from predictornas.search.local_search import LocalSearch
from predictornas.search.loop import Search
from predictornas.search.one_shot import OneShot
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, RandomSearch, Strategy
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingPredictor

SPACE = get_space("nasbench201")
SMALL = SPACE.restricted_to(SPACE.enumerated_keys()[::500])
"""32 architectures, so that schedules come to the end of it."""

STRATEGIES: tuple[Strategy, ...] = (
    RandomSearch(initial=4, batch=3),
    LocalSearch(initial=3),
    RegularisedEvolution(population=4, tournament=2),
    PredictorSearch(CountingPredictor(), Uniform(), pool_size=20, initial=4, batch=3),
    OneShot(CountingPredictor(), Uniform(), pool_size=12, initial=4, batch=2),
    Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9))),
)

EVENTS = ("ask", "tell", "fail", "drop", "late", "crash before", "crash within", "crash after", "restart")
"""What is neither told nor dropped has a worker that vanished. Late is who was dropped and tells all the same."""

SCHEDULES = st.tuples(
    st.sampled_from(range(len(STRATEGIES))),
    st.sampled_from([SPACE, SMALL]),
    st.integers(0, 3),
    st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 5), st.integers(0, 1000)), min_size=8, max_size=40),
)

Event = tuple[str, int, int]


def value_of(genes: np.ndarray, epochs: int) -> float:
    """What a training gives."""
    return float(genes.mean() / 4 + 0.01 * epochs)


class Play:
    """A search in a folder, to which things happen, and its twin in memory, which is only asked and told.

    Args:
        folder: of the search.
        strategy: of both.
        space: of both.
        seed: of both.
    """

    def __init__(self, folder: Path, strategy: Strategy, space: object, seed: int) -> None:
        self._open: Callable[[], Search] = lambda: Search.open(folder, space, strategy, seed=seed)  # type: ignore[arg-type]
        self._journal = folder / JOURNAL
        self.search, self.twin = self._open(), Search(space, strategy, seed=seed)  # type: ignore[arg-type]
        self.flying: dict[int, tuple[np.ndarray, int]] = {}
        self.dropped: dict[int, tuple[np.ndarray, int]] = {}
        self.results: dict[tuple[int, int], float | str] = {}

    def happens(self, event: Event) -> None:
        """Lets one thing happen and checks everything."""
        kind, count, number = event
        if kind == "ask":
            self._ask(count)
        elif kind in ("tell", "fail", "drop", "late"):
            self._land(kind, count, np.random.default_rng(number))
        elif kind == "crash after":  # on disk, and nobody heard of it
            self._ask(count)
            self.search = self._open()
        elif kind == "crash within":
            self.search.close()
            with self._journal.open("ab") as stream:
                stream.write(b'{"kind":"tell","keys":[1234567890123'[: 1 + number % 34])
            self.search = self._open()
        elif kind == "crash before":
            self.search.propose(count)
            self.search = self._open()
        elif kind == "restart":
            self.search.close()
            self.search = self._open()
        assert self.search.iteration == self.twin.iteration
        assert _shown(self.search.history) == _shown(self.twin.history)
        self.check(self.search.history)

    def _ask(self, count: int) -> None:
        proposal, same = self.search.ask(count, worker=f"worker {count}"), self.twin.ask(count)
        np.testing.assert_array_equal(proposal.keys, same.keys)
        assert len(proposal) <= count
        assert len(set(proposal.keys.tolist())) == len(proposal)
        for key, genes in zip(proposal.keys.tolist(), proposal.genes, strict=True):
            assert key not in self.flying
            self.dropped.pop(key, None)
            length = proposal.epochs or 0
            assert not any(known == key and (epochs >= length or why == "x") for (known, epochs), why in self.all())
            self.flying[key] = genes, length

    def all(self) -> list[tuple[tuple[int, int], float | str]]:
        """Every result so far."""
        return list(self.results.items())

    def _land(self, kind: str, count: int, rng: np.random.Generator) -> None:
        source = self.dropped if kind == "late" else self.flying
        keys = rng.permutation(np.array(list(source), np.uint64))[:count].tolist()
        landed = [source.pop(key) for key in keys]
        if not keys:
            return
        genes, lengths = np.array([row for row, _ in landed]), [length for _, length in landed]
        for search in (self.search, self.twin):
            if kind == "drop":
                search.drop(genes)
            elif kind == "fail":
                search.tell(genes, failed="x")
            else:
                search.tell(genes, [value_of(row, length) for row, length in landed], epochs=lengths)
        for key, row, length in zip(keys, genes, lengths, strict=True):
            if kind == "drop":
                self.dropped[key] = row, length
            else:
                self.results[key, length] = "x" if kind == "fail" else value_of(row, length)

    def check(self, history: History) -> None:
        """Nothing is lost, doubled, or invented; what failed is known, and never the result."""
        assert {each.key for each in history.pending} == self.flying.keys()
        assert len(history.pending) == len(self.flying)
        trainings = list(zip(history.keys.tolist(), history.epochs.tolist(), strict=True))
        values = [history.failures.get(row, value) for row, value in enumerate(history.values.tolist())]
        assert len(set(trainings)) == len(trainings)
        assert dict(zip(trainings, values, strict=True)) == self.results
        if any(value != "x" and value != 0 for value in values):
            recommended = int(self.search.space.keys(self.search.recommend())[0])
            assert any(key == recommended and value != "x" for (key, _), value in self.all())


def _shown(history: History) -> list[object]:
    """Everything about a history but the times at which things were asked for."""
    columns = (history.keys, history.genes, history.epochs, history.values, history.iterations)
    flying = [(each.key, each.genes, each.iteration, each.epochs) for each in history.pending]
    return [*(column.tobytes() for column in columns), history.failures, flying]


def play(schedule: tuple[int, object, int, list[Event]]) -> None:
    """One schedule, from an empty folder."""
    strategy, space, seed, events = schedule
    with tempfile.TemporaryDirectory() as folder:
        played = Play(Path(folder), STRATEGIES[strategy], space, seed)
        for event in [("ask", 2, 0), *events]:
            played.happens(event)
        played.search.close()


def play_many(count: int) -> None:
    """As many schedules, the same every time; the smallest that breaks a rule is what is raised."""
    many = settings(
        max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    many(given(SCHEDULES)(play))()


def searched(folder: str, count: int) -> History:
    """Tells the last of what is in flight, until nothing is; so it does not matter at which moments it was killed."""
    from predictornas import Search, get_space
    from predictornas.search.evolution import RegularisedEvolution

    search = Search.open(folder, get_space("nasbench201"), RegularisedEvolution(population=10, tournament=3), seed=0)
    print("open", flush=True)  # noqa: T201 - the process that kills this one waits for it
    while len(search.history) < count:
        if not search.history.pending:
            search.ask()
        genes = search.history.pending_genes[-1:]
        search.tell(genes, genes.mean(axis=1) / 4)
    search.close()
    return search.history


def kill_many(kills: int, folder: Path, *, seed: int = 0) -> tuple[History, History]:
    """The history of a search whose process is killed again and again, and that of the same search left alone."""
    rng, killed = np.random.default_rng(seed), folder / "killed"
    script = f"from __future__ import annotations\n{inspect.getsource(searched)}\nsearched({str(killed)!r}, 10**6)"
    for _ in range(kills):
        told = _told(killed)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            time.sleep(rng.uniform(0, 0.3))
            process.kill()
        assert _told(killed) >= told
    whole = _told(killed) + 5
    return searched(str(folder / "alone"), whole), searched(str(killed), whole)


def _told(folder: Path) -> int:
    journal = folder / JOURNAL
    return journal.read_bytes().count(b'"kind":"tell"') if journal.exists() else 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    given_to = parser.parse_args()
    logging.disable(logging.WARNING)  # that a torn line was cut off is what is wanted
    play_many(given_to.schedules)
    sys.stdout.write(f"{given_to.schedules} schedules kept every rule.\n")
    with tempfile.TemporaryDirectory() as folder:
        alone, killed = kill_many(given_to.kills, Path(folder))
    same = np.array_equal(alone.keys, killed.keys) and np.array_equal(alone.values, killed.values)
    sys.stdout.write(f"{given_to.kills} kills, {len(killed)} evaluations: {'the same' if same else 'DIFFERENT'}.\n")
    sys.exit(not same)


if __name__ == "__main__":
    main()
