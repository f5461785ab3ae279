"""Searches on simulated clusters, with trainings whose times are worked out by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.oracles.base import Evaluations
from predictornas.schedulers.nosh import NOSH
from predictornas.search.loop import Search
from predictornas.search.scheduled import Scheduled
from predictornas.search.simulated import Cluster, SimulatedTraining, utilisation
from predictornas.search.strategies import RandomSearch
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space


class Lasting:
    """An oracle whose trainings last as long as it is told, in the order in which they are asked for."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        taken, self.seconds = self.seconds[: len(genes)], self.seconds[len(genes) :]
        unknown = np.full(len(genes), np.nan)
        return Evaluations(np.array(taken) / 10, np.zeros(len(genes), np.int64), np.array(taken), unknown)


def trained(cluster: Cluster, oracle: Lasting, budget: int) -> list[tuple[int, float, float]]:
    search = Search(get_space("nasbench201"), RandomSearch(initial=2, batch=2), seed=0)
    trainings = cluster.run(search, oracle, budget)
    assert len({training.key for training in trainings}) == budget
    assert not search.history.pending
    assert search.history.keys.tolist() == [training.key for training in trainings] or cluster.synchronous
    return [(training.worker, training.begun, training.ended) for training in trainings]


def test_who_is_free_asks_while_the_others_train() -> None:
    """Worker 0 trains 5 s, worker 1 meanwhile 1 and 3 s; at 4 s worker 1 takes the last one."""
    assert trained(Cluster(2), Lasting(5, 1, 3, 2), 4) == [(1, 0, 1), (1, 1, 4), (0, 0, 5), (1, 4, 6)]


def test_all_wait_for_the_slowest_of_a_batch() -> None:
    both = trained(Cluster(2, synchronous=True), Lasting(5, 1, 3, 2), 4)
    assert both == [(1, 0, 1), (0, 0, 5), (1, 5, 7), (0, 5, 8)]


def test_one_process_answers_all_who_ask() -> None:
    """Two ask at 0 s, each answer takes 1 s. Who has ended by the time of an answer is told before."""
    assert trained(Cluster(2, asking=1.0), Lasting(4, 3, 1), 3) == [(0, 1, 5), (1, 2, 5), (0, 6, 7)]
    together = trained(Cluster(2, synchronous=True, asking=1.0), Lasting(4, 3, 1), 3)
    assert together == [(1, 1, 4), (0, 1, 5), (0, 6, 7)]


def test_a_search_ends_where_its_space_does() -> None:
    space = get_space("nasbench201")
    few = space.restricted_to(space.keys(space.sample(3, np.random.default_rng(0))))
    for synchronous in (False, True):
        search = Search(few, RandomSearch(initial=2, batch=2), seed=0)
        assert len(Cluster(2, synchronous=synchronous).run(search, Lasting(*range(1, 9)), 8)) == 3


def test_one_worker_alone_searches_the_same_either_way() -> None:
    keys = []
    for synchronous in (False, True):
        search = Search(get_space("nasbench201"), RandomSearch(initial=2, batch=1), seed=3)
        keys.append([training.key for training in Cluster(1, synchronous).run(search, Lasting(*[1.0] * 6), 6)])
    assert keys[0] == keys[1]


def test_the_time_after_the_last_training_began_is_nobodys_fault() -> None:
    """Until 4 s: worker 0 is busy for 4 s, worker 1 for 2 s of it."""
    trainings = [SimulatedTraining(1, 0, 1, 0, 2), SimulatedTraining(2, 0, 0, 0, 9), SimulatedTraining(3, 0, 1, 4, 5)]
    assert utilisation(trainings, 2) == 6 / 8
    with pytest.raises(ConfigurationError, match="begin at once"):
        utilisation(trainings[:2], 2)


def test_what_no_cluster_can_do_is_refused() -> None:
    search = Search(get_space("nasbench201"), RandomSearch(initial=2, batch=2), seed=0)
    with pytest.raises(ConfigurationError, match="how long a training takes"):
        Cluster(2).run(search, Lasting(np.nan, 1.0), 2)
    for wrong in ({"workers": 0}, {"workers": 1, "asking": -1.0}):
        with pytest.raises(ConfigurationError, match="at least one worker"):
            Cluster(**wrong)


@pytest.mark.parametrize("synchronous", [False, True])
def test_no_two_trainings_draw_the_same_noise(synchronous: bool) -> None:
    """Also those of T0, which are asked for one by one within an iteration."""

    class Noisy(Lasting):
        drawn: list[float]

        def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            self.drawn.append(float(rng.random()))
            return super().evaluate(genes, epochs, rng)

    oracle = Noisy(*[1.0] * 8)
    oracle.drawn = []
    search = Search(get_space("nasbench201"), RandomSearch(initial=4, batch=4), seed=0)
    Cluster(workers=3, synchronous=synchronous).run(search, oracle, 8)
    assert len(oracle.drawn) > 2
    assert len(set(oracle.drawn)) == len(oracle.drawn)


@pytest.mark.parametrize("workers", [1, 3, 8])
def test_promotions_that_land_late_are_made(workers: int) -> None:
    """Eight architectures, of which half go on twice: nothing is left to ask for while the first of them train."""

    class Counting:
        resumes = True

        def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
            values = (genes == 3).mean(axis=1) + 0.01 * genes[:, 0]
            seconds = (1.0 + genes[:, 0]) * float(epochs or 0)
            return Evaluations(values, np.full(len(genes), epochs), seconds, np.full(len(genes), np.nan))

    space = get_space("nasbench201")
    eight = space.restricted_to(space.enumerated_keys()[::2000][:8])
    search = Search(eight, Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3, 9))), seed=0)
    Cluster(workers).run(search, Counting(), 100)
    assert Counter(search.history.epochs.tolist()) == {1: 8, 3: 4, 9: 2}
