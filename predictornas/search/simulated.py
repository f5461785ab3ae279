"""A search on a simulated cluster: workers that train for as long as a table says, in the table's time, not in ours."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.oracles.base import Oracle
from predictornas.search.loop import Search
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes


class SimulatedTraining(NamedTuple):
    """One training on a simulated cluster.

    Attributes:
        key: identity of the architecture.
        value: what was told of it.
        worker: who trained it, 0, 1, ...
        begun: seconds after the search began.
        ended: likewise.
    """

    key: int
    value: float
    worker: int
    begun: float
    ended: float


@dataclass(frozen=True)
class Cluster:
    """Workers, and how a search makes use of them.

    Example:
        >>> from predictornas import RandomSearch, Search, TabularOracle, open_benchmark
        >>> from predictornas.search.simulated import Cluster, utilisation
        >>> table = open_benchmark("nasbench101-digits")
        >>> search = Search(table.space, RandomSearch(initial=4, batch=4), seed=0)
        >>> trainings = Cluster(workers=4).run(search, TabularOracle(table), 40)
        >>> len(trainings), round(utilisation(trainings, 4), 2)
        (40, 1.0)
        >>> search = Search(table.space, RandomSearch(initial=4, batch=4), seed=0)
        >>> in_batches = Cluster(workers=4, synchronous=True).run(search, TabularOracle(table), 40)
        >>> utilisation(in_batches, 4) < 0.9
        True

    Attributes:
        workers: how many there are.
        synchronous: whether all workers wait for the slowest and are then asked for together. Otherwise each asks for
            one architecture as soon as it is free, while the others train.
        asking: seconds that one `Search.ask` takes; one process answers all workers, one after the other.

    Raises:
        ConfigurationError: no workers, or a negative time.
    """

    workers: int
    synchronous: bool = False
    asking: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 1 or not self.asking >= 0:
            raise ConfigurationError(f"A cluster has at least one worker and asks in no negative time, not {self}.")

    def run(self, search: Search, oracle: Oracle, budget: int) -> list[SimulatedTraining]:
        """Asks and tells a fresh search until `budget` trainings have ended.

        Args:
            search: the search; what it has in flight is in its history while it is asked.
            oracle: answers with the signal and the seconds of each training.
            budget: trainings in all; fewer where the space is exhausted.

        Returns:
            All trainings in the order in which they ended.

        Raises:
            ConfigurationError: the oracle does not know how long a training takes.
        """
        return (_in_batches if self.synchronous else _one_by_one)(self, search, oracle, budget)


def utilisation(trainings: Sequence[SimulatedTraining], workers: int) -> float:
    """The share of the workers' time that was spent on training, until no training was left to begin.

    Who has nothing left to do at the very end is not idle for want of an answer, so the time after the last training
    began does not count.

    Args:
        trainings: of one search, all of them.
        workers: how many there were.

    Example:
        >>> from predictornas.search.simulated import SimulatedTraining, utilisation
        >>> first, second = SimulatedTraining(1, 0.5, 0, 0.0, 3.0), SimulatedTraining(2, 0.5, 1, 0.0, 1.0)
        >>> utilisation([first, second, SimulatedTraining(3, 0.5, 1, 2.0, 9.0)], 2)
        0.75

    Raises:
        ConfigurationError: no time has passed before the last training began.
    """
    end = max((training.begun for training in trainings), default=0.0)
    if not end:
        raise ConfigurationError("All trainings begin at once, so nobody could have waited. Give more than workers.")
    busy = sum(min(training.ended, end) - training.begun for training in trainings)
    return busy / (workers * end)


def _one_by_one(cluster: Cluster, search: Search, oracle: Oracle, budget: int) -> list[SimulatedTraining]:
    running: list[tuple[float, int, SimulatedTraining, Genes]] = []  # the next to end first
    free = deque((0.0, worker) for worker in range(cluster.workers))  # since when, the longest first
    ended: list[SimulatedTraining] = []
    begun, answered, in_vain = 0, 0.0, False
    while begun < budget or running:
        ready = max(answered, free[0][0]) if free and begun < budget and not in_vain else math.inf
        if running and running[0][0] <= ready:  # what has ended is told before anybody asks
            _, _, training, genes = heapq.heappop(running)
            search.tell(genes, [training.value])
            ended.append(training)
            free.append((training.ended, training.worker))
            in_vain = False
            continue
        trained = _asked(search, oracle, 1, free[0][1], ready + cluster.asking)
        if not trained:
            if not running:
                break
            in_vain = True  # nothing is left that is not in flight, but a scheduler may promote what lands
            continue
        (training, genes), answered, begun = trained[0], trained[0][0].begun, begun + 1
        free.popleft()
        heapq.heappush(running, (training.ended, begun, training, genes))
    return ended


def _in_batches(cluster: Cluster, search: Search, oracle: Oracle, budget: int) -> list[SimulatedTraining]:
    ended: list[SimulatedTraining] = []
    now = 0.0
    while len(ended) < budget:
        batch: list[tuple[SimulatedTraining, Genes]] = []
        wanted = min(cluster.workers, budget - len(ended))
        while len(batch) < wanted:
            asked = _asked(search, oracle, wanted - len(batch), len(batch), now + cluster.asking)
            if not asked:
                break
            batch += asked
        if not batch:
            break
        search.tell(np.concatenate([genes for _, genes in batch]), [training.value for training, _ in batch])
        ended += sorted((training for training, _ in batch), key=lambda training: training.ended)
        now = ended[-1].ended
    return ended


def _asked(
    search: Search, oracle: Oracle, at_most: int, worker: int, now: float
) -> list[tuple[SimulatedTraining, Genes]]:
    """Trainings that begin now on one worker after the other, each with its `(1, g)` genes."""
    proposal = search.ask(at_most, worker=str(worker))
    if not len(proposal):
        return []
    # T0 is asked for piece by piece in one iteration, and no two pieces may draw the same noise
    number = len(search.history) + len(search.history.pending)
    found = oracle.evaluate(proposal.genes, proposal.epochs, rng_for(search.seed, number, "oracle"))
    if not np.isfinite(found.cost_seconds).all():
        raise ConfigurationError(
            "The oracle does not know how long a training takes. Take a table with training seconds, such as "
            "nasbench201-cifar10 or nasbench101-val30k."
        )
    rows = zip(proposal.keys.tolist(), found.value.tolist(), found.cost_seconds.tolist(), strict=True)
    return [
        (SimulatedTraining(key, value, worker + row, now, now + seconds), proposal.genes[row : row + 1])
        for row, (key, value, seconds) in enumerate(rows)
    ]
