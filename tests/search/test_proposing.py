from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.schedulers.nosh import NOSH
from predictornas.search.evolution import RegularisedEvolution
from predictornas.search.local_search import LocalSearch, neighbours
from predictornas.search.loop import Search
from predictornas.search.one_shot import OneShot
from predictornas.search.proposing import initial
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, Proposal, RandomSearch, Strategy
from predictornas.spaces.base import Genes, SearchSpace
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingPredictor, DenoisingPredictor

SPACE = get_space("nasbench201")
GUIDED = PredictorSearch(CountingPredictor(), Uniform(), pool_size=50, initial=6, batch=3)


def told(search: Search, proposal: Proposal) -> None:
    search.tell(proposal.genes, proposal.genes.mean(axis=1), epochs=[proposal.epochs or 0] * len(proposal))


def after(strategy: Strategy, space: SearchSpace = SPACE) -> Search:
    """A search whose T0 was told."""
    search = Search(space, strategy, seed=0)
    told(search, search.ask())
    return search


def test_t0_is_asked_for_piece_by_piece() -> None:
    search = Search(SPACE, GUIDED, seed=1)
    pieces = [search.ask(2) for _ in range(3)]
    assert [piece.proposed_by for piece in pieces] == ["initial"] * 3
    assert [each.iteration for each in search.history.pending] == [0] * 6
    keys = np.concatenate([piece.keys for piece in pieces])
    assert len(np.unique(keys)) == 6
    whole = initial(GUIDED, SPACE, 6, seed=1)
    assert np.isin(keys[2:], whole.keys).all()
    told(search, pieces[1])
    assert search.iteration == 1  # whoever asks now has something to learn from
    assert search.ask().proposed_by == "uniform"
    assert {each.iteration for each in search.history.pending} == {0, 1}


def test_a_part_of_t0_that_was_told_does_not_end_it() -> None:
    search = Search(SPACE, GUIDED, seed=1)
    told(search, search.ask(1))
    assert search.iteration == 0
    assert len(search.ask()) == 5
    assert search.iteration == 0


def test_whoever_asks_before_anything_was_told_gets_random_architectures() -> None:
    search = Search(SPACE, Scheduled(GUIDED, NOSH((1, 3))), seed=1)
    proposals = [search.ask() for _ in range(3)]
    assert [(len(each), each.proposed_by, each.epochs) for each in proposals] == [
        (6, "initial", 1),
        (3, "uniform", 1),
        (3, "uniform", 1),
    ]
    assert len({each.key for each in search.history.pending}) == 12


STRATEGIES: list[Strategy] = [
    RandomSearch(initial=6, batch=3),
    LocalSearch(initial=6),
    RegularisedEvolution(population=6, tournament=2),
    GUIDED,
    PredictorSearch(CountingPredictor(), Exhaustive(), initial=6, batch=3),
    OneShot(CountingPredictor(), Uniform(), pool_size=30, initial=6, batch=3),
]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_in_flight_is_not_proposed_again_and_the_best_others_are(strategy: Strategy) -> None:
    search = after(strategy)
    pending = [search.ask() for _ in range(3)]
    keys = np.concatenate([each.keys for each in pending])
    assert len(np.unique(keys)) == len(keys) == 3 * strategy.batch
    assert [each.iteration for each in search.history.pending][:: strategy.batch] == [1, 2, 3]
    told(search, pending[2])
    assert {each.key for each in search.history.pending} == set(np.concatenate([p.keys for p in pending[:2]]).tolist())
    assert set(search.history.iterations.tolist()) == {0, 3}


def test_four_workers_have_the_four_best_of_a_ranking_between_them() -> None:
    strategy = PredictorSearch(CountingPredictor(), Exhaustive(), initial=6, batch=4)
    search = after(strategy)
    best = search.propose()
    one_by_one = [search.ask(1).keys[0] for _ in range(4)]
    np.testing.assert_array_equal(one_by_one, best.keys)


def test_local_search_has_all_neighbours_of_the_best_in_flight_before_it_goes_elsewhere() -> None:
    search = after(LocalSearch(initial=2))
    best, second = (search.history.genes[row] for row in search.history.best(2))
    around = neighbours(SPACE, best.tobytes())[1]  # type: ignore[arg-type]
    next_around = neighbours(SPACE, second.tobytes())[1]  # type: ignore[arg-type]
    unseen = int((~np.isin(around, search.history.keys)).sum())
    keys = [search.ask().keys[0] for _ in range(unseen + 1)]
    assert np.isin(keys[:unseen], around).all()
    assert keys[unseen] in next_around


