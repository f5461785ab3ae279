"""A search whose workers never wait for each other: each that is free gets the next architecture at once."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictornas.errors import ConfigurationError, OutOfMemoryError, PredictorNASError, WorkerLostError
from predictornas.executors.base import Landed, nothing
from predictornas.history import History, Pending
from predictornas.oracles.elsewhere import Evaluator
from predictornas.search.budget import affordable
from predictornas.search.loop import Search
from predictornas.search.strategies import Proposal

OF_ONE = (OutOfMemoryError, WorkerLostError)
"""Errors of this package that are the failure of one training."""

HOPELESS = 10
"""Failures without a single success after which a call gives up: something else is wrong than an architecture."""


def run_asynchronously(
    search: Search,
    evaluator: Evaluator,
    *,
    evaluations: int | None = None,
    epochs: int | None = None,
    hours: float | None = None,
    advance: Callable[[int], None] = nothing,
) -> History:
    """Keeps every worker at work until a limit: each result is told when it comes, and whoever is free gets the next.

    T0 is asked for at once, everything after it one by one, so that each proposal knows all that was told and what is
    in flight. What is proposed is a function of the seed and of the order of asks and tells. Of a search from
    `Search.open` each of them is on disk before it counts: killed and run again, it evaluates first what was in flight.

    A training that fails is told as failed, with what it raised, and costs no other. An error of this package raised
    on purpose (a device that is not there, a full disk) ends the run, because every training would meet it: what is in
    flight stays so. Memory that did not suffice and a process that died belong to the one training.

    Example:
        >>> from predictornas import Elsewhere, RandomSearch, Search, TabularOracle, open_benchmark, run_asynchronously
        >>> from predictornas.executors import get_executor
        >>> table = open_benchmark("nasbench101-digits")
        >>> search = Search(table.space, RandomSearch(initial=4), seed=0)
        >>> two = Elsewhere(TabularOracle(table), get_executor("processes", workers=2))
        >>> len(run_asynchronously(search, two, evaluations=6))
        6

    Args:
        search: new, or one that goes on.
        evaluator: who evaluates.
        evaluations: in all, those that failed or were told before included; None for no limit.
        epochs: in all, counted as if each training went to its end; None for no limit. A training that would go beyond
            it is not begun.
        hours: after which this call stops; what is in flight then stays so, and another call goes on with it. None for
            no limit.
        advance: told of epochs, where these are limited, else of evaluations, that are done, earlier ones included.

    Returns:
        The history of the search.

    Raises:
        ConfigurationError: no limit, or one that is not above 0; or epochs are limited and the strategy does not say
            how many each training takes.
        PredictorNASError: what an evaluation raised that is no failure of one architecture; or the first ten all
            failed.
        StoreError: as for `Search.tell`.
    """
    refuse_no_limits(evaluations, epochs, hours)
    account = _Account(evaluations, epochs, getattr(evaluator, "resumes", False), advance)
    account.tell(search.history)
    end = math.inf if hours is None else time.monotonic() + 3600 * hours
    waiting, running = deque(search.history.pending), dict[Path, Pending]()
    succeeded, failures = False, 0
    with evaluator.crew() as crew:
        while True:
            while crew.has_room() and (asked := _next(search, waiting, account)) is not None:
                task = evaluator.task(asked)
                running[task.target] = asked
                crew.send(task)
            left = end - time.monotonic()
            if not running or left <= 0:
                return search.history
            for landed in crew.landed(None if hours is None else left):
                succeeded |= _tell(search, running.pop(landed.task.target), landed)
                account.tell(search.history)
                failures += not succeeded
                if failures == HOPELESS and not succeeded:
                    raise PredictorNASError(
                        f"The first {HOPELESS} trainings all failed, the last one so: "
                        f"{search.history.failures[len(search.history) - 1]}. Find out why, then start again: they "
                        "stay failures, and others are trained."
                    ) from landed.error


@dataclass
class _Account:
    """What a run may have, and what it has.

    Attributes:
        evaluations: in all.
        epochs: in all.
        resumes: whether a training pays only for epochs that a shorter one of the same architecture did not.
        advance: told of what is done.
        done: epochs, or evaluations, that it was told of.
    """

    evaluations: int | None
    epochs: int | None
    resumes: bool
    advance: Callable[[int], None]
    done: int = 0

    def affordable(self, history: History, proposal: Proposal) -> Proposal:
        """The first architectures of a proposal, as many as there are epochs left for."""
        if self.epochs is None:
            return proposal
        flying = [(each.key, each.epochs or 0) for each in history.pending]
        trained = self._trained([*_told(history), *flying])
        left = self.epochs - sum(trained.values())
        return affordable(proposal, left, lambda key: trained[key] if self.resumes else 0)

    def tell(self, history: History) -> None:
        """Lets `advance` know."""
        done = len(history) if self.epochs is None else sum(self._trained(_told(history)).values())
        if done > self.done:
            self.advance(done - self.done)
            self.done = done

    def _trained(self, trainings: Iterable[tuple[int, int]]) -> Counter[int]:
        """Epochs by architecture."""
        trained = Counter[int]()
        for key, epochs in trainings:
            trained[key] = max(trained[key], epochs) if self.resumes else trained[key] + epochs
        return trained


def _told(history: History) -> Iterable[tuple[int, int]]:
    return zip(history.keys.tolist(), history.epochs.tolist(), strict=True)


def refuse_no_limits(evaluations: int | None, epochs: int | None, hours: float | None) -> None:
    """Refuses limits with which a search would never end, or never begin.

    Raises:
        ConfigurationError: no limit, or one that is not above 0.
    """
    limits = [limit for limit in (evaluations, epochs, hours) if limit is not None]
    if not limits or not all(limit > 0 for limit in limits):
        raise ConfigurationError(
            f"An asynchronous search ends after evaluations, epochs or hours above 0, not after {evaluations=}, "
            f"{epochs=}, {hours=}."
        )


def _next(search: Search, waiting: deque[Pending], account: _Account) -> Pending | None:
    """What a free worker gets: what nobody evaluates though it is in flight, or else the next proposal."""
    if not waiting:
        waiting.extend(_asked(search, account))
    return waiting.popleft() if waiting else None


def _asked(search: Search, account: _Account) -> tuple[Pending, ...]:
    """All that is left of T0, else one more; nothing where a limit or the space ends that."""
    flying = len(search.history.pending)
    known = len(search.history) + flying
    most = max(1, search.strategy.initial - known)
    if account.evaluations is not None and (most := min(most, account.evaluations - known)) < 1:
        return ()
    search.take(account.affordable(search.history, search.propose(most)))
    return search.history.pending[flying:]


def _tell(search: Search, asked: Pending, landed: Landed) -> bool:
    """Tells the search what became of an evaluation; whether it has a value."""
    genes, error = np.array([asked.genes], np.int8), landed.error
    if error is None:
        found = landed.result
        search.tell(genes, found.value, epochs=found.epochs, costs=found.costs)
        if asked in search.history.pending:  # it was trained to another length than was asked for
            search.drop(genes)
        return bool(np.isfinite(found.value).all())
    ours = isinstance(error, PredictorNASError) and not isinstance(error, OF_ONE)
    if ours or not isinstance(error, Exception | SystemExit):
        raise error
    search.tell(genes, failed=error)
    return False
