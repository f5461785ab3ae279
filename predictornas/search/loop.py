"""The search loop: ask/tell for a user's own evaluations, and a generator that asks an oracle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.errors import ConfigurationError, DataError
from predictornas.history import History, Pending
from predictornas.observers import Observer
from predictornas.oracles.base import Evaluations, Oracle
from predictornas.plain_help import PlainHelp
from predictornas.schedulers.base import Scheduler, incumbent, plan_of
from predictornas.search.folder import SearchFolder, identity_of
from predictornas.search.proposing import chosen, rest_of_initial
from predictornas.search.reported import Reporter
from predictornas.search.results import Given, checked, unknown_rows, with_results
from predictornas.search.scheduled import scheduler_of
from predictornas.search.strategies import (
    Proposal,
    Recommending,
    Strategy,
    for_one_run,
)
from predictornas.search.with_trials import WithTrials
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace, require_members
from predictornas.spaces.registry import get_space
from predictornas.threads import one_thread


class Search(metaclass=PlainHelp):
    """One run of a strategy on a space: a function of configuration, seed and the order in which it was asked and told.

    It can be asked at any time and told in any order: what was asked for is `pending` until it is told or dropped, and
    is not proposed again meanwhile. Who asks, evaluates and tells by turns has the synchronous search of the papers.

    Example:
        >>> from predictornas import Evolutionary, GaussianProcess, PredictorSearch, Search, get_space
        >>> space = get_space("nasbench201")
        >>> strategy = PredictorSearch(GaussianProcess(), Evolutionary(), pool_size=50, initial=5, batch=5)
        >>> search = Search(space, strategy, seed=0)
        >>> while len(search.history) < 15:
        ...     proposal = search.ask()
        ...     search.tell(proposal.genes, [(row == 3).mean() for row in proposal.genes])  # train and validate here
        >>> len(search.history), search.recommend().shape
        (15, (1, 6))

    Args:
        space: the space to search, or its name.
        strategy: what proposes; or the name of a method, as in `predictornas search --method`, with the preset
            "default".
        seed: seed of the run.
        history: evaluations of an interrupted run to continue from; only whole iterations. A search with evaluations in
            flight is continued from its folder, see `open`.
        observers: told what is proposed, promoted and evaluated, see `Observer`.
        name: what they call the run; by default space and seed.

    Raises:
        UnknownNameError: no space or method has this name; names the nearest.
        ConfigurationError: something that is neither a strategy nor a name, a single observer for a list of them, or a
            seed below 0.
        InvalidArchitectureError: the history holds genes that are no architecture of the space.

    Attributes:
        history: everything told so far, and what is in flight.
        iteration: the latest iteration that was asked for, or the next one where that was told; 0 is the random
            initial set T0.
    """

    def __init__(
        self,
        space: SearchSpace | str,
        strategy: Strategy | str,
        *,
        seed: int = 0,
        history: History | None = None,
        observers: Sequence[Observer] = (),
        name: str | None = None,
    ) -> None:
        self.space = space = get_space(space) if isinstance(space, str) else space
        self.strategy = _strategy(strategy)
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ConfigurationError(f"The seed of a run is a whole number from 0, not {seed!r}.")
        self._running = for_one_run(self.strategy)
        self.seed = seed
        self.history = history if history is not None else History.empty(space.num_genes)
        require_members(space, self.history.genes)
        latest = [int(self.history.iterations.max(initial=-1)), *(each.iteration for each in self.history.pending)]
        self.iteration = max(latest) + 1
        self._was_asked = False  # for self.iteration
        self._folder: SearchFolder | None = None
        made_of = {"strategy": type(self.strategy).__name__, "seed": seed}
        self._reporter = Reporter(name or f"{space.name}-seed-{seed}", observers, space, **made_of)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        space: SearchSpace | str,
        strategy: Strategy | str,
        *,
        seed: int = 0,
        observers: Sequence[Observer] = (),
    ) -> Search:
        """A search that lives in a folder: each ask and tell is on disk before it returns, and opening continues it.

        What was in flight when a process died still is: evaluate it again and tell, or `drop` it. One process at a time
        has the folder; opened again in the same process, as by a notebook's cell, the search there is taken over.

        Example:
            >>> import tempfile
            >>> from predictornas import RandomSearch, Search, get_space
            >>> folder, space = tempfile.mkdtemp(), get_space("nasbench201")
            >>> search = Search.open(folder, space, RandomSearch(initial=3), seed=0)
            >>> first = search.ask(1, worker="gpu-0")
            >>> search.tell(first.genes, [0.8])
            >>> lost = search.ask(1, worker="gpu-1")
            >>> again = Search.open(folder, space, RandomSearch(initial=3), seed=0)  # after the kernel died
            >>> again.history.values.tolist(), [pending.worker for pending in again.history.pending]
            ([0.8], ['gpu-1'])
            >>> again.close()

        Args:
            folder: made where it is missing.
            space: as it was when the folder was begun.
            strategy: the same.
            seed: the same.
            observers: told what is proposed, promoted and evaluated from now on; they call the run as the folder.

        Raises:
            ConfigurationError: the folder has a search of another space, strategy or seed; names what differs. Or a
                space or strategy that cannot be described, see `predictornas.description.describe`.
            BusyJournalError: another process has it open.
            JournalError: its journal is damaged.
            StoreError: it cannot be written.
        """
        search = cls(space, strategy, seed=seed, observers=observers, name=Path(folder).absolute().name)
        kept = SearchFolder(Path(folder), identity_of(search.space, search.strategy, seed))
        for event in kept.events():
            search._happened(event)
        search._folder = kept
        return search

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the folder, where there is one: the search can be looked at, and not be told any more.

        A `with` block does that at its end. Observers hear that the run has ended.
        """
        if self._folder is not None:
            self._folder.close()
        self.report_end()

    def ask(self, at_most: int | None = None, *, worker: str = "") -> Proposal:
        """What to evaluate next, in flight from now on: T0 first, then the strategy's choice, never the same again.

        Args:
            at_most: how many are wanted, or are left of a budget; a strategy gives its batch at most. Ask again for
                more.
            worker: who is going to evaluate it, for `History.pending`.

        Returns:
            A proposal; empty where everything that the space has was evaluated or is in flight.

        Raises:
            StoreError: the search has a folder, and that cannot be written. Nothing was asked then.
        """
        proposal = self.propose(at_most)
        self.take(proposal, worker=worker)
        return proposal

    def take(self, proposal: Proposal, *, worker: str = "") -> None:
        """Puts in flight what `propose` gave, or the first of it; together they are `ask`.

        Args:
            proposal: as it was proposed since the search was last asked or told.
            worker: as for `ask`.

        Raises:
            StoreError: as for `ask`.
        """
        if len(proposal):
            event = {"kind": "ask", "iteration": self._next, "keys": proposal.keys, "genes": proposal.genes}
            event |= {"epochs": proposal.epochs, "worker": worker, "since": time.time()}
            # for who reads the journal: nothing is proposed by these
            why = {"predicted": proposal.predicted, "recommended": proposal.recommended}
            self._record({**event, "by": proposal.proposed_by, **why})
            self.report(proposal)

    def propose(self, at_most: int | None = None) -> Proposal:
        """What `ask` would give now, without asking: the same until something is asked, told or dropped."""
        starting, known = self._is_starting, len(self.history) + len(self.history.pending)
        size = self.strategy.initial - known if starting and known < self.strategy.initial else self.strategy.batch
        if at_most is not None:
            at_most = max(at_most, 0)  # what is left of a budget may be less than nothing
            size = min(size, at_most)
        with self._pinned():
            if starting:
                return rest_of_initial(self.strategy, self.space, self.history, size, seed=self.seed)
            run = {"seed": self.seed, "iteration": self._next}
            return chosen(self._running, self.space, self.history, size, **run, at_most=at_most)

    def recommend(self) -> Genes:
        """What the search would name as its result, `(1, g)`.

        The strategy's opinion where it has one; else the best by the signal of those that were trained longest. Never
        one that failed.

        Raises:
            ConfigurationError: nothing was told yet, or every training failed.
        """
        if not len(self.history):
            raise ConfigurationError("Nothing was evaluated yet, so there is nothing to recommend. Call tell() first.")
        row = self.opinion()
        row = incumbent(self.history) if row is None else row
        if row is None:
            raise ConfigurationError(
                "Every training failed, so there is nothing to recommend: no value at all, or none but 0, which is "
                "taken for the accuracy of a training that diverged."
            )
        return np.asarray(self.history.genes[row : row + 1])

    def opinion(self) -> int | None:
        """Row of the history that the strategy would name as the result; None where it goes by the signal."""
        if not isinstance(self._running, Recommending) or self.history.failed.all():
            return None
        learned = self.history.with_failures_last()
        with self._pinned():
            row = self._running.recommend(self.space, learned, seed=self.seed, iteration=self.iteration)
        return None if row is None or learned.failed[row] else row

    def tell(
        self, genes: Genes, values: Any = None, *, epochs: Any = None, costs: Any = None, failed: Any = None
    ) -> None:
        """Adds results, of a whole batch or of some of it, in any order; failures are results too.

        A strategy learns from a failure that it was the worst of all, and neither proposes nor recommends it again.
        Whoever tries it again tells the new result, which takes the place of the failure.

        Example:
            >>> from predictornas import RandomSearch, Search, get_space
            >>> search = Search(get_space("nasbench201"), RandomSearch(initial=3), seed=0)
            >>> genes = search.ask().genes
            >>> search.tell(genes[2:], [0.7])
            >>> search.tell(genes[:2], [0.9, float("nan")], failed=[None, "out of memory"])
            >>> search.history.values.tolist(), search.history.failures
            ([0.7, 0.9, nan], {2: 'out of memory'})

        Args:
            genes: `(k, g)`, not necessarily those that were asked for.
            values: `(k,)` accuracies (any score, higher is better); one that is not finite is a failure. None where all
                failed. Exactly 0 is that of a training that diverged, unless some are negative.
            epochs: `(k,)` fidelity of each value; by default what was asked for, or what the failure had that is tried
                again, and 0 where that was the oracle's own length; of what nobody asked for the scheduler's first
                level, or 0.
            costs: `(k, m)` what a strategy for several objectives goes by, lower is better; NaN for failures.
            failed: why evaluations failed: a text or an exception for all of them, or one for each, None where there is
                a value.

        Raises:
            ConfigurationError: lengths differ, there is neither a value nor a reason, or an architecture has a value
                after these epochs already; names it. Or a length that the strategy's scheduler cannot have planned.
                Nothing was told then.
            InvalidArchitectureError: genes that are no architecture of the space; names row, gene and range.
            StoreError: the search has a folder, and that cannot be written. Nothing was told then.
        """
        genes = require_members(self.space, genes)
        given = Given(genes, values, epochs, costs, failed)
        results = checked(self.space, self.history, given, otherwise=self._entry)
        event = {"kind": "tell", "genes": genes, **vars(results)}
        self._refuse_what_no_scheduler_planned(event, given)
        self._record(event)
        self._reporter.evaluated(self.history, len(genes))

    def add(
        self, genes: Genes, values: Any = None, epochs: Any = None, *, costs: Any = None, failed: Any = None
    ) -> int:
        """Takes in trials that were made elsewhere, of the same objective: a colleague's, or those of another search.

        They count as told: learned from, not proposed again, recommended if they are best. They count to the initial
        set too; where there are as many as that, the strategy chooses at once. What is known already is left out, and
        of several values of one training the first counts.

        Example:
            >>> from predictornas import RandomSearch, Search, get_space
            >>> search = Search(get_space("nasbench201"), RandomSearch(initial=3, batch=2), seed=0)
            >>> search.add([[3, 0, 4, 3, 0, 1], [3, 3, 3, 3, 3, 3]], [0.9, 0.94])
            2
            >>> len(search.ask()), search.recommend().tolist()  # one is left of three to begin with
            (1, [[3, 3, 3, 3, 3, 3]])

        Args:
            genes: `(k, g)`, such as `predictornas.search.trials.read_trials` gives.
            values: as for `tell`, on the scale of those that are told.
            epochs: as for `tell`; by default the scheduler's first level, or 0 where there is none.
            costs: as for `tell`.
            failed: as for `tell`.

        Returns:
            How many were taken in.

        Raises:
            ConfigurationError, InvalidArchitectureError, StoreError: as for `tell`.
        """
        genes = require_members(self.space, genes)
        epochs = np.zeros(len(genes)) if epochs is None else epochs
        given = Given(genes, values, epochs, costs, failed, by="add()")
        results = checked(self.space, self.history, given, otherwise=self._entry, twice=True)
        new = unknown_rows(self._known(self.history), results)
        if len(new):
            event = {"kind": "add", "genes": genes[new], **vars(results.rows(new))}
            self._refuse_what_no_scheduler_planned(event, given)
            self._record(event)
            self._reporter.evaluated(self.history, len(new))
        return len(new)

    def report(self, proposal: Proposal) -> None:
        """Lets observers hear of a proposal that is going to be evaluated; `ask` does that itself."""
        self._reporter.proposed(self.history, self.iteration, proposal)

    def report_end(self) -> None:
        """Lets observers hear that the run has ended; `close` and `run` do that themselves."""
        if self._reporter.observers:
            try:
                recommended = self.space.describe(self.recommend()[0])
            except ConfigurationError:  # nothing was evaluated, or all failed
                recommended = None
            self._reporter.ended(self.history, recommended)

    def drop(self, genes: Genes) -> None:
        """Gives up what is in flight, such as what a dead worker had: it may be proposed again.

        Args:
            genes: `(k, g)`, asked for and not told yet.

        Raises:
            ConfigurationError: an architecture is not in flight; names it.
            StoreError: as for `tell`.
        """
        genes = require_members(self.space, genes)
        keys = self.space.keys(genes)
        here = np.isin(keys, self.history.pending_keys)
        if not here.all():
            raise ConfigurationError(
                f"{self.space.describe(genes[here.argmin()])} is not in flight, so it cannot be dropped. "
                f"{len(self.history.pending)} architectures are: see history.pending."
            )
        self._record({"kind": "drop", "keys": keys})

    @property
    def _is_starting(self) -> bool:
        """Whether iteration 0 goes on: T0 is not all asked for, or nothing of it was told yet."""
        told, asked = len(self.history), len(self.history.pending)
        return self.iteration == 0 and (told + asked < self.strategy.initial or not told)

    @property
    def _next(self) -> int:
        """The iteration that is asked for next."""
        return self.iteration + int(self._was_asked and not self._is_starting)

    @property
    def _entry(self) -> int:
        """Epochs of what nobody asked for: those of a scheduler's newcomers, or 0, which are the oracle's own."""
        return 0 if self._scheduler is None else self._scheduler.entry

    @property
    def _scheduler(self) -> Scheduler | None:
        return scheduler_of(self.strategy)

    def _known(self, history: History) -> History:
        """With the trials that the strategy knows."""
        return self.strategy.known(self.space, history) if isinstance(self.strategy, WithTrials) else history

    def _refuse_what_no_scheduler_planned(self, event: Mapping[str, Any], given: Given) -> None:
        """A scheduler goes by the levels in a history alone: what it cannot read would stop the search for good."""
        if self._scheduler is None:
            return
        try:
            after = with_results(self.history, event, np.zeros(len(event["keys"]), np.int64))
            plan_of(self._scheduler, self._known(after))
        except DataError as error:
            raise ConfigurationError(
                f"{given.by} got a length that does not go with the scheduler of this search, which trains newcomers "
                f"for {self._entry} epochs: {error}"
            ) from error

    def _pinned(self) -> AbstractContextManager[None]:
        """One thread while the strategy computes, so that what it proposes is the same in every process."""
        return one_thread() if getattr(self.strategy, "computes", True) else nullcontext()

    def _record(self, event: dict[str, Any]) -> None:
        """Lets something happen once it is on disk."""
        if self._folder is not None:
            self._folder.append(event)
        self._happened(event)

    def _happened(self, event: Mapping[str, Any]) -> None:
        """What an ask, a tell, a drop or an add does, now or when it is read from a folder."""
        keys = np.array(event["keys"], np.uint64)
        if event["kind"] == "ask":
            rest = [event[name] for name in ("iteration", "epochs", "worker", "since")]
            rows = zip(keys.tolist(), np.asarray(event["genes"]).tolist(), strict=True)
            asked = [Pending(key, tuple(genes), *rest) for key, genes in rows]
            self.history = self.history.with_pending([*self.history.pending, *asked])
            self.iteration, self._was_asked = event["iteration"], True
            return
        landed = self._landed(event, keys)
        if landed:
            self.history = self.history.with_pending(each for each in self.history.pending if each not in landed)
        if event["kind"] == "add":
            earlier = np.full(len(keys), max(self.iteration - 1, 0), np.int64)
            self.history = with_results(self.history, event, earlier)
            if self.iteration == 0 and not self._is_starting:
                self.iteration, self._was_asked = 1, False
        elif event["kind"] == "tell":
            proposed = {each.key: each.iteration for each in landed}
            new = [key for key in keys.tolist() if key not in proposed]
            # what somebody else's result landed may be told again; that is no reason to cut T0 short
            unasked = bool(new) and not (self.iteration == 0 and all(key in self.history for key in new))
            iterations = [proposed.get(key, self.iteration) for key in keys.tolist()]
            self.history = with_results(self.history, event, np.array(iterations, np.int64))
            if unasked or (self.iteration in iterations and not self._is_starting):
                self.iteration, self._was_asked = self.iteration + 1, False

    def _landed(self, event: Mapping[str, Any], keys: Keys) -> set[Pending]:
        """What is in flight no longer after a tell, a drop or an add.

        A result of another length than the one that was asked for is another training's. Where the length was left to
        whoever evaluates, any result is that one: evaluated again, it could have its value already.
        """
        if event["kind"] == "drop":
            dropped = set(keys.tolist())
            return {each for each in self.history.pending if each.key in dropped}
        told = set(zip(keys.tolist(), np.asarray(event["epochs"]).tolist(), strict=True))
        of_any_length = set(keys.tolist())
        return {
            each
            for each in self.history.pending
            if (each.key in of_any_length if each.epochs is None else (each.key, each.epochs) in told)
        }