@dataclass
class Expecting(CountingPredictor):
    """Scores nothing, and is unsure of whatever has other first genes than what it expects."""

    expected: tuple[int, ...] = ()

    def predict(self, genes: Genes) -> np.ndarray:
        return np.zeros(len(genes))

    def predict_std(self, genes: Genes) -> np.ndarray:
        return np.where(np.isin(genes[:, 0], self.expected), 0.0, 5.0 - genes[:, 0])

    def expecting(self, genes: Genes) -> Expecting:
        return Expecting(expected=tuple(genes[:, 0].tolist()))


def test_a_predictor_that_can_is_told_what_is_in_flight() -> None:
    search = after(PredictorSearch(Expecting(), Exhaustive(), initial=6, batch=1, exploration=1.0))
    assert [int(search.ask().genes[0, 0]) for _ in range(3)] == [0, 1, 2]
    told(search, Proposal(search.history.pending_genes[:1], search.history.pending_keys[:1], "x"))
    assert int(search.ask().genes[0, 0]) == 0


def test_at_the_end_of_a_space_the_rest_is_in_flight() -> None:
    small = SPACE.restricted_to(SPACE.enumerated_keys()[:12])
    search = after(GUIDED, small)
    assert [len(search.ask()) for _ in range(4)] == [3, 3, 0, 0]
    search.drop(search.history.pending_genes[:2])
    dropped = set(small.keys(small.enumerate()).tolist()) - {each.key for each in search.history.pending}
    assert set(search.ask().keys.tolist()) <= dropped


def test_only_what_is_in_flight_can_be_dropped() -> None:
    search = after(GUIDED)
    with pytest.raises(ConfigurationError, match=r"\|\+.* is not in flight.*0 architectures are"):
        search.drop(search.history.genes[:1])


def test_failures_are_the_worst_for_a_strategy_and_no_result() -> None:
    class Recorder:
        initial, batch, computes = 3, 1, False
        seen: History

        def propose(self, space: SearchSpace, history: History, n: int, *, seed: int, iteration: int) -> Proposal:
            self.seen = history
            return initial(self, space, n + 3, seed=5)

    search = Search(SPACE, Recorder(), seed=0)
    proposal = search.ask()
    search.tell(proposal.genes, [0.25, np.nan, 0.5], failed=[None, "no memory", None])
    search.ask()
    seen = search.strategy.seen  # type: ignore[attr-defined]
    assert seen.values.tolist() == [0.25, 0.25, 0.5]
    assert seen.failed.tolist() == [False, True, False]
    np.testing.assert_array_equal(search.history.values, [0.25, np.nan, 0.5])


def test_a_failure_is_never_recommended_however_well_it_is_predicted() -> None:
    strategy = PredictorSearch(DenoisingPredictor(), Uniform(), pool_size=50, initial=6, smoothed=True)
    search = Search(SPACE, strategy, seed=0)
    genes = search.ask().genes[np.argsort(search.history.pending_genes.sum(axis=1))]
    values = genes.mean(axis=1)
    search.tell(genes, values, failed=[None] * 5 + ["killed"])  # the best of all
    row = search.opinion()
    assert row is not None
    assert row != 5
    failed = Search(SPACE, strategy, seed=0)
    failed.tell(failed.ask().genes, failed="killed")
    assert failed.opinion() is None
    with pytest.raises(ConfigurationError, match="Every training failed"):
        failed.recommend()
    assert failed.ask().proposed_by == "uniform"  # there is nothing to learn from


def test_a_failure_is_not_promoted_and_holds_up_nobody() -> None:
    search = Search(SPACE, Scheduled(RandomSearch(initial=4, batch=2), NOSH((1, 3))), seed=0)
    genes = search.ask().genes
    search.tell(genes, [0.1, 0.2, 0.3, 0.4], failed=[None, None, "killed", "killed"])
    assert search.history.epochs.tolist() == [1] * 4
    promoted = search.ask()
    assert (promoted.epochs, promoted.genes.tolist()) == (3, genes[[1, 0]].tolist())
    newcomers = search.ask()
    assert (newcomers.epochs, len(newcomers), newcomers.proposed_by) == (1, 2, "random")
    search.tell(newcomers.genes, failed="killed")
    assert search.ask().epochs == 1  # a third promotion is due, and only failures wait
    search.tell(genes[2:3], [0.35])  # tried again by hand
    assert search.ask().genes.tolist() == genes[2:3].tolist()
