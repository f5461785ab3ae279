"""Bayesian optimisation of several objectives: the greedy choice by hand, and that limits and reading count."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float

from predictornas.errors import ConfigurationError
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.gcn import GCN
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.search.loop import Search
from predictornas.search.objectives.front_search import FrontSearch, greedily, in_ranges
from predictornas.search.objectives.quantities import Goal
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space

FRONT = np.array([[0.0, 1.0], [1.0, 0.0]])


class Threes:
    """Reads how many genes are 3."""

    def read(self, genes: Genes) -> Float[np.ndarray, "n k"]:
        return (genes == 3).sum(axis=1, keepdims=True).astype(np.float64)


def searching(quantities: tuple[Goal, ...]) -> FrontSearch:
    process = GaussianProcess(width=8, relevances=False, degrees_of_freedom=None)
    return FrontSearch(
        quantities, Threes(), process, Evolutionary(mutants=1.0, rate=0.3), pool_size=60, initial=8, batch=6
    )


def test_the_greatest_gain_comes_first_and_the_next_counts_what_it_adds() -> None:
    hopes = np.array([[0.5, 0.5], [0.45, 0.55], [0.0, 0.9], [2.0, 2.0]])
    # reference (2, 2): alone they add .25, .2475 and .1; after the first the second adds .05 * .45 = .0225
    assert greedily(FRONT, hopes, np.ones(4), 3, margin=1.0).tolist() == [0, 2, 1]


def test_without_any_gain_the_one_that_lacks_least_is_next() -> None:
    hopes = np.array([[0.5, 1.3], [0.2, 1.1], [0.3, 1.2]])
    assert greedily(FRONT, hopes, np.ones(3), 2, margin=1.0).tolist() == [1, 2]


def test_a_candidate_that_surely_breaks_a_limit_is_last() -> None:
    hopes = np.array([[0.1, 0.1], [0.9, 0.9], [1.5, 1.5]])
    assert greedily(FRONT, hopes, np.array([0.0, 1.0, 1.0]), 3, margin=1.0).tolist() == [1, 2, 0]


def test_the_front_spans_zero_to_one() -> None:
    front, hopes = in_ranges(np.array([[2.0, 8.0], [4.0, 4.0], [4.0, 9.0]]), np.array([[3.0, 2.0]]))
    assert front.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert hopes.tolist() == [[0.5, -0.5]]


def test_with_nothing_within_the_limits_the_hopes_give_the_range() -> None:
    front, hopes = in_ranges(np.empty((0, 2)), np.array([[1.0, 1.0], [3.0, 2.0]]))
    assert len(front) == 0
    assert hopes.tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.slow
def test_later_proposals_are_better_and_what_is_known_is_read() -> None:
    space = get_space("nasbench201")
    search = Search(space, searching((Goal("distance"), Goal("threes", known=True))), seed=0)
    while len(search.history) < 26:
        genes = search.ask().genes
        costs = np.column_stack([(genes != 1).sum(axis=1), (genes == 3).sum(axis=1)]).astype(np.float64)
        search.tell(genes, np.zeros(len(genes)), costs=costs)
    assert search.history.costs is not None
    first, last = search.history.costs[:8].mean(axis=0), search.history.costs[-6:].mean(axis=0)
    assert (last < first).all()


@pytest.mark.slow
def test_a_predicted_limit_is_learned() -> None:
    space = get_space("nasbench201")
    quantities = (Goal("threes", known=True), Goal("ones", is_objective=False, limit=1.0))
    search = Search(space, searching(quantities), seed=0)
    while len(search.history) < 32:
        genes = search.ask().genes
        costs = np.column_stack([(genes == 3).sum(axis=1), (genes != 2).sum(axis=1)]).astype(np.float64)
        search.tell(genes, np.zeros(len(genes)), costs=costs)
    assert search.history.costs is not None
    assert (search.history.costs[:, 1] <= 1).any()


def test_where_the_space_is_used_up_and_nothing_keeps_the_limits_nothing_is_proposed() -> None:
    space = get_space("nasbench201")
    few = space.restricted_to(space.enumerated_keys()[:10])
    goals = (Goal("error"), Goal("threes", known=True, is_objective=False, limit=-1.0))
    search = Search(few, searching(goals), seed=0)
    while len(proposal := search.ask()):
        genes = proposal.genes
        costs = np.stack([genes.mean(axis=1), (genes == 3).sum(axis=1)], axis=1)
        search.tell(genes, np.zeros(len(genes)), costs=costs)
    assert len(search.history) == 10


def test_a_predictor_that_does_not_know_how_unsure_it_is_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="predict_std"):
        FrontSearch((Goal("one"),), Threes(), GCN(), Evolutionary())


def test_what_is_in_flight_counts_as_if_it_had_kept_its_promise() -> None:
    quantities = (Goal("error"), Goal("threes", known=True))
    search = Search(get_space("nasbench201"), searching(quantities), seed=0)
    genes = search.ask().genes
    search.tell(genes, np.zeros(len(genes)), costs=np.stack([genes.mean(axis=1), (genes == 3).sum(axis=1)], axis=1))
    best = search.propose(3)
    one_by_one = [search.ask(1) for _ in range(3)]
    assert len({each.key for each in search.history.pending}) == 3
    assert one_by_one[0].keys[0] == best.keys[0]
    failed = search.history.pending_genes[:1]
    search.tell(failed, failed="killed")
    assert len(search.ask(2)) == 2
    assert search.history.costs is not None
    assert np.isnan(search.history.costs[-1]).all()