def _strategy(given: Any) -> Strategy:
    """A strategy, also from the name of a method."""
    if isinstance(given, str):
        from predictornas.search.methods import get_preset, get_strategy  # they need what a search rarely does

        return get_strategy(given, get_preset("default"))
    if not isinstance(given, Strategy):
        raise ConfigurationError(
            f"{type(given).__name__} is no strategy. Give the name of a method, such as 'bayesian-optimisation', or an "
            "object with initial, batch and propose()."
        )
    return given


@dataclass(frozen=True)
class Step:
    """One iteration that has been evaluated."""

    iteration: int
    proposal: Proposal
    evaluations: Evaluations


def iterate(search: Search, oracle: Oracle, budget: int) -> Iterator[Step]:
    """Runs a search one iteration at a time, so that logging and stopping stay with the caller.

    Example:
        >>> from predictornas import RandomSearch, Search, TabularOracle, iterate, open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> search = Search(table.space, RandomSearch(initial=3, batch=2), seed=0)
        >>> for step in iterate(search, TabularOracle(table), budget=6):
        ...     print(step.iteration, len(step.proposal), len(step.evaluations))
        0 3 3
        1 2 2
        2 1 1

    Args:
        search: the run to drive.
        oracle: answers with the signal.
        budget: evaluations in all, T0 included. Ends earlier where the space is exhausted.
    """
    while len(search.history) < budget:
        iteration = search.iteration
        proposal = search.propose(budget - len(search.history))
        if not len(proposal):
            return
        search.report(proposal)
        evaluations = oracle.evaluate(proposal.genes, proposal.epochs, rng_for(search.seed, iteration, "oracle"))
        search.tell(proposal.genes, evaluations.value, epochs=evaluations.epochs, costs=evaluations.costs)
        yield Step(iteration, proposal, evaluations)


def run(search: Search, oracle: Oracle, budget: int) -> History:
    """Runs a search to the end of its budget and returns its history."""
    for _ in iterate(search, oracle, budget):
        pass
    search.report_end()
    return search.history
